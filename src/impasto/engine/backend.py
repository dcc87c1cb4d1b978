"""The calls that painting is made of, and who answers them."""

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from impasto.engine.architecture import LAYERS, DecoderConfig, halved, level
from impasto.engine.conditioning import Conditioning
from impasto.engine.given import Given
from impasto.engine.statistics import Array, Moments
from impasto.engine.strokes import LONG
from impasto.errors import OptionError
from impasto.weights import WEIGHTS, load_arrays, location


class Backend(Protocol):
    """An encoder and the decoder that paints from its features.

    Pictures are (N, 3, H, W) float32 in [0, 1], with sides of 9 or more.
    """

    config: DecoderConfig
    conditioning: Conditioning

    def encode(self, picture: Array, shares: Array | None = None) -> dict[str, Moments]:
        """{layer: moments of its features}. shares: (N or 1, 1, H, W), how much each position counts; None where all of
        them do; of one picture, it may be (M, 1, H, W), for M times its moments."""

    def paint(self, picture: Array, given: Given, grounds: Mapping[str, Array]) -> Array:
        """The picture with its features and the decoder's responses as `given`. grounds: {convolution: (1, 1, h, w)}.

        Returns (N, 3, H, W), which nothing keeps within [0, 1].
        """

    def draw(self, painted: Array, over: Array, reach: Array, share: Array, contrast: Array) -> Array:
        """A painting, (N, 3, H, W), with its strokes drawn out, as `engine.strokes` says; the same where reach and
        share are 0. over: what it was painted over. reach, in pixels, and share, how far what is done to plain places
        is done: (1, 1, H or 1, W or 1). contrast: (1, 1, 1, 1)."""

    def change(self, painting: Array) -> float:
        """Of the finest of one painting, (1, 3, H, W), by drawing it out at full length, as `length_of` takes it."""

    def expect(self, call: str, *arguments: Any) -> None:
        """Make ready, meanwhile, for one of the calls above, by its name, with arguments of these shapes."""

    def release(self) -> None:
        """Give back the memory of what large pictures were computed by."""


# The runtimes of graphs, the fastest first.
RUNTIMES = {
    "openvino": "impasto.engine.openvino:OpenVINO",
    "onnxruntime": "impasto.engine.onnxruntime:ONNXRuntime",
}


def has_runtime() -> bool:
    """Whether one is installed."""
    return any(find_spec(name) for name in RUNTIMES)


def load_backend(precision: str = "auto", runtime: str = "auto") -> Backend:
    """The embedded networks. precision: fp32, bf16, or auto: bf16 where the processor multiplies in it.

    runtime: auto is the first of `RUNTIMES` that is installed. Raises OptionError.
    """
    for name, place in RUNTIMES.items():
        if runtime in ("auto", name) and find_spec(name):
            module, _, attribute = place.partition(":")
            backend: Backend = getattr(importlib.import_module(module), attribute)(precision)
            return backend
    known = " or ".join(RUNTIMES)
    raise OptionError(f"no runtime paints here: {known if runtime == 'auto' else runtime} is not installed")


def graph(name: str) -> Path:
    """The file of `encode`, `paint` or `strokes`."""
    return location(WEIGHTS["adain"]).with_name(f"{name}.onnx")


def embedded() -> tuple[DecoderConfig, Conditioning]:
    """Of the decoder that the graphs were written from; what is not in them."""
    arrays, about = load_arrays(location(WEIGHTS["adain"]))
    config = DecoderConfig.from_json(about["decoder"])
    conditioning = {
        name: array.astype(np.float32) for name, array in arrays.items() if name.startswith("conditioning.")
    }
    return config, Conditioning(config, conditioning)


def inputs_of_paint(given: Given, grounds: Mapping[str, Array]) -> dict[str, Array]:
    """What the graph `paint` takes beside features, by the names of its inputs."""
    affine = {**given.exchange, **given.modulation}
    named = {f"{name}.{kind}": pair[place] for name, pair in affine.items() for place, kind in enumerate(KINDS)}
    return named | {f"{name}.ground": noise for name, noise in grounds.items()}


def inputs_of_draw(*arguments: Array) -> dict[str, Array]:
    """What the graph `strokes` takes, by the names of its inputs."""
    return dict(zip(("painted", "over", "reach", "share", "contrast"), arguments, strict=True))


def inputs_of_change(painting: Array) -> dict[str, Array]:
    """What the graph `strokes` takes of a painting that is drawn out at full length, over nothing."""
    return inputs_of_draw(painting, np.zeros_like(painting), one(LONG), one(0.0), one(1.0))


def one(value: float) -> Array:
    """The same at every place."""
    return np.full((1, 1, 1, 1), value, np.float32)


KINDS = ("scale", "shift")


def moments_by(shared: bool) -> list[str]:
    """The outputs of the graph `encode` that `moments_of` takes."""
    kinds = ("total", "shared_mean", "shared_variance") if shared else ("mean", "variance")
    return [f"{layer}.{kind}" for layer in LAYERS for kind in kinds]


def moments_of(results: Mapping[str, Array], size: tuple[int, int]) -> dict[str, Moments]:
    """{layer: moments}. size: of the picture that was encoded."""
    found = {}
    for layer in LAYERS:
        if f"{layer}.total" in results:
            total, mean, variance = (results[f"{layer}.{kind}"] for kind in ("total", "shared_mean", "shared_variance"))
        else:
            mean, variance = results[f"{layer}.mean"], results[f"{layer}.variance"]
            height, width = (halved(side, level(layer)) for side in size)
            total = np.array([height * width])
        totals, *numbers = (value.reshape(len(value), -1).astype(np.float64) for value in (total, mean, variance))
        found[layer] = Moments(np.broadcast_to(totals, (len(mean), 1)), *numbers)
    return found

"""The two calls that painting is made of, and who answers them."""

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from impasto.engine.architecture import LAYERS, DecoderConfig
from impasto.engine.conditioning import Conditioning
from impasto.engine.statistics import Array, Moments, Statistics
from impasto.errors import OptionError
from impasto.weights import WEIGHTS, load_arrays, location

# Whatever the backend keeps of a picture between the two calls.
Features = Any

Wanted = Literal["both", "features", "moments"]


class Backend(Protocol):
    """An encoder and the decoder that paints from its features."""

    config: DecoderConfig
    conditioning: Conditioning

    def encode(
        self, picture: Array, shares: Array | None = None, wanted: Wanted = "both"
    ) -> tuple[Features, dict[str, Moments]]:
        """picture: (N, 3, H, W) in [0, 1], sides of 9 or more. shares: (N or 1, 1, H, W), how much each position counts
        in the moments; None where all of them do.

        Returns the features, which hold until `encode` is called again, and {layer: moments}. What is not wanted may be
        None or empty.
        """

    def paint(
        self,
        features: Features,
        exchange: Mapping[str, Statistics],
        modulation: Mapping[str, Statistics],
        grounds: Mapping[str, Array],
        size: tuple[int, int],
    ) -> Array:
        """exchange: {layer: scale and shift of its features}. modulation: {convolution: those of its responses}. Each
        is (N or 1, C, 1, 1), or a map of the layer's size. grounds: {convolution: (1, 1, h, w)}. size: of the picture.

        Returns (N, 3, H, W), which nothing keeps within [0, 1].
        """


# The runtimes of graphs, the fastest first.
RUNTIMES = {
    "openvino": "impasto.engine.openvino:OpenVINO",
    "onnxruntime": "impasto.engine.onnxruntime:ONNXRuntime",
}


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
    """The file of `encode` or `paint`."""
    return location(WEIGHTS["adain"]).with_name(f"{name}.onnx")


def embedded() -> tuple[DecoderConfig, Conditioning]:
    """Of the decoder that the graphs were written from; what is not in them."""
    arrays, about = load_arrays(location(WEIGHTS["adain"]))
    config = DecoderConfig.from_json(about["decoder"])
    conditioning = {
        name: array.astype(np.float32) for name, array in arrays.items() if name.startswith("conditioning.")
    }
    return config, Conditioning(config, conditioning)


def inputs_of_paint(
    exchange: Mapping[str, Statistics], modulation: Mapping[str, Statistics], grounds: Mapping[str, Array]
) -> dict[str, Array]:
    """What the graph `paint` takes beside features, by the names of its inputs."""
    affine = {**exchange, **modulation}
    named = {f"{name}.{kind}": pair[place] for name, pair in affine.items() for place, kind in enumerate(KINDS)}
    return named | {f"{name}.ground": noise for name, noise in grounds.items()}


KINDS = ("scale", "shift")


def outputs_of_encode(shared: bool, wanted: Wanted) -> list[str]:
    """Names of the outputs of the graph `encode`."""
    kinds = ("total", "shared_mean", "shared_variance") if shared else ("mean", "variance")
    moments = [f"{layer}.{kind}" for layer in LAYERS for kind in kinds] if wanted != "features" else []
    return (list(LAYERS) if wanted != "moments" else []) + moments


def moments_of(results: Mapping[str, Array], size: tuple[int, int]) -> dict[str, Moments]:
    """{layer: moments} from outputs of the graph `encode`. size: of the features of each layer, where all counts."""
    found = {}
    for block, layer in enumerate(LAYERS):
        if f"{layer}.total" in results:
            total, mean, variance = (results[f"{layer}.{kind}"] for kind in ("total", "shared_mean", "shared_variance"))
        elif f"{layer}.mean" in results:
            mean, variance = results[f"{layer}.mean"], results[f"{layer}.variance"]
            count = -(-size[0] >> block) * -(-size[1] >> block)
            total = np.full((len(mean), 1), count)
        else:
            continue
        flat = (value.reshape(len(mean), -1).astype(np.float64) for value in (total, mean, variance))
        found[layer] = Moments(*flat)
    return found

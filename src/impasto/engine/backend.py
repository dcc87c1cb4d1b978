"""The calls that painting is made of, and the graphs of the embedded networks that answer them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from impasto.engine.architecture import LAYERS, DecoderConfig, halved_side, level
from impasto.engine.given import Conditioning, Given
from impasto.engine.statistics import Array, Moments
from impasto.engine.strokes import LONG
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


def at_full_length(painting: Array) -> tuple[Array, ...]:
    """What `draw` takes for the `change` of a painting: it is drawn out over nothing."""
    return painting, np.zeros_like(painting), one(LONG), one(0.0), one(1.0)


def one(value: float) -> Array:
    """The same at every place."""
    return np.full((1, 1, 1, 1), value, np.float32)


# --- what a call computes by the graphs: its name in `OUTPUTS`, and its inputs ---------------------------------------

Computation = tuple[str, Mapping[str, Array]]

KINDS = ("scale", "shift")

OUTPUTS = {
    "moments": [f"{layer}.{kind}" for layer in LAYERS for kind in ("mean", "variance")],
    "shared moments": [f"{layer}.{kind}" for layer in LAYERS for kind in ("total", "shared_mean", "shared_variance")],
    "paint": ["painted"],
    "exchange and paint": ["painted"],
    "draw": ["drawn"],
    "change": ["change"],
}


def encoding(picture: Array, shares: Array | None = None) -> Computation:
    """Of `encode`."""
    if shares is None:
        return "moments", {"picture": picture}
    return "shared moments", {"picture": picture, "shares": shares}


def painting(picture: Array, given: Given, grounds: Mapping[str, Array]) -> Computation:
    """Of `paint`. Scales and shifts of features are the style's means and deviations where `given` is `of_style`."""
    affine = {**given.exchange, **given.modulation}
    inputs = {f"{name}.{kind}": pair[place] for name, pair in affine.items() for place, kind in enumerate(KINDS)}
    inputs |= {f"{name}.ground": noise for name, noise in grounds.items()}
    return "exchange and paint" if given.of_style else "paint", {"picture": picture, **inputs}


def drawing(*arguments: Array) -> Computation:
    """Of `draw`."""
    return "draw", dict(zip(("painted", "over", "reach", "share", "contrast"), arguments, strict=True))


def changing(painting: Array) -> Computation:
    """Of `change`."""
    return "change", drawing(*at_full_length(painting))[1]


CALLS: dict[str, Callable[..., Computation]] = {
    "encode": encoding,
    "paint": painting,
    "draw": drawing,
    "change": changing,
}


def moments_of(results: Mapping[str, Array], size: tuple[int, ...]) -> dict[str, Moments]:
    """{layer: moments} of the outputs of `encoding`. size: of the picture that was encoded."""
    found, which = {}, "shared_" if f"{LAYERS[0]}.total" in results else ""
    for layer in LAYERS:
        height, width = (halved_side(side, level(layer)) for side in size)
        total = results.get(f"{layer}.total", np.array([height * width]))
        mean, variance = (results[f"{layer}.{which}{kind}"] for kind in ("mean", "variance"))
        totals, *numbers = (value.reshape(len(value), -1).astype(np.float64) for value in (total, mean, variance))
        found[layer] = Moments(np.broadcast_to(totals, (len(mean), 1)), *numbers)
    return found

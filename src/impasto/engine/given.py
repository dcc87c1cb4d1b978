"""What the decoder is given at each place of a picture: one style for all of it, or every style in its own region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from impasto.engine.architecture import level
from impasto.engine.raster import Raster, Window
from impasto.engine.statistics import Array, Moments, Statistics, exchange

Affine = Mapping[str, Statistics]
"""{layer or convolution: scale and shift}, each (N or 1, C, 1, 1), or a map of its size."""


@dataclass(frozen=True)
class Given:
    """exchange: of the features of each layer. modulation: of the responses of each convolution.

    of_style: `exchange` holds the statistics that the features are to get instead, and `gain` the most that their
    deviations may be multiplied by; for a picture that is all there, so that its own statistics are those of its
    features.
    """

    exchange: Affine
    modulation: Affine
    of_style: bool = False
    gain: float = 0.0

    def at(self, place: Window) -> "Given":
        """The same at every place."""
        return self

    def exchanging(self, own: Mapping[str, Moments]) -> "Given":
        """What is meant for features with these statistics."""
        if not self.of_style:
            return self
        found = {layer: exchange(style, own[layer].statistics, self.gain) for layer, style in self.exchange.items()}
        return Given(found, self.modulation)


@dataclass(frozen=True)
class InRegions:
    """regions: (its map, what is given in it) of each style. strength: how much of the styles. plain: the modulation
    where no style is; features are left as they are there."""

    regions: Sequence[tuple[Raster, Given]]
    strength: float
    plain: Affine

    def at(self, place: Window) -> Given:
        """Maps: every region's in its own share, and what is plain in the rest."""
        shares = [halvings(np.float32(self.strength) * region.window(place)) for region, _ in self.regions]
        given = [one for _, one in self.regions]
        nothing = (np.ones((1, 1, 1, 1), np.float32), np.zeros((1, 1, 1, 1), np.float32))
        features = {name: _mixed(nothing, [one.exchange[name] for one in given], shares, name)
                    for name in given[0].exchange}  # fmt: skip
        modulation = {name: _mixed(plain, [one.modulation[name] for one in given], shares, name)
                      for name, plain in self.plain.items()}  # fmt: skip
        return Given(features, modulation)

    def rest(self, place: Window) -> Array:
        """(1, 1, h, w): how much of each pixel is no style's."""
        total = sum(region.window(place) for region, _ in self.regions)
        return np.maximum(1 - np.float32(self.strength) * total, 0)


def halvings(mask: Array) -> list[Array]:
    """The mask at the sizes of the encoder's four blocks."""
    levels = [mask]
    for _ in range(3):
        levels.append(halved(levels[-1]))
    return levels


def halved(x: Array) -> Array:
    """(N, C, H, W): means of what there is of two rows and two columns."""
    return _halved(_halved(x, -1), -2)


def _halved(x: Array, axis: int) -> Array:
    x = x.swapaxes(axis, -1)
    if x.shape[-1] % 2:
        x = np.concatenate([x, x[..., -1:]], -1)
    return (np.float32(0.5) * (x[..., ::2] + x[..., 1::2])).swapaxes(axis, -1)


def _mixed(plain: Statistics, styles: Sequence[Statistics], shares: Sequence[list[Array]], name: str) -> Statistics:
    scale, shift = (
        plain[kind]
        + sum(part[level(name)] * (style[kind] - plain[kind]) for style, part in zip(styles, shares, strict=True))
        for kind in (0, 1)
    )
    return scale, shift

"""What the decoder is given at each place of a picture: one style for all of it, or every style in its own region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from impasto.engine.architecture import level
from impasto.engine.raster import Raster, Window
from impasto.engine.statistics import Array, Statistics

Affine = Mapping[str, Statistics]
"""{layer or convolution: scale and shift}, each (N or 1, C, 1, 1), or a map of its size."""


@dataclass(frozen=True)
class Everywhere:
    """exchange: of the features of each layer. modulation: of the responses of each convolution."""

    exchange: Affine
    modulation: Affine

    def at(self, place: Window) -> tuple[Affine, Affine]:
        """The same at every place."""
        return self.exchange, self.modulation


@dataclass(frozen=True)
class InRegions:
    """regions: (its map, what is given in it) of each style. strength: how much of the styles. plain: the modulation
    where no style is; features are left as they are there."""

    regions: Sequence[tuple[Raster, Everywhere]]
    strength: float
    plain: Affine

    def at(self, place: Window) -> tuple[Affine, Affine]:
        """Maps: every region's in its own share, and what is plain in the rest."""
        shares = [halvings(np.float32(self.strength) * region.window(place)) for region, _ in self.regions]
        given = [one for _, one in self.regions]
        nothing = (np.ones((1, 1, 1, 1), np.float32), np.zeros((1, 1, 1, 1), np.float32))
        exchange = {name: _mixed(nothing, [one.exchange[name] for one in given], shares, name)
                    for name in given[0].exchange}  # fmt: skip
        modulation = {name: _mixed(plain, [one.modulation[name] for one in given], shares, name)
                      for name, plain in self.plain.items()}  # fmt: skip
        return exchange, modulation

    def rest(self, place: Window) -> Array:
        """(1, 1, h, w): how much of each pixel is no style's."""
        total = sum(region.window(place) for region, _ in self.regions)
        return np.maximum(1 - np.float32(self.strength) * total, 0)


def halvings(mask: Array) -> list[Array]:
    """The mask at the sizes of the encoder's four blocks; means of what there is of two rows and two columns."""
    levels = [mask]
    for _ in range(3):
        levels.append(_halved(_halved(levels[-1], -1), -2))
    return levels


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

"""The photo as the network sees it: masses in the painting's colours; and paintings that are made larger."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impasto.engine.colours import recoloured, within
from impasto.engine.raster import Raster, Window
from impasto.engine.statistics import Array

# Width in pixels of the strokes that a detailed decoder paints. What share of the picture they are to be decides the
# size that it is painted at first.
STROKE = 8.0

ColourMap = tuple[Array, Array]


@dataclass(frozen=True)
class Recoloured:
    """A smoothed photo in other colours, within [0, 1].

    colour_maps: how the colours move; one for all of it, or one for each of the regions. regions: how much of each
    position, (1, 1, H, W) each; the photo itself, not smoothed, is seen in the rest.
    """

    smoothed: Raster
    photo: Raster
    colour_maps: Sequence[ColourMap]
    regions: Sequence[Raster] = ()
    strength: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        return self.smoothed.size

    def window(self, place: Window) -> Array:
        plain = self.smoothed.window(place)
        if not self.regions:
            return within(recoloured(plain, self.colour_maps[0]), plain)
        photo = self.photo.window(place)
        total = photo.copy()
        for colour_map, region in zip(self.colour_maps, self.regions, strict=True):
            moved = within(recoloured(plain, colour_map), plain)
            total += np.float32(self.strength) * region.window(place) * (moved - photo)
        return total.clip(0, 1, out=total)


@dataclass(frozen=True)
class Enlarged:
    """A smaller painting with the edges that the photo has at this size, within [0, 1].

    prepared: the photo at this size. difference: of the painting to the photo that it was painted from, enlarged.
    """

    prepared: Raster
    difference: Raster

    @property
    def size(self) -> tuple[int, int]:
        return self.prepared.size

    def window(self, place: Window) -> Array:
        larger = self.prepared.window(place) + self.difference.window(place)
        return larger.clip(0, 1, out=larger)


def octaves(height: int, width: int, stroke: float) -> list[tuple[int, int]]:
    """The sizes that a picture is painted at, one after the other: the first has strokes of the wanted share of its
    shorter side, each next is about twice as large, the last is the picture's own.

    All passes together cost at most 1.5 times the last one.
    """
    ratio = min(height, width) * stroke / STROKE
    if ratio < math.sqrt(2):
        return [(height, width)]
    count = max(1, round(math.log2(ratio)))
    shares = [ratio ** (step / count - 1) for step in range(count + 1)]
    return [(max(1, round(height * share)), max(1, round(width * share))) for share in shares]

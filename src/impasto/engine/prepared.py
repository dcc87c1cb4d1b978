"""The photo as the network sees it: masses in the painting's colours; and paintings that are made larger."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from impasto.engine.colours import recoloured
from impasto.engine.raster import Raster, Window
from impasto.engine.smoothing import smoothed, smoothing_halo
from impasto.engine.statistics import Array
from impasto.engine.threads import threads

# Width in pixels of the strokes that a detailed decoder paints. What share of the picture they are to be decides the
# size that it is painted at first.
STROKE = 8.0

# Of a photo, so many are smoothed at a time.
ROWS = 48

ColourMap = tuple[Array, Array]


@dataclass(frozen=True)
class Smoothed:
    """A photo without what is fainter than an edge and smaller than the radius, in pixels."""

    photo: Raster
    radius: float

    @property
    def size(self) -> tuple[int, int]:
        return self.photo.size

    def window(self, place: Window) -> Array:
        halo = smoothing_halo(self.radius)
        if not halo:
            return self.photo.window(place)
        seen = place.grown(halo, *self.size)
        photo = self.photo.window(seen)
        result = np.empty((*photo.shape[:2], *place.size), np.float32)

        def smooth(top: int) -> None:
            strip = replace(place, top=top, bottom=min(top + max(ROWS, 4 * halo), place.bottom))
            around = strip.grown(halo, *self.size)
            place.cut(strip, result)[:] = around.cut(strip, smoothed(seen.cut(around, photo), self.radius))

        # Numpy lets others work while it does, and a few rows stay in a core's cache.
        with ThreadPoolExecutor(threads()) as pool:
            list(pool.map(smooth, range(place.top, place.bottom, max(ROWS, 4 * halo))))
        return result


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
            moved = recoloured(plain, self.colour_maps[0])
            return moved.clip(0, 1, out=moved)
        photo = self.photo.window(place)
        total = photo.copy()
        for colour_map, region in zip(self.colour_maps, self.regions, strict=True):
            total += np.float32(self.strength) * region.window(place) * (recoloured(plain, colour_map) - photo)
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

"""Abstraction: what is small and faint goes, masses remain, with their edges."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from impasto.engine.raster import Raster, Resized, Window, whole
from impasto.engine.room import room
from impasto.engine.statistics import Array
from impasto.engine.threads import threads

# The self-guided filter: contrasts with a variance above this stay, those below are smoothed; so many rounds.
EDGE, ROUNDS = np.float32(0.004), 3

# Of a photo, so many are smoothed at a time: what stays in a core's cache.
ROWS = 48


@dataclass(frozen=True)
class Smoothed:
    """A photo of which each pixel is scaled and shifted as its surroundings want it: masses, with their edges."""

    photo: Raster
    scale: Raster
    shift: Raster

    @property
    def size(self) -> tuple[int, int]:
        return self.photo.size

    def window(self, place: Window) -> Array:
        pixels = self.scale.window(place) * self.photo.window(place)
        pixels += self.shift.window(place)
        return pixels

    def enlarged(self, photo: Raster) -> "Smoothed":
        """A larger one of the photo, scaled and shifted alike: for a radius that is larger, too, nearly what it would
        be at its own size, for next to nothing (He and Sun 2015)."""
        scale, shift = (
            Resized(small, photo.size, clamped=False, kernel="linear") for small in (self.scale, self.shift)
        )
        return Smoothed(photo, scale, shift)


def smooth(photo: Raster, radius: float) -> Smoothed:
    """Without what is fainter than an edge and smaller than the radius, in pixels, which is more than 0.

    A self-guided filter (He et al. 2013) in rounds, a few rows at a time.
    """
    size, halo = photo.size, 2 * ROUNDS * math.ceil(radius)
    rows = max(ROWS, 4 * halo)
    count = len(photo.window(Window(0, 0, 1, 1)))
    scale, shift = room(count, 3, *size), room(count, 3, *size)

    def smooth_strip(top: int) -> None:
        strip = replace(whole(photo), top=top, bottom=min(top + rows, size[0]))
        around = strip.grown(halo, *size)
        for kept, values in zip((scale, shift), smoothing(photo.window(around), radius), strict=True):
            kept.write(strip, around.cut(strip, values))

    # Numpy lets others work while it does.
    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(smooth_strip, range(0, size[0], rows)))
    return Smoothed(photo, scale, shift)


def smoothing(picture: Array, radius: float) -> tuple[Array, Array]:
    """(N, 3, H, W) -> scale and shift of each pixel, by which it is smoothed."""
    scale = shift = None
    for _ in range(ROUNDS):
        mean = _box(picture, radius)
        variance = _box(picture * picture, radius)
        variance -= mean * mean
        np.maximum(variance, 0, out=variance)
        kept = variance / (variance + EDGE)
        mean *= 1 - kept
        kept, mean = _box(kept, radius), _box(mean, radius)
        picture = mean + kept * picture
        scale = kept if scale is None else kept * scale
        shift = mean if shift is None else mean + kept * shift
    assert scale is not None
    assert shift is not None
    return scale, shift


def _box(x: Array, radius: float) -> Array:
    """Mean over a square of 2 radius + 1 pixels; the outermost ones count by their share if the radius is broken."""
    reach = math.ceil(radius)
    outermost = np.float32(1 - (reach - radius))
    height, width = x.shape[-2:]
    wide = np.empty((*x.shape[:-1], width + 2 * reach), np.float32)
    wide[..., reach:-reach] = x
    wide[..., :reach], wide[..., -reach:] = x[..., :1], x[..., -1:]
    total = wide[..., :width] + wide[..., 2 * reach :]
    total *= outermost
    for start, part in _runs(wide, 2 * reach - 1, axis=-1):
        total += part[..., 1 + start : 1 + start + width]
    tall = np.empty((*x.shape[:-2], height + 2 * reach, width), np.float32)
    tall[..., reach:-reach, :] = total
    tall[..., :reach, :], tall[..., -reach:, :] = total[..., :1, :], total[..., -1:, :]
    total = tall[..., :height, :] + tall[..., 2 * reach :, :]
    total *= outermost
    for start, part in _runs(tall, 2 * reach - 1, axis=-2):
        total += part[..., 1 + start : 1 + start + height, :]
    total *= np.float32(1 / (2 * radius + 1) ** 2)
    return total


def _runs(x: Array, length: int, axis: int) -> list[tuple[int, Array]]:
    """(where it starts, sums of a run of neighbours that begins at each place) for runs of powers of two, which
    together are a run of this length: a wide box takes hardly more sums than a narrow one."""
    runs, size, start = [], 1, 0
    while True:
        if length & size:
            runs.append((start, x))
            start += size
        size *= 2
        if size > length:
            return runs
        count, half = x.shape[axis], size // 2
        x = x[..., : count - half] + x[..., half:] if axis == -1 else x[..., : count - half, :] + x[..., half:, :]

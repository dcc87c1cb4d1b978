"""Pictures of which only the part that is needed is looked at: held in memory, another one at another size, or computed
there and then; and the tiles that they are cut into."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from impasto.engine.architecture import MULTIPLE, up
from impasto.engine.statistics import Array

# Of a resized picture, so many lines are made at a time, from the few that they lie between.
BLOCK = 16

# Whole numbers with a sign are so many parts of 1: [-2, 2) in steps of a 64th of an 8-bit level.
FIXED = 2**14

# Multiplications of matrices with more are spread over threads by OpenBLAS, which for so few takes five times the time.
ALONE = 2**18


@dataclass(frozen=True)
class Window:
    """A part of a picture: rows from top to bottom, columns from left to right, without the last ones."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    def grown(self, border: int, height: int, width: int) -> "Window":
        """With so many pixels more on each side, as far as a picture of this size has them."""
        top, left = max(0, self.top - border), max(0, self.left - border)
        return Window(top, left, min(height, self.bottom + border), min(width, self.right + border))

    def cut(self, other: "Window", pixels: Array) -> Array:
        """Of the pixels of this window, those of another one inside of it."""
        top, left = other.top - self.top, other.left - self.left
        height, width = other.size
        return pixels[..., top : top + height, left : left + width]


class Raster(Protocol):
    """A picture or a mask, (N, C, H, W)."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def window(self, place: Window) -> Array:
        """(N, C, h, w) float32 in [0, 1] of a part."""


@dataclass(frozen=True)
class Held:
    """Pixels that are there, in memory or in a mapped file: (N, C, H, W) of float32, of uint8 or uint16, whose range is
    [0, 1], or of int16, in parts of `FIXED`."""

    pixels: NDArray[Any]

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.pixels.shape[-2:]
        return height, width

    def window(self, place: Window) -> Array:
        return numbers(self.pixels[..., place.top : place.bottom, place.left : place.right])


@dataclass(frozen=True)
class Resized:
    """Another picture at another size: bicubic, antialiased, clamped to [0, 1] unless `clamped` is False."""

    source: Raster
    size: tuple[int, int]
    clamped: bool = True
    kernel: Literal["cubic", "linear"] = "cubic"

    def window(self, place: Window) -> Array:
        height, width = self.source.size
        if self.size == (height, width):
            return self.source.window(place)
        rows, columns = _taps(height, self.size[0], self.kernel), _taps(width, self.size[1], self.kernel)
        top, bottom = rows.reach(place.top, place.bottom)
        left, right = columns.reach(place.left, place.right)
        part = self.source.window(Window(top, left, bottom, right))
        tall = np.empty((*part.shape[:2], place.size[0], right - left), np.float32)
        for first, last in blocks(place.top, place.bottom):
            matrix, (low, high) = rows.matrix(first, last), rows.reach(first, last)
            for start, end in blocks(0, right - left, ALONE // matrix.size):
                lines = part[..., low - top : high - top, start:end]
                np.matmul(matrix, lines, out=tall[..., first - place.top : last - place.top, start:end])
        wide = np.empty((*part.shape[:2], *place.size), np.float32)
        for first, last in blocks(place.left, place.right):
            matrix, (low, high) = columns.matrix(first, last).T, columns.reach(first, last)
            for start, end in blocks(0, place.size[0], ALONE // matrix.size):
                lines = tall[..., start:end, low - left : high - left]
                wide[..., start:end, first - place.left : last - place.left] = lines @ matrix
        return wide.clip(0, 1, out=wide) if self.clamped else wide


@dataclass(frozen=True)
class Computed:
    """A picture each part of which is computed when it is looked at."""

    size: tuple[int, int]
    window: Callable[[Window], Array]


@dataclass(frozen=True)
class Extended:
    """Another picture whose last row and column are repeated up to a size."""

    source: Raster
    size: tuple[int, int]

    def window(self, place: Window) -> Array:
        height, width = self.source.size
        if place.bottom <= height and place.right <= width:
            return self.source.window(place)
        rows = np.arange(place.top, place.bottom).clip(max=height - 1)
        columns = np.arange(place.left, place.right).clip(max=width - 1)
        top, left = int(rows[0]), int(columns[0])
        part = self.source.window(Window(top, left, int(rows[-1]) + 1, int(columns[-1]) + 1))
        return part[..., rows[:, None] - top, columns - left]


def resized(picture: Array, height: int, width: int) -> Array:
    """(N, C, H, W) in [0, 1] -> (N, C, height, width), as `Resized`."""
    return Resized(Held(picture), (height, width)).window(Window(0, 0, height, width))


def numbers(samples: NDArray[Any]) -> Array:
    """What samples of the kinds that `Held` has stand for."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32, copy=False)
    values: Array = np.ascontiguousarray(samples, np.float32)
    values /= np.float32(scale_of(samples.dtype))
    return values


def scale_of(kind: np.dtype[Any]) -> int:
    """What 1 is, in whole numbers of this kind."""
    return int(np.iinfo(kind).max) if kind.kind == "u" else FIXED


def whole(raster: Raster) -> Window:
    """All of it."""
    return Window(0, 0, *raster.size)


def total(mask: Raster) -> float:
    """Sum over all positions."""
    height, width = mask.size
    return sum(float(mask.window(Window(top, 0, bottom, width)).sum()) for top, bottom in blocks(0, height))


def blocks(start: int, stop: int, count: int = BLOCK) -> list[tuple[int, int]]:
    """Of lines, a few at a time: (the first, the one after the last)."""
    step = max(1, count)
    return [(first, min(first + step, stop)) for first in range(start, stop, step)]


@dataclass(frozen=True)
class _Taps:
    """first: (n,), the first line of the source that each line is made of. weights: (n, t) of it and those after it."""

    first: NDArray[np.int64]
    weights: Array
    lines: int
    made: dict[tuple[int, int], Array] = field(default_factory=dict, repr=False)

    def reach(self, start: int, stop: int) -> tuple[int, int]:
        """The lines of the source that these lines are made of."""
        return int(self.first[start]), min(self.lines, int(self.first[stop - 1]) + self.weights.shape[1])

    def matrix(self, start: int, stop: int) -> Array:
        """(stop - start, lines of the source that `reach` tells), from those to these lines."""
        if (start, stop) in self.made:
            return self.made[start, stop]
        low, high = self.reach(start, stop)
        count = self.weights.shape[1]
        matrix = np.zeros((stop - start, high - low + count), np.float32)
        places = self.first[start:stop, None] - low + np.arange(count)
        np.put_along_axis(matrix, places, self.weights[start:stop], 1)
        self.made[start, stop] = matrix[:, : high - low]
        return self.made[start, stop]


@lru_cache(maxsize=32)
def _taps(source: int, target: int, kernel: str) -> _Taps:
    """Keys' cubic with a = -0.5 or a triangle, widened where the picture becomes smaller, as Pillow and PyTorch do."""
    scale, support = source / target, 2 if kernel == "cubic" else 1
    reach = support * max(1.0, scale)
    centres = scale * (np.arange(target) + 0.5)
    first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
    places = first[:, None] + np.arange(math.ceil(2 * reach) + 1)
    last = np.minimum((centres + reach + 0.5).astype(np.int64), source)[:, None]
    x = np.abs((places - centres[:, None] + 0.5) / max(1.0, scale))
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    values = np.where(x < 1, near, np.where(x < 2, far, 0)) if kernel == "cubic" else np.maximum(1 - x, 0)
    weights = values * (places < last)
    return _Taps(first, (weights / weights.sum(1, keepdims=True)).astype(np.float32), source)


def tiles(height: int, width: int, halo: int, side: int) -> list[tuple[Window, Window]]:
    """(what a tile is for, which no other is, what is looked at for it), in rows from the top, each from the left.

    halo: pixels that are looked at around what a tile is for, as far as the picture has them. side: of a square that
    nothing larger than is looked at; of more than twice the halo.
    Parts begin at multiples of 8 and are all of one size, for which a program has to be made only once. A picture with
    no more pixels than the square is one tile.
    """
    longest = max(height, width) if height * width <= side * side else side
    return [
        (Window(core_top, core_left, core_bottom, core_right), Window(top, left, bottom, right))
        for core_top, core_bottom, top, bottom in _spans(height, halo, longest)
        for core_left, core_right, left, right in _spans(width, halo, longest)
    ]


def _spans(length: int, halo: int, side: int) -> list[tuple[int, int, int, int]]:
    """(start and end of a core, start and end of what is looked at), from the first to the last."""
    if length <= side:
        return [(0, length, 0, length)]
    # What the side is beyond a multiple of 8, every part is, since the last one has to be.
    halo, beyond = up(halo), length % MULTIPLE
    most = (side - beyond) // MULTIPLE * MULTIPLE - 2 * halo
    assert most > 0
    inner = length - 2 * halo
    step = up(-(-inner // -(-inner // most)))
    count, size = -(-inner // step), step + 2 * halo + beyond
    spans = []
    for number in range(count):
        start = min(number * step, length - size)
        core = number * step + halo if number else 0
        core_end = (number + 1) * step + halo if number < count - 1 else length
        spans.append((core, core_end, start, start + size))
    return spans

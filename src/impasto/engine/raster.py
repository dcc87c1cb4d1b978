"""Pictures of which only the part that is needed is looked at: held in memory, or another one at another size."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from impasto.engine.statistics import Array

# Of a resized picture, so many lines are made at a time, from the few that they lie between.
BLOCK = 32

# Pixels above which what is kept of a picture in between is kept in half precision.
LARGE = 2**23


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
    """Pixels that are there: (N, C, H, W) of float32 in [0, 1], uint8 or uint16, in memory or in a mapped file."""

    pixels: NDArray[Any]

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.pixels.shape[-2:]
        return height, width

    def window(self, place: Window) -> Array:
        part = self.pixels[..., place.top : place.bottom, place.left : place.right]
        fractions: Array = part.astype(np.float32, copy=False)
        return fractions / np.float32(256**part.itemsize - 1) if part.dtype.kind == "u" else fractions


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
        for first, last in _blocks(place.top, place.bottom):
            low, high = rows.reach(first, last)
            lines = part[..., low - top : high - top, :]
            np.matmul(rows.matrix(first, last), lines, out=tall[..., first - place.top : last - place.top, :])
        wide = np.empty((*part.shape[:2], *place.size), np.float32)
        for first, last in _blocks(place.left, place.right):
            low, high = columns.reach(first, last)
            lines = tall[..., low - left : high - left]
            wide[..., first - place.left : last - place.left] = lines @ columns.matrix(first, last).T
        return wide.clip(0, 1, out=wide) if self.clamped else wide


@dataclass(frozen=True)
class Product:
    """Two masks, one within the other."""

    first: Raster
    second: Raster

    @property
    def size(self) -> tuple[int, int]:
        return self.first.size

    def window(self, place: Window) -> Array:
        return self.first.window(place) * self.second.window(place)


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


def whole(raster: Raster) -> Window:
    """All of it."""
    return Window(0, 0, *raster.size)


class Room(Held):
    """Memory for pictures that are written part by part."""

    def __init__(self, count: int, height: int, width: int) -> None:
        # Half precision rounds to a tenth of an 8-bit level, and alike whatever the tiles are.
        kind = np.float16 if height * width > LARGE else np.float32
        super().__init__(np.empty((count, 3, height, width), kind))

    def write(self, place: Window, pixels: Array) -> None:
        """Put these pixels there."""
        self.pixels[..., place.top : place.bottom, place.left : place.right] = pixels


def materialised(picture: Raster) -> Raster:
    """Held in memory, made a few rows at a time."""
    height, width = picture.size
    held: Room | None = None
    for top, bottom in _blocks(0, height):
        place = Window(top, 0, bottom, width)
        rows = picture.window(place)
        held = held or Room(len(rows), height, width)
        held.write(place, rows)
    assert held is not None
    return held


def total(mask: Raster) -> float:
    """Sum over all positions."""
    height, width = mask.size
    return sum(float(mask.window(Window(top, 0, bottom, width)).sum()) for top, bottom in _blocks(0, height))


def _blocks(start: int, stop: int) -> list[tuple[int, int]]:
    return [(first, min(first + BLOCK, stop)) for first in range(start, stop, BLOCK)]


@dataclass(frozen=True)
class _Taps:
    """first: (n,), the first line of the source that each line is made of. weights: (n, t) of it and those after it."""

    first: NDArray[np.int64]
    weights: Array
    lines: int

    def reach(self, start: int, stop: int) -> tuple[int, int]:
        """The lines of the source that these lines are made of."""
        return int(self.first[start]), min(self.lines, int(self.first[stop - 1]) + self.weights.shape[1])

    def matrix(self, start: int, stop: int) -> Array:
        """(stop - start, lines of the source that `reach` tells), from those to these lines."""
        low, high = self.reach(start, stop)
        count = self.weights.shape[1]
        matrix = np.zeros((stop - start, high - low + count), np.float32)
        places = self.first[start:stop, None] - low + np.arange(count)
        np.put_along_axis(matrix, places, self.weights[start:stop], 1)
        return matrix[:, : high - low]


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

"""What strokes are made of where the photo is plain: noise that depends on nothing but its place in the picture."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impasto.engine.raster import Window
from impasto.engine.statistics import Array


@lru_cache(maxsize=12)
def ground(height: int, width: int, block: int, top: int = 0, left: int = 0) -> Array:
    """(1, 1, height, width), uniform with deviation 1, of the part of the picture that begins at row `top`, column
    `left`; all counted in positions of the block. So tiles fit together and strokes hold still where nothing moves."""
    return _noise(np.arange(top, top + height)[:, None], np.arange(left, left + width), block)


def ground_on(canvas: Array, size: tuple[int, int], place: Window, block: int) -> Array:
    """The same for a picture whose strokes move.

    canvas: (1, 2, H, W), where each of its pixels lies on what the strokes are on, x before y; where that is its own
    place in the picture, this is `ground`. size: that the picture is painted at, which may be smaller.
    place: the part of it that is wanted.
    """
    height, width = canvas.shape[-2:]
    step, ratio = 2 ** (block - 1), np.array([size[1] / width, size[0] / height], np.float32)
    rows = _nearest(np.arange(place.top, place.bottom, step) + step // 2, size[0], height)
    columns = _nearest(np.arange(place.left, place.right, step) + step // 2, size[1], width)
    middles = (canvas[0][:, rows[:, None], columns] + np.float32(0.5)) * (ratio / np.float32(step))[:, None, None]
    x, y = np.floor(middles).astype(np.int64)
    return _noise(y, x, block)


def _nearest(lines: NDArray[np.int64], count: int, source: int) -> NDArray[np.int64]:
    """The lines of a picture that are nearest to these of the picture resized from `source` to `count` lines."""
    return (2 * lines.clip(max=count - 1) + 1) * source // (2 * count)


def _noise(rows: NDArray[np.int64], columns: NDArray[np.int64], block: int) -> Array:
    """A hash of integers, which begin anew after 2^32."""
    value = rows.astype(np.uint32) * np.uint32(0x9E3779B1) + columns.astype(np.uint32) * np.uint32(0x85EBCA77)
    value += np.uint32(block * 0xC2B2AE3D & 0xFFFFFFFF)
    for factor in (0x7FEB352D, 0x846CA68B):
        value ^= value >> np.uint32(16)
        value *= np.uint32(factor)
    value ^= value >> np.uint32(16)
    noise = (value >> np.uint32(8)).astype(np.float32)
    noise = (noise / np.float32(2**23) - np.float32(1)) * np.float32(math.sqrt(3))
    return noise[None, None]

"""What strokes are made of where the photo is plain: noise that depends on nothing but its place in the picture."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=12)
def ground(height: int, width: int, block: int, top: int = 0, left: int = 0) -> NDArray[np.float32]:
    """(1, 1, height, width), uniform with deviation 1, of the part of the picture that begins at row `top`, column
    `left`; all counted in positions of the block. So tiles fit together and a film's strokes hold still."""
    rows = np.arange(top, top + height, dtype=np.uint32)[:, None] * np.uint32(0x9E3779B1)
    columns = np.arange(left, left + width, dtype=np.uint32) * np.uint32(0x85EBCA77)
    value = rows + columns + np.uint32(block * 0xC2B2AE3D & 0xFFFFFFFF)
    for factor in (0x7FEB352D, 0x846CA68B):
        value ^= value >> np.uint32(16)
        value *= np.uint32(factor)
    value ^= value >> np.uint32(16)
    noise = (value >> np.uint32(8)).astype(np.float32)
    noise = (noise / np.float32(2**23) - np.float32(1)) * np.float32(math.sqrt(3))
    return noise[None, None]

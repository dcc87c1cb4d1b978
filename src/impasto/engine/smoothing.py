"""Abstraction: what is small and faint goes, masses remain, with their edges."""

import math

import numpy as np

from impasto.engine.statistics import Array

# The self-guided filter: contrasts with a variance above this stay, those below are smoothed; so many rounds.
EDGE, ROUNDS = np.float32(0.004), 3


def smoothing_halo(radius: float) -> int:
    """Pixels around a part of a picture that its smoothed pixels depend on."""
    return 2 * ROUNDS * math.ceil(radius)


def smoothed(picture: Array, radius: float) -> Array:
    """(N, 3, H, W) without what is fainter than an edge and smaller than the radius, in pixels; 0 leaves all of it.

    A self-guided filter (He et al. 2013) in rounds.
    """
    if radius <= 0:
        return picture
    for _ in range(ROUNDS):
        mean = _box(picture, radius)
        variance = _box(picture * picture, radius)
        variance -= mean * mean
        np.maximum(variance, 0, out=variance)
        kept = variance / (variance + EDGE)
        mean *= 1 - kept
        picture = _box(mean, radius) + _box(kept, radius) * picture
    return picture


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

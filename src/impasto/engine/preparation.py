"""The photo as the network sees it: in the painting's colours, by global statistics and one linear map, and as masses
with edges, without what is small and faint; and paintings that are made larger."""

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impasto.device import threads
from impasto.engine.raster import Computed, Raster, Resized, Window, whole
from impasto.engine.room import room
from impasto.engine.statistics import Array

Colours = tuple[Array, Array]
"""Mean (N, 3) and covariance (N, 3, 3) of RGB in [0, 1], float32."""

ColourMap = tuple[Array, Array]
"""Of A x + b: (N, 3, 3) and (N, 3, 1)."""

# Variance of a colour direction below which it holds nothing to stretch: a photograph in black and white is tinted, and
# not torn apart into its noise.
FLAT = 1e-4

# Values that are closer to black or white than this approach it only.
SHOULDER = 0.15

# The self-guided filter: contrasts with a variance above this stay, those below are smoothed; so many rounds.
EDGE, ROUNDS = 0.004, 3

# Of a photo, so many rows are smoothed at a time: what stays in a core's cache.
ROWS = 48

# Width in pixels of the strokes that a detailed decoder paints. What share of the picture they are to be decides the
# size that it is painted at first.
STROKE = 8.0


def colours(parts: Iterable[tuple[Array, Array | None]]) -> Colours:
    """Of all parts of a picture. parts: (N, 3, h, w) in [0, 1] each, and how much each position counts, (N or 1, 1, h,
    w), or None where all of it does; not all 0."""
    measured = []
    for picture, shares in parts:
        # About the middle, so that little is lost where squares are subtracted.
        pixels = picture.reshape(*picture.shape[:2], -1) - np.float32(0.5)
        part = pixels if shares is None else pixels * shares.reshape(len(shares), 1, -1)
        count = pixels.shape[2] if shares is None else shares.sum((1, 2, 3), dtype=np.float64)[:, None]
        product = (part @ pixels.transpose(0, 2, 1)).astype(np.float64)
        measured.append((np.asarray(count), part.sum(2, dtype=np.float64), product))
    total, sums, products = (np.asarray(sum(each)) for each in zip(*measured, strict=True))
    mean = sums / total
    spread = products / total[..., None] - mean[:, :, None] * mean[:, None]
    return (mean + 0.5).astype(np.float32), spread.astype(np.float32)


def blend_colours(tones: Sequence[Colours], shares: Sequence[float]) -> Colours:
    """Means and covariances mixed in these shares, which are 0 or more."""
    pairs = list(zip(tones, shares, strict=True))
    means, spreads = (sum(np.float32(share) * tone[kind] for tone, share in pairs) for kind in (0, 1))
    return np.asarray(means), np.asarray(spreads)


def recolouring(own: Colours, target: Colours) -> ColourMap:
    """The linear map of colours from the statistics `own` to `target`.

    The one that moves colours least (Monge-Kantorovitch; Pitié and Kokaram 2007): statistics per channel, which are all
    that AdaIN exchanges, cannot turn a blue sky into a painting's yellow one where channels are correlated otherwise,
    and make it pink.
    """
    A = transport(own[1], target[1])
    return A, target[0][..., None] - A @ own[0][..., None]


def recoloured(picture: Array, colour_map: ColourMap) -> Array:
    """(N, 3, H, W) in [0, 1] -> the same."""
    A, shift = colour_map
    pixels = picture.reshape(*picture.shape[:2], -1)
    return within((A @ pixels + shift).reshape(picture.shape), picture)


def within(moved: Array, photo: Array) -> Array:
    """`moved`, changed in place so that it is in [0, 1]; both of one shape.

    What a map moves beyond black or white approaches it instead, so that shades stay apart; what is not moved stays.
    """
    for sign, end in ((1, 0), (-1, 1)):
        left = sign * (moved - np.float32(end))
        shoulder = (sign * (photo - np.float32(end))).clip(1e-6, SHOULDER)
        beyond = left < shoulder
        shoulder = shoulder[beyond]
        moved[beyond] = end + sign * shoulder * np.exp(left[beyond] / shoulder - 1)
    return moved


def transport(S: Array, C: Array) -> Array:
    """The symmetric A with A S A = C: S^-1/2 (S^1/2 C S^1/2)^1/2 S^-1/2. (N, 3, 3) each."""
    floor = FLAT * np.eye(3)
    root, inverse = _square_root(S + floor)
    middle, _ = _square_root(root @ (C + floor) @ root)
    return (inverse @ middle @ inverse).astype(np.float32)


def _square_root(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Square root and its inverse of symmetric positive definite matrices."""
    values, vectors = np.linalg.eigh(matrix)
    roots, back = np.sqrt(values)[:, None], vectors.transpose(0, 2, 1)
    return (vectors * roots) @ back, (vectors / roots) @ back


def masses(photo: Raster, scale: Raster, shift: Raster) -> Raster:
    """A photo of which each pixel is scaled and shifted as its surroundings want it: masses, with their edges.

    scale, shift: of `smooth`, of the photo or of a smaller one. With these a larger one is nearly what it would be by a
    radius that is larger, too, for next to nothing (He and Sun 2015).
    """
    scale, shift = (Resized(small, photo.size, clamped=False, kernel="linear") for small in (scale, shift))

    def window(place: Window) -> Array:
        pixels = scale.window(place) * photo.window(place)
        pixels += shift.window(place)
        return pixels

    return Computed(photo.size, window)


def smooth(photo: Raster, radius: float) -> tuple[Raster, Raster]:
    """The scale and shift of each pixel by which goes what is fainter than an edge and smaller than the radius, in
    pixels, which is more than 0.

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
    return scale, shift


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
    total = _summed(_summed(x, radius, -1), radius, -2)
    total *= np.float32(1 / (2 * radius + 1) ** 2)
    return total


def _summed(x: Array, radius: float, axis: int) -> Array:
    """Sums of so many neighbours in a line.

    Those between the outermost are sums of runs whose lengths are powers of two: a wide box takes hardly more sums than
    a narrow one.
    """
    reach, length = math.ceil(radius), x.shape[axis]
    # Not `np.pad`, which takes twice as long.
    first, last = _part(x, 0, 1, axis), _part(x, length - 1, 1, axis)
    runs = np.concatenate([*[first] * reach, x, *[last] * reach], axis)
    total = _part(runs, 0, length, axis) + _part(runs, 2 * reach, length, axis)
    total *= np.float32(1 - (reach - radius))
    between, size, start = 2 * reach - 1, 1, 1
    while True:
        if between & size:
            total += _part(runs, start, length, axis)
            start += size
        if 2 * size > between:
            return total
        count = runs.shape[axis] - size
        runs = _part(runs, 0, count, axis) + _part(runs, size, count, axis)
        size *= 2


def _part(x: Array, start: int, count: int, axis: int) -> Array:
    """So many columns, of the last axis, or rows."""
    return x[..., start : start + count] if axis == -1 else x[..., start : start + count, :]


def in_colours(
    smoothed: Raster, photo: Raster, colour_maps: Sequence[ColourMap], regions: Sequence[Raster], strength: float
) -> Raster:
    """A smoothed photo in other colours, within [0, 1].

    colour_maps: how the colours move; one for all of it, or one for each of the regions. regions: how much of each
    position, (1, 1, H, W) each; the photo itself, not smoothed, is seen in the rest.
    """

    def window(place: Window) -> Array:
        plain = smoothed.window(place)
        if not regions:
            return recoloured(plain, colour_maps[0])
        original = photo.window(place)
        total = original.copy()
        for colour_map, region in zip(colour_maps, regions, strict=True):
            total += np.float32(strength) * region.window(place) * (recoloured(plain, colour_map) - original)
        return total.clip(0, 1, out=total)

    return Computed(smoothed.size, window)


def enlarged(prepared: Raster, difference: Raster) -> Raster:
    """A smaller painting with the edges that the photo has at this size, within [0, 1].

    prepared: the photo at this size. difference: of the painting to the photo that it was painted from, enlarged.
    """

    def window(place: Window) -> Array:
        larger = prepared.window(place) + difference.window(place)
        return larger.clip(0, 1, out=larger)

    return Computed(prepared.size, window)


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

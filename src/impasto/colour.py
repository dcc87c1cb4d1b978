"""Whose colours a painting has: `keep_colours` afterwards, `match_colours` before (Gatys et al. 2017, section 5).

Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer" (arXiv 1611.07865), transfer lightness alone or
give the style the content's colours by a linear map. Deviation: lightness is that of OkLab (Björn Ottosson, "A
perceptual color space for image processing", 2020, bottosson.github.io/posts/oklab) instead of the Y of YIQ, in which
a colour that keeps its U and V changes its hue when its lightness changes.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from impasto.errors import PictureError

# Linear sRGB to the responses of the cones, and their cube roots to L, a, b; both as published, in the revision of
# 2021-01-25.
_CONES = np.array(
    [
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    ]
)
_LAB = np.array(
    [
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    ]
)

# Linear light beyond [0, 1] that still counts as inside; what is cut off there is far below a level of 16 bits.
_SLACK = 1e-7
_HALVINGS = 12

# Variance of a colour direction, [0, 1] squared, below which it holds nothing to stretch: a quarter of an 8-bit level.
_FLAT = 1e-6

# What red, green and blue add to how light a pixel is in grey (Rec. 601).
LUMA = (0.299, 0.587, 0.114)

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Pixels in double precision at a time.
_CHUNK = 1 << 18


def luma(pixels: Floats) -> Floats:
    """How light each pixel is in grey, as in Pillow: (..., 3, H, W) -> (..., 1, H, W)."""
    light: Floats = (pixels * np.array(LUMA, np.float32)[:, None, None]).sum(-3, keepdims=True)
    return light


def keep_colours(painted: Floats, content: Floats) -> Floats:
    """The lightness of `painted` with the hue and chroma of `content`, in OkLab.

    painted, content: (1, 3, H, W), sRGB in [0, 1]. Where sRGB has no such colour, its chroma is reduced as far as
    needed, and lightness and hue stay. Raises PictureError if the two differ in size.
    """
    if painted.shape != content.shape:
        raise PictureError(
            f"colours are kept between pictures of one size, not {painted.shape[3]} x {painted.shape[2]} and "
            f"{content.shape[3]} x {content.shape[2]}"
        )
    result = np.empty(painted.shape, np.float32)
    for strokes, colours, place in zip(_chunks(painted), _chunks(content), _slices(painted), strict=True):
        lab = to_oklab(colours)
        lab[0] = to_oklab(strokes)[0]
        result.reshape(3, -1)[:, place] = from_oklab(_into_gamut(lab))
    return result


def match_colours(
    style: Floats, content: Floats, style_opacity: Floats | None = None, content_opacity: Floats | None = None
) -> Floats:
    """`style` with the mean and covariance of the colours of `content`; where things are plays no part.

    style: (1, 3, h, w), content: (1, 3, H, W), sRGB in [0, 1] of any sizes; their opacities, (1, 1, h, w) and
    (1, 1, H, W), not all 0, say how much each pixel counts. Returns (1, 3, h, w) in [0, 1]. The map is
    x -> A (x - style's mean) + content's mean, with A the symmetric solution of A S A = C for the covariances S of
    style and C of content: of all maps that match them it moves the colours least (Monge-Kantorovitch; Pitié and
    Kokaram 2007). The match is exact but for two things: the result is clamped to [0, 1], and variances of S and C that
    are under 1e-6 in some direction count as 1e-6. So a style of one colour, of greys or of one pixel, which holds
    nothing that could be stretched to the content's colours, is only shifted or tinted.
    """
    style_mean, S = _statistics(style, style_opacity)
    content_mean, C = _statistics(content, content_opacity)
    A = _transport(S, C)
    result = np.empty(style.shape, np.float32)
    for colours, place in zip(_chunks(style), _slices(style), strict=True):
        result.reshape(3, -1)[:, place] = (A @ (colours - style_mean) + content_mean).clip(0, 1)
    return result


def colour_scale(pictures: Sequence[Floats], shares: Sequence[float]) -> Doubles:
    """How far colours of the pictures reach in every direction: (3, 3), float64.

    pictures: (1, 3 or 4, h, w) each, opacity last, which says how much a pixel counts; mixed in `shares`, which sum
    to 1. The root of their covariance, scaled to a mean square of 1 over the three directions; none counts as less than
    a thousandth of the mean variance.
    """
    each = [_statistics(one[:, :3], one[:, 3:] if one.shape[1] > 3 else None)[1] for one in pictures]
    C = sum((share * covariance for share, covariance in zip(shares, each, strict=True)), np.zeros((3, 3)))
    floor = max(1e-3 * C.diagonal().mean(), _FLAT)
    root = _power(C, 0.5, floor)
    scaled: Doubles = root / np.sqrt(np.square(root).sum() / 3)
    return scaled


def to_oklab(rgb: Doubles) -> Doubles:
    """(3, P) sRGB in [0, 1] -> (3, P): L in [0, 1], a (green to red), b (blue to yellow)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    roots: Doubles = np.cbrt(np.maximum(_CONES @ linear, 0))
    return _LAB @ roots


def from_oklab(lab: Doubles) -> Doubles:
    """(3, P) L, a, b -> (3, P) sRGB, clamped to [0, 1]."""
    linear = _linear(lab).clip(0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _linear(lab: Doubles) -> Doubles:
    """(3, P) L, a, b -> (3, P) linear sRGB, outside [0, 1] for colours that sRGB does not have."""
    roots = np.linalg.inv(_LAB) @ lab
    linear: Doubles = np.linalg.inv(_CONES) @ roots**3
    return linear


def _into_gamut(lab: Doubles) -> Doubles:
    """(3, P) L, a, b with L in [0, 1] -> the same, a and b scaled towards grey where sRGB ends before them."""
    outside = ~_in_gamut(lab)
    far = lab[:, outside]
    low = np.zeros_like(far[0])
    high = np.ones_like(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = _in_gamut(np.concatenate([far[:1], far[1:] * middle]))
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    lab[1:, outside] = far[1:] * low
    return lab


def _in_gamut(lab: Doubles) -> NDArray[np.bool_]:
    linear = _linear(lab)
    inside: NDArray[np.bool_] = np.all((linear >= -_SLACK) & (linear <= 1 + _SLACK), 0)
    return inside


def _statistics(picture: Floats, opacity: Floats | None) -> tuple[Doubles, Doubles]:
    """Mean (3, 1) and covariance (3, 3) of the colours, per pixel."""
    weights = np.ones_like(picture[:, :1]) if opacity is None else opacity
    total = sum(share.sum() for share in _chunks(weights))
    weighted = zip(_chunks(picture), _chunks(weights), strict=True)
    mean = sum(((chunk * share).sum(1, keepdims=True) for chunk, share in weighted), np.zeros((3, 1))) / total
    centred = ((chunk - mean, share) for chunk, share in zip(_chunks(picture), _chunks(weights), strict=True))
    return mean, sum(((chunk * share) @ chunk.T for chunk, share in centred), np.zeros((3, 3))) / total


def _transport(S: Doubles, C: Doubles) -> Doubles:
    """The symmetric A with A S A = C: S^-1/2 (S^1/2 C S^1/2)^1/2 S^-1/2. (3, 3) each."""
    root = _power(S, 0.5, _FLAT)
    inverse = _power(S, -0.5, _FLAT)
    return inverse @ _power(root @ _power(C, 1.0, _FLAT) @ root, 0.5) @ inverse


def _power(matrix: Doubles, exponent: float, smallest: float = 0.0) -> Doubles:
    """A power of a symmetric matrix whose eigenvalues count as at least `smallest`."""
    values, vectors = np.linalg.eigh(matrix)
    power: Doubles = (vectors * np.maximum(values, smallest) ** exponent) @ vectors.T
    return power


def _slices(picture: Floats) -> Iterator[slice]:
    for first in range(0, picture.shape[2] * picture.shape[3], _CHUNK):
        yield slice(first, first + _CHUNK)


def _chunks(picture: Floats) -> Iterator[Doubles]:
    """(1, C, H, W) -> (C, P) in float64, a few pixels at a time."""
    flat = picture.reshape(picture.shape[1], -1)
    for place in _slices(picture):
        yield flat[:, place].astype(np.float64)

"""Whose colours a painting has: `keep_colours` afterwards, `match_colours` before (Gatys et al. 2017, section 5).

Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer" (arXiv 1611.07865), transfer lightness alone or
give the style the content's colours by a linear map. Deviation: lightness is that of OkLab (Björn Ottosson, "A
perceptual color space for image processing", 2020, bottosson.github.io/posts/oklab) instead of the Y of YIQ, in which
a colour that keeps its U and V changes its hue when its lightness changes.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from impasto.errors import PictureError

# Linear sRGB to the responses of the cones, and their cube roots to L, a, b; both as published, in the revision of
# 2021-01-25.
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)

# Linear light beyond [0, 1] that still counts as inside; what is cut off there is far below a level of 16 bits.
_SLACK = 1e-7
_HALVINGS = 12

# Variance of a colour direction, [0, 1] squared, below which it holds nothing to stretch: a quarter of an 8-bit level.
_FLAT = 1e-6

# Pixels in double precision at a time.
_CHUNK = 1 << 18


def luma(pixels: Tensor) -> Tensor:
    """How light each pixel is in grey, as in Pillow (Rec. 601): (..., 3, H, W) -> (..., 1, H, W)."""
    return (pixels * pixels.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(-3, keepdim=True)


@torch.no_grad()
def keep_colours(painted: Tensor, content: Tensor) -> Tensor:
    """The lightness of `painted` with the hue and chroma of `content`, in OkLab.

    painted, content: (1, 3, H, W), sRGB in [0, 1]. Returns the same, with the dtype and device of `painted`. Where sRGB
    has no such colour, its chroma is reduced as far as needed, and lightness and hue stay. Raises PictureError if the
    two differ in size.
    """
    if painted.shape != content.shape:
        raise PictureError(
            f"colours are kept between pictures of one size, not {painted.shape[3]} x {painted.shape[2]} and "
            f"{content.shape[3]} x {content.shape[2]}"
        )
    result = torch.empty_like(painted, memory_format=torch.contiguous_format)
    for strokes, colours, place in zip(_chunks(painted), _chunks(content), _slices(painted), strict=True):
        lab = to_oklab(colours)
        lab[0] = to_oklab(strokes)[0]
        result.view(3, -1)[:, place] = from_oklab(_into_gamut(lab)).to(result)
    return result


@torch.no_grad()
def match_colours(
    style: Tensor, content: Tensor, style_opacity: Tensor | None = None, content_opacity: Tensor | None = None
) -> Tensor:
    """`style` with the mean and covariance of the colours of `content`; where things are plays no part.

    style: (1, 3, h, w), content: (1, 3, H, W), sRGB in [0, 1] of any sizes; their opacities, (1, 1, h, w) and
    (1, 1, H, W), not all 0, say how much each pixel counts. Returns (1, 3, h, w) in [0, 1] with the
    dtype and device of `style`. The map is x -> A (x - style's mean) + content's mean, with A the symmetric solution of
    A S A = C for the covariances S of style and C of content: of all maps that match them it moves the colours least
    (Monge-Kantorovitch; Pitié and Kokaram 2007). The match is exact but for two things: the result is clamped to
    [0, 1], and variances of S and C that are under 1e-6 in some direction count as 1e-6. So a style of one colour, of
    greys or of one pixel, which holds nothing that could be stretched to the content's colours, is only shifted or
    tinted.
    """
    style_mean, S = _statistics(style, style_opacity)
    content_mean, C = _statistics(content, content_opacity)
    A = _transport(S, C)
    result = torch.empty_like(style, memory_format=torch.contiguous_format)
    for colours, place in zip(_chunks(style), _slices(style), strict=True):
        moved = A @ (colours - style_mean) + content_mean
        result.view(3, -1)[:, place] = moved.clamp_(0, 1).to(result)
    return result


def to_oklab(rgb: Tensor) -> Tensor:
    """(3, P) sRGB in [0, 1] -> (3, P): L in [0, 1], a (green to red), b (blue to yellow)."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    roots = (linear.new_tensor(_CONES) @ linear).clamp_min(0).pow(1 / 3)
    return linear.new_tensor(_LAB) @ roots


def from_oklab(lab: Tensor) -> Tensor:
    """(3, P) L, a, b -> (3, P) sRGB, clamped to [0, 1]."""
    linear = _linear(lab).clamp_(0, 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _linear(lab: Tensor) -> Tensor:
    """(3, P) L, a, b -> (3, P) linear sRGB, outside [0, 1] for colours that sRGB does not have."""
    roots: Tensor = torch.linalg.inv(lab.new_tensor(_LAB)) @ lab
    linear: Tensor = torch.linalg.inv(lab.new_tensor(_CONES)) @ roots.pow(3)
    return linear


def _into_gamut(lab: Tensor) -> Tensor:
    """(3, P) L, a, b with L in [0, 1] -> the same, a and b scaled towards grey where sRGB ends before them."""
    outside = ~_in_gamut(lab)
    far = lab[:, outside]
    low = torch.zeros_like(far[0])
    high = torch.ones_like(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = _in_gamut(torch.cat([far[:1], far[1:] * middle]))
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    lab[1:, outside] = far[1:] * low
    return lab


def _in_gamut(lab: Tensor) -> Tensor:
    linear = _linear(lab)
    return ((linear >= -_SLACK) & (linear <= 1 + _SLACK)).all(0)


def _statistics(picture: Tensor, opacity: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean (3, 1) and covariance (3, 3) of the colours, per pixel, in float64."""
    weights = picture.new_ones(1, 1, *picture.shape[2:]) if opacity is None else opacity
    total = sum((share.sum() for share in _chunks(weights)), _zeros())
    weighted = zip(_chunks(picture), _chunks(weights), strict=True)
    mean = sum(((chunk * share).sum(1, keepdim=True) for chunk, share in weighted), _zeros(3, 1)) / total
    centred = ((chunk - mean, share) for chunk, share in zip(_chunks(picture), _chunks(weights), strict=True))
    return mean, sum(((chunk * share) @ chunk.T for chunk, share in centred), _zeros(3, 3)) / total


def _transport(S: Tensor, C: Tensor) -> Tensor:
    """The symmetric A with A S A = C: S^-1/2 (S^1/2 C S^1/2)^1/2 S^-1/2. (3, 3) each."""
    root = _power(S, 0.5, _FLAT)
    inverse = _power(S, -0.5, _FLAT)
    return inverse @ _power(root @ _power(C, 1.0, _FLAT) @ root, 0.5) @ inverse


def _power(matrix: Tensor, exponent: float, smallest: float = 0.0) -> Tensor:
    """A power of a symmetric matrix whose eigenvalues count as at least `smallest`."""
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = vectors * values.clamp_min(smallest).pow(exponent) @ vectors.T
    return power


def _zeros(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.float64)


def _slices(picture: Tensor) -> Iterator[slice]:
    for first in range(0, picture.shape[2] * picture.shape[3], _CHUNK):
        yield slice(first, first + _CHUNK)


def _chunks(picture: Tensor) -> Iterator[Tensor]:
    """(1, C, H, W) -> (C, P) in float64, a few pixels at a time."""
    flat = picture.flatten(2)[0]
    for place in _slices(picture):
        # On the CPU, since not every device has double precision.
        yield flat[:, place].cpu().double()

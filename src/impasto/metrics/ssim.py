"""Structural similarity at one scale and at several.

Not torchmetrics', which also averages windows that reach over the border (as of 1.9), unlike the published program, and
which reads the data range off the pictures unless it is told.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_pair

WINDOW, DEVIATION = 11, 1.5
C1, C2 = 0.01**2, 0.03**2
"""For a data range of 1."""

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, from fine to coarse (Wang et al. 2003, section 3.2)."""

SMALLEST_MS_SSIM = WINDOW * 2 ** (len(WEIGHTS) - 1)


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of every pair (Wang et al. 2004, eq. 13), averaged over channels and over windows inside the picture: (N,)
    in [-1, 1], 1 where equal.

    a, b: (N, 3, H, W) in [0, 1] with sides of at least 11. Gaussian window 11 x 11 of deviation 1.5, k1 = 0.01,
    k2 = 0.03, and a data range of 1, whatever the pictures hold. Of RGB, not of luma, whose values are higher.
    Raises OptionError for another shape or range.
    """
    _check(a, b, WINDOW)
    return _similarities(a.double(), b.double())[0].mean((1, 2, 3)).to(a.dtype)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale SSIM of every pair (Wang et al. 2003, eq. 7), of five scales: (N,) in [0, 1].

    a, b: as for `ssim`, with sides of at least 176, so that the window still fits at the coarsest scale.
    Raises OptionError for another shape or range.
    """
    _check(a, b, SMALLEST_MS_SSIM)
    x, y = a.double(), b.double()
    result = x.new_ones(len(x))
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        whole, contrast = _similarities(x, y)
        part = whole if scale == len(WEIGHTS) - 1 else contrast
        # A negative mean has no power; what is that unlike counts as 0.
        result *= part.mean((1, 2, 3)).clamp_min(0) ** weight
    return result.to(a.dtype)


def _check(a: Tensor, b: Tensor, smallest: int) -> None:
    check_pair(a, b)
    if min(a.shape[-2:]) < smallest:
        height, width = a.shape[-2:]
        raise OptionError(f"this measure needs pictures of at least {smallest} pixels a side, not {height} x {width}")


def _similarities(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(SSIM, its contrast and structure alone) of every window that lies inside: (N, 3, H - 10, W - 10) each, float64,
    because a window's variance is a difference of nearly equal numbers."""
    means = _smooth(torch.cat([a, b, a * a, b * b, a * b])).chunk(5)
    mean_a, mean_b, square_a, square_b, product = means
    variances = square_a - mean_a**2 + square_b - mean_b**2
    contrast = (2 * (product - mean_a * mean_b) + C2) / (variances + C2)
    return (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1) * contrast, contrast


def _smooth(x: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N, 3, H - 10, W - 10): means of Gaussian windows."""
    line = _gaussian().to(x.device)
    down = F.conv2d(x, line.view(1, 1, -1, 1).expand(3, 1, -1, 1), groups=3)
    return F.conv2d(down, line.view(1, 1, 1, -1).expand(3, 1, 1, -1), groups=3)


@lru_cache(maxsize=1)
def _gaussian() -> Tensor:
    x = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    line = torch.exp(-0.5 * (x / DEVIATION) ** 2)
    return line / line.sum()

"""Measures of pictures: how alike pairs of them are, and how much a film flickers.

SSIM is not torchmetrics', which also averages windows that reach over the border (as of 1.9), unlike the published
program, and which reads the data range off the pictures unless it is told.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.features import check_finite

BINS = 8
"""Of a colour histogram, in each channel."""

WINDOW, DEVIATION = 11, 1.5
C1, C2 = 0.01**2, 0.03**2
"""For a data range of 1."""

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, from fine to coarse (Wang et al. 2003, section 3.2)."""

SMALLEST_MS_SSIM = WINDOW * 2 ** (len(WEIGHTS) - 1)


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Decibels of every pair, -10 log10 of the mean squared error over its pixels and channels: (N,); inf where equal.

    a, b: (N, 3, H, W) in [0, 1], which is also the peak: nothing is read off the pictures. The mean over a set is the
    mean of these, not the decibels of the pooled error, which a few bad pictures rule.
    Raises OptionError for another shape or range.
    """
    _check_pair(a, b)
    error = (a.double() - b.double()).square().mean((1, 2, 3))
    return (-10 * error.log10()).to(a.dtype)


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of every pair (Wang et al. 2004, eq. 13), averaged over channels and over windows inside the picture: (N,)
    in [-1, 1], 1 where equal.

    a, b: (N, 3, H, W) in [0, 1] with sides of at least 11. Gaussian window 11 x 11 of deviation 1.5, k1 = 0.01,
    k2 = 0.03, and a data range of 1, whatever the pictures hold. Of RGB, not of luma, whose values are higher.
    Raises OptionError for another shape or range.
    """
    _check_pair(a, b, WINDOW)
    return _similarities(a.double(), b.double())[0].mean((1, 2, 3)).to(a.dtype)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale SSIM of every pair (Wang et al. 2003, eq. 7), of five scales: (N,) in [0, 1].

    a, b: as for `ssim`, with sides of at least 176, so that the window still fits at the coarsest scale.
    Raises OptionError for another shape or range.
    """
    _check_pair(a, b, SMALLEST_MS_SSIM)
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


@cache
def _gaussian() -> Tensor:
    x = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    line = torch.exp(-0.5 * (x / DEVIATION) ** 2)
    return line / line.sum()


def colour_histogram_distance(a: Tensor, b: Tensor) -> Tensor:
    """Hellinger distance of joint RGB histograms of BINS^3 cells: (N,), from 0 for the same colours to 1 for no cell in
    common.

    a, b: (N, 3, H, W) and (N, 3, h, w) in [0, 1]; the sizes may differ. Raises OptionError otherwise.
    """
    _check_pictures(a, b)
    if len(a) != len(b):
        raise OptionError(f"pictures to compare are pairs, not {len(a)} and {len(b)}")
    shared = [(_histogram(x) * _histogram(y)).sqrt().sum() for x, y in zip(a, b, strict=True)]
    return (1 - torch.stack(shared)).clamp_min(0).sqrt()


def _histogram(picture: Tensor) -> Tensor:
    """(3, H, W) -> (BINS^3,), summing to 1."""
    levels = (picture.flatten(1).double() * BINS).long().clamp(0, BINS - 1)
    cells = (levels[0] * BINS + levels[1]) * BINS + levels[2]
    return torch.bincount(cells, minlength=BINS**3).double() / cells.numel()


def warping_error(frames: Tensor, flow: Tensor, visible: Tensor | None = None) -> Tensor:
    """Mean squared difference between each frame and its predecessor moved along the flow (Lai et al. 2018, eq. 8).

    frames: (T, 3, H, W) in [0, 1], T of at least 2. flow: (T - 1, 2, H, W) in pixels, x before y: what stands at p in
    frame t + 1 stood at p + flow[t](p) in frame t. visible: (T - 1, 1, H, W), 1 where it could be seen in frame t, 0
    where it was hidden. What came from outside the frame does not count either. Returns (T - 1,); NaN where nothing
    counts. Raises OptionError for other shapes or ranges, and for flow that is not finite.
    """
    count, _, height, width = frames.shape if frames.ndim == 4 else (0, 0, 0, 0)
    if count < 2 or flow.shape != (count - 1, 2, height, width):
        raise OptionError(f"{tuple(frames.shape)} frames and flow of {tuple(flow.shape)} do not belong together")
    if visible is not None and visible.shape != (count - 1, 1, height, width):
        raise OptionError(f"visible is of {tuple(visible.shape)}, but must be {(count - 1, 1, height, width)}")
    _check_pictures(frames)
    check_finite(flow)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([columns, rows]).to(flow) + flow
    limits = torch.tensor([width - 1, height - 1]).to(flow).view(1, 2, 1, 1)
    inside = ((places >= 0) & (places <= limits)).all(1, keepdim=True)
    grid = (2 * places / limits.clamp_min(1) - 1).permute(0, 2, 3, 1)
    moved = F.grid_sample(frames[:-1], grid, mode="bilinear", padding_mode="border", align_corners=True)
    counts = inside.to(frames) if visible is None else inside * visible.to(frames)
    errors = ((frames[1:] - moved).square().mean(1, keepdim=True) * counts).sum((1, 2, 3))
    return errors / counts.sum((1, 2, 3))


def _check_pair(a: Tensor, b: Tensor, smallest: int = 1) -> None:
    """Raises OptionError unless both are (N, 3, H, W) floats of one shape, within [0, 1], and no side is shorter."""
    _check_pictures(a, b)
    if a.shape != b.shape:
        raise OptionError(f"pictures to compare have one shape, not {tuple(a.shape)} and {tuple(b.shape)}")
    height, width = a.shape[-2:]
    if min(height, width) < smallest:
        raise OptionError(f"this measure needs pictures of at least {smallest} pixels a side, not {height} x {width}")


def _check_pictures(*sets: Tensor) -> None:
    """Raises OptionError unless each is (N, 3, H, W) of floats within [0, 1], at least one picture."""
    for pictures in sets:
        if not isinstance(pictures, Tensor):
            raise OptionError(f"pictures to compare are tensors, not {type(pictures).__name__}")
        shape = tuple(pictures.shape)
        if len(shape) != 4 or shape[1] != 3 or 0 in shape or not pictures.is_floating_point():
            raise OptionError(f"pictures to compare are floats (N, 3, H, W), not {shape} of {pictures.dtype}")
        low, high = float(pictures.min()), float(pictures.max())
        # A measure with a fixed range is silently wrong for pictures in [-1, 1] or [0, 255].
        if not (low >= -1e-4 and high <= 1 + 1e-4):
            raise OptionError(f"pictures to compare are in [0, 1], not {low:g} to {high:g}")

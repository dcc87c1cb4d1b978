"""Peak signal-to-noise ratio."""

from torch import Tensor

from impasto.metrics.pairs import check_pair


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Decibels of every pair, -10 log10 of the mean squared error over its pixels and channels: (N,); inf where equal.

    a, b: (N, 3, H, W) in [0, 1], which is also the peak: nothing is read off the pictures. The mean over a set is the
    mean of these, not the decibels of the pooled error, which a few bad pictures rule.
    Raises OptionError for another shape or range.
    """
    check_pair(a, b)
    error = (a.double() - b.double()).square().mean((1, 2, 3))
    return (-10 * error.log10()).to(a.dtype)

"""Kernel distance of two sets of features, which is KID if they are Inception's (Binkowski et al. 2018, section 4)."""

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_finite

SUBSETS = 100
LARGEST_SUBSET = 100


def kernel_distance(
    a: Tensor, b: Tensor, *, subsets: int = SUBSETS, subset_size: int | None = None, seed: int = 0
) -> tuple[float, float]:
    """(mean, standard deviation) over subsets of the unbiased squared MMD with the kernel (x y / D + 1)^3.

    a, b: features (N, D) and (M, D). subset_size: features of each side in a subset, drawn without replacement; None
    for min(100, N, M). Not times 100 or 1000, as tables often have it. A set's own distance is 0 on average, and so a
    value can be negative. Where a subset is the whole of both sets, all subsets are the same and the deviation is 0.
    Raises OptionError for subsets larger than a set or of fewer than 2, different sizes, or not finite ones.
    """
    size = min(LARGEST_SUBSET, len(a), len(b)) if subset_size is None else subset_size
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise OptionError(f"a kernel distance takes features of one size, not {tuple(a.shape)} and {tuple(b.shape)}")
    if not 2 <= size <= min(len(a), len(b)):
        raise OptionError(f"subsets are of 2 to {min(len(a), len(b))} features, not of {size}")
    check_finite(a, b)
    wide_a, wide_b = a.detach().double().cpu(), b.detach().double().cpu()
    random = torch.Generator().manual_seed(seed)
    values = []
    for _ in range(subsets):
        subset = wide_a[torch.randperm(len(a), generator=random)[:size]]
        others = wide_b[torch.randperm(len(b), generator=random)[:size]]
        values.append(_squared_mmd(subset, others))
    estimates = torch.stack(values)
    return float(estimates.mean()), float(estimates.std(correction=0))


def _squared_mmd(a: Tensor, b: Tensor) -> Tensor:
    """Unbiased: no feature is compared with itself."""
    size = len(a)
    within = sum(_kernel(x, x).sum() - _kernel(x, x).diagonal().sum() for x in (a, b)) / (size * (size - 1))
    return within - 2 * _kernel(a, b).mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3

"""Distances of sets of features, which are FID (Heusel et al. 2017, eq. 6) and KID (Binkowski et al. 2018, section 4)
if they are Inception's; and ArtFID, content and style in one number."""

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.features import check_finite

SUBSETS = 100
LARGEST_SUBSET = 100


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) of the Gaussians fitted to features (N, D) and (M, D).

    The covariances are the unbiased ones, as in every FID program. S = R^T R for a root R of min(N - 1, D) rows, and
    the trace of the matrix root is the sum of the singular values of R_a R_b^T: exact for covariances of any rank,
    where a general matrix root of S_a S_b meets imaginary parts and needs an offset on the diagonal.
    Raises OptionError for fewer than two features a side, features of different sizes, or not finite ones.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise OptionError(
            f"a Fréchet distance takes two sets of at least 2 features of one size, not {tuple(a.shape)} and"
            f" {tuple(b.shape)}"
        )
    check_finite(a, b)
    (mean_a, root_a), (mean_b, root_b) = _gaussian(a), _gaussian(b)
    shared = torch.linalg.matrix_norm(root_a @ root_b.T, "nuc")
    traces = root_a.square().sum() + root_b.square().sum()
    return float(((mean_a - mean_b).square().sum() + traces - 2 * shared).clamp_min(0))


def rank_warning(count: int, dimension: int) -> str | None:
    """What there is to say of a Fréchet distance from so few pictures."""
    if count > dimension:
        return None
    return (
        f"{count} pictures are not more than the {dimension} features: the covariance has no full rank, the distance"
        " is much too large and depends on the number of pictures; compare it only with one of the same numbers, and"
        " trust KID"
    )


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """(mean (D,), root of the covariance (R, D)) in float64 on the CPU; no more rows than columns."""
    wide = features.detach().double().cpu()
    mean = wide.mean(0)
    root = (wide - mean) / (len(wide) - 1) ** 0.5
    return mean, torch.linalg.qr(root, mode="r").R if len(root) > root.shape[1] else root


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


def art_fid(content: float, style: float) -> float:
    """(1 + content)(1 + style) of Wright and Ommer (2022), eq. 6: at least 1, and better the smaller.

    content: mean LPIPS between pictures and their contents. style: FID between pictures and the styles. The published
    numbers take AlexNet's LPIPS and an Inception that was trained on art; a name should say which ones were taken.
    Raises OptionError for distances below 0 and what is no number.
    """
    if not (content >= 0 and style >= 0):
        raise OptionError(f"distances are 0 or more, not {content:g} and {style:g}")
    return (1 + content) * (1 + style)

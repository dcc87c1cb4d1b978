"""Fréchet distance of two sets of features, which is FID if they are Inception's (Heusel et al. 2017, eq. 6)."""

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_finite


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

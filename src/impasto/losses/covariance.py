"""Style as means and covariances of the filters, measured in the painting's own units.

Gatys' loss compares raw second moments, in which the mean and the strongest filters outweigh everything else: colours
that no painting has along edges, and fine ripples in flat areas, hardly change it. Here every direction of the filters
counts by how far the picture is from the painting in units of what the painting does there (Mahalanobis).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.losses.gram import gram

# Share of the mean variance that is added to every direction: less counts what the painting does not do ever more.
SHRINKAGE = 0.1

# The same share of the mean square, for a painting of one colour, whose filters do not vary at all.
_FLAT = 0.1

# Nothing is left to divide by then; any other painting has at least one direction above the mean variance.
_SMALLEST_POWER = 0.5


@dataclass(frozen=True)
class Spread:
    """What the features of a painting have at one layer: mean (1, N), covariance (1, N, N), its root's inverse
    (1, N, N), shrunk, and the squared norm of the covariance in these units."""

    mean: Tensor
    covariance: Tensor
    whitening: Tensor
    power: float


def mean_of(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """(1, N, H, W) -> (1, N), at least float32. weights: those of `gram`."""
    wide = features if features.dtype == torch.float64 else features.float()
    if weights is None:
        return wide.mean((2, 3))
    guide = weights.detach().to(wide)
    shares = guide / guide.sum().clamp_min(torch.finfo(guide.dtype).tiny)
    return torch.einsum("nchw,nhw->nc", wide, shares[:, 0])


@torch.no_grad()
def spread(moments: Tensor, mean: Tensor) -> Spread:
    """From raw second moments, (1, N, N) as `gram` gives them, and the mean, (1, N); both may be blends of styles."""
    covariance = moments - mean[:, :, None] * mean[:, None, :]
    variance = covariance.diagonal(dim1=1, dim2=2).clamp_min(0).mean()
    floor = SHRINKAGE * (variance + _FLAT * mean.square().mean())
    # On the CPU in double precision: a small matrix, and not every device has either.
    values, vectors = torch.linalg.eigh(covariance[0].cpu().double())
    units = (values.clamp_min(0) + floor.cpu().double().clamp_min(torch.finfo(torch.float32).eps)).rsqrt()
    whitening = (vectors * units @ vectors.T)[None].to(covariance)
    power = (values.clamp_min(0) * units.square()).square().sum().item()
    return Spread(mean, covariance, whitening, max(power, _SMALLEST_POWER))


def covariance_loss(features: Tensor, target: Spread, weights: Tensor | None = None) -> Tensor:
    """2 (1 + d)^1/2 - 2 with d = (|W (C - S) W|^2 + 2 |W (m - s)|^2) / |W S W|^2, W = (S + shrinkage)^-1/2. Scalar.

    features: (1, N, H, W) with mean m and covariance C; s and S are the `target`'s. weights: those of `gram`.
    The numerator of d is, to second order, four times the Kullback-Leibler divergence of two normal distributions.
    Means after a ReLU say how sparse a filter's answers are, and so tell strokes from an even relief of the same
    covariance. The root leaves small distances as they are, and keeps a layer that cannot be reached from outweighing
    all others.
    """
    return covariance_loss_of_moments(gram(features, weights), mean_of(features, weights), target)


def covariance_loss_of_moments(moments: Tensor, mean: Tensor, target: Spread) -> Tensor:
    """`covariance_loss` of features whose `gram` and `mean_of` are known, (1, N, N) and (1, N)."""
    covariance = moments - mean[:, :, None] * mean[:, None, :]
    whitening = target.whitening
    difference = whitening @ (covariance - target.covariance) @ whitening
    distance = whitening @ (mean - target.mean)[:, :, None]
    squares = (difference.square().sum() + 2 * distance.square().sum()) / target.power
    return 2 * (1 + squares).sqrt() - 2

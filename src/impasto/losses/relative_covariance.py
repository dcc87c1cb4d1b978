"""Relative distance of covariances: (N, C, H, W) twice -> scalar. The second-order term beside means and deviations."""

import torch
from torch import Tensor

from impasto.losses.feature_statistics import EPSILON


def covariance(features: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, C) over the positions, at least float32."""
    wide = features if features.dtype == torch.float64 else features.float()
    x = wide.flatten(2)
    x = x - x.mean(2, keepdim=True)
    products: Tensor = x @ x.transpose(1, 2)
    return products / x.shape[2]


def relative_covariance_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius distance of the covariances over the target's own squared norm; the mean over the pictures.

    features: (N, C, H, W); target: (N, C, h, w).
    """
    wanted = covariance(target)
    distance = (covariance(features) - wanted).square().sum((1, 2))
    return (distance / wanted.square().sum((1, 2)).clamp_min(EPSILON)).mean()

"""Relative distance of covariances: (N, C, H, W) twice -> scalar. The second-order term beside means and deviations."""

from torch import Tensor

from impasto.losses.feature_statistics import EPSILON, mean_covariance


def relative_covariance_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius distance of the covariances over the target's own squared norm; the mean over the pictures.

    features: (N, C, H, W); target: (N, C, h, w).
    """
    wanted = mean_covariance(target)[1]
    distance = (mean_covariance(features)[1] - wanted).square().sum((1, 2))
    return (distance / wanted.square().sum((1, 2)).clamp_min(EPSILON)).mean()

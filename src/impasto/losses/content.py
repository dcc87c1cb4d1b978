"""Content loss."""

from torch import Tensor


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Paper 001 (self-attention module), equation 1: 1 / (2 N H W) * sum (F - C)^2, for one layer.

    features, target: (1, N, H, W). Returns a scalar. Paper 002's content loss is N H W times this one; see
    `losses.conventions`.
    """
    return 0.5 * (features - target).square().mean()

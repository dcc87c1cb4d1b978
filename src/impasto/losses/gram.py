"""The losses of Gatys et al.: of content, and of style by Gram matrices."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Paper 001 (self-attention module), equation 1: 1 / (2 N H W) * sum (F - C)^2, for one layer.

    features, target: (1, N, H, W). Returns a scalar. Paper 002's content loss is N H W times this one; see
    `losses.conventions`.
    """
    return 0.5 * (features - target).square().mean()


def gram(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Second raw moments of the filters, (N, C, H, W) -> (N, C, C): paper 001, equation 2, divided by H W.

    weights: (1, 1, H, W), 0 or more, how much each position counts, for the guided Gram matrix of Gatys et al. 2017
        ("Controlling Perceptual Factors", section 4): sum over p of w_p f_p f_p^T, divided by the sum of w_p. It is 0
        where all weights are. No gradient goes to them.
    Half precision is widened first: sums over a large picture leave its range.
    Deviation: the papers sum over positions and divide in the loss. Dividing here gives the same loss for pictures of
    one size and keeps it meaningful for two sizes. Gatys et al. 2017 multiply features by a guide whose squares sum
    to 1, which is the root of w_p / sum of w_p.
    """
    flat = features.flatten(2)
    if flat.dtype in (torch.float16, torch.bfloat16):
        flat = flat.float()
    if weights is None:
        products: Tensor = _Products.apply(flat, None)  # type: ignore[no-untyped-call]
        return products / flat.shape[2]
    guide = weights.detach().flatten(2).to(flat.dtype)
    # Divided before and not after: the gradient of a division by next to nothing is not a number.
    shares = guide / guide.sum().clamp_min(torch.finfo(guide.dtype).tiny)
    guided: Tensor = _Products.apply(flat, shares)  # type: ignore[no-untyped-call]
    return guided


class _Products(torch.autograd.Function):
    """F W F^T for a diagonal W, whose gradient (D + D^T) F W is one product.

    Autograd, which sees two factors, takes two and a sum. Weighting here and not the features before keeps one copy
    of the features for any number of regions.
    """

    @staticmethod
    def forward(ctx: Any, flat: Tensor, weights: Tensor | None) -> Tensor:
        ctx.save_for_backward(flat, weights)
        return (flat if weights is None else flat * weights) @ flat.transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        flat, weights = ctx.saved_tensors
        gradient: Tensor = (upstream + upstream.transpose(1, 2)) @ flat
        return gradient if weights is None else gradient.mul_(weights), None


def gram_loss(features: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Paper 001, equation 3, and E_l of paper 002: 1 / (4 N^2 (H W)^2) * sum (G - S)^2, for one layer.

    features: (1, N, H, W). target: (1, N, N), the `gram` of the style picture's features. weights: those of `gram`.
    Returns a scalar.
    """
    return 0.25 * (gram(features, weights) - target).square().mean()


def blend(grams: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Target of several styles: the mean of their second raw moments, weighted (weights sum to 1).

    Raw moments combine linearly: the result is the Gram matrix of a picture made of the styles' areas in these shares.
    """
    total = grams[0] * weights[0]
    for matrix, weight in zip(grams[1:], weights[1:], strict=True):
        total = total + matrix * weight
    return total

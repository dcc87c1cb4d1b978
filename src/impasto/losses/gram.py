"""Gram matrices and the style loss between them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def gram(features: Tensor) -> Tensor:
    """Second raw moments of the filters, (N, C, H, W) -> (N, C, C): paper 001, equation 2, divided by H W.

    Half precision is widened first: sums over a large picture leave its range.
    Deviation: the papers sum over positions and divide in the loss. Dividing here gives the same loss for pictures of
    one size and keeps it meaningful for two sizes.
    """
    flat = features.flatten(2)
    if flat.dtype in (torch.float16, torch.bfloat16):
        flat = flat.float()
    products: Tensor = _Products.apply(flat)  # type: ignore[no-untyped-call]
    return products / flat.shape[2]


class _Products(torch.autograd.Function):
    """F F^T, whose gradient (D + D^T) F is one product; autograd, which sees two factors, takes two and a sum."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor) -> Tensor:
        ctx.save_for_backward(flat)
        return flat @ flat.transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tensor:
        (flat,) = ctx.saved_tensors
        gradient: Tensor = (upstream + upstream.transpose(1, 2)) @ flat
        return gradient


def gram_loss(features: Tensor, target: Tensor) -> Tensor:
    """Paper 001, equation 3, and E_l of paper 002: 1 / (4 N^2 (H W)^2) * sum (G - S)^2, for one layer.

    features: (1, N, H, W). target: (1, N, N), the `gram` of the style picture's features. Returns a scalar.
    """
    return 0.25 * (gram(features) - target).square().mean()


def blend(grams: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Target of several styles: the mean of their second raw moments, weighted (weights sum to 1).

    Raw moments combine linearly: the result is the Gram matrix of a picture made of the styles' areas in these shares.
    """
    total = grams[0] * weights[0]
    for matrix, weight in zip(grams[1:], weights[1:], strict=True):
        total = total + matrix * weight
    return total

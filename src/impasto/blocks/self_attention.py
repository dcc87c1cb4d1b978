"""Self-attention as SAGAN has it (Zhang et al. 2019): paper 003, equations 1 to 7."""

import torch
from torch import Tensor, nn

from impasto.blocks.positions import looks, pooled, positions
from impasto.dot_product_attention import attend

SMALLEST = 16
"""Channels of queries, keys and values at least. PyTorch's fused kernel for CPUs takes a third less time with 16 than
with 8."""


class SelfAttention(nn.Module):
    """x + gamma o with o_j = v(sum_i beta_ji h(x_i)) and beta_ji = softmax over i of f(x_i)^T g(x_j).

    (N, channels, H, W) -> the same shape. gamma begins as zero (Zhang et al. 2019, equation 3), so that the block
    begins as the identity; v does not, because with two zeros neither would ever have a gradient.
    """

    def __init__(self, channels: int, pooling: int = 1) -> None:
        """pooling: side of the windows whose maximum stands for them as keys and values, 1 for every position."""
        super().__init__()
        # An eighth, as SAGAN's f and g; paper 003 gives no sizes. Deviates from SAGAN's h, which has more: the kernels
        # that are fused take queries, keys and values of one size, and zeros would be work for nothing.
        inner = max(SMALLEST, channels // 8)
        self.f = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.h = nn.Conv2d(channels, inner, 1)
        self.v = nn.Conv2d(inner, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(()))
        self.pooling = pooling

    def forward(self, x: Tensor) -> Tensor:
        # Before f and h, so that these work on fewer positions.
        seen = pooled(x, self.pooling)
        attended = attend(positions(self.g(x)), positions(self.f(seen)), positions(self.h(seen)))
        o: Tensor = self.v(attended.transpose(1, 2).unflatten(2, x.shape[2:]))
        return torch.addcmul(x, self.gamma, o)  # without a map for the product

    def weights(self, x: Tensor, queries: Tensor) -> Tensor:
        """Where chosen positions look: (N, Q, h, w), each map with sum 1, over the positions of the keys.

        x: (N, channels, H, W). queries: (Q,) indices into the H * W positions, row by row.
        """
        return looks(self.g(x), self.f(pooled(x, self.pooling)), queries)

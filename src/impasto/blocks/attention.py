"""Blocks in which every position of a map looks at all others: (N, channels, H, W) -> the same shape."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.blocks.initialise import ZeroConv2d
from impasto.dot_product_attention import attend

SMALLEST = 16
"""Channels of `SelfAttention`'s queries, keys and values at least. PyTorch's fused kernel for CPUs takes a third less
time with 16 than with 8."""


class AttentionBlock(nn.Module):
    """What these blocks share. pooling: side of the windows whose maximum stands for them as keys and values (Wang et
    al. 2018, section 3.3), 1 for every position."""

    # Names of the convolutions.
    queries: ClassVar[str]
    keys: ClassVar[str]
    values: ClassVar[str]

    def __init__(self, pooling: int) -> None:
        super().__init__()
        self.pooling = pooling

    def weights(self, x: Tensor, queries: Tensor) -> Tensor:
        """Where chosen positions look: (N, Q, h, w), each map with sum 1, over the positions of the keys.

        x: (N, channels, H, W). queries: (Q,) indices into the H * W positions, row by row.
        """
        asked = _positions(getattr(self, self.queries)(x))[:, queries]
        keys = getattr(self, self.keys)(self._pooled(x))
        weights = (asked.float() @ _positions(keys).float().transpose(1, 2)).softmax(2)
        maps: Tensor = weights.unflatten(2, keys.shape[2:])
        return maps

    def _found(self, x: Tensor) -> Tensor:
        """(N, inner, H, W): what every position finds."""
        # Pooled before the convolutions, as Wang et al. write it, so that these work on fewer positions.
        pooled = self._pooled(x)
        seen = ((self.queries, x), (self.keys, pooled), (self.values, pooled))
        found = attend(*(_positions(getattr(self, name)(features)) for name, features in seen))
        maps: Tensor = found.transpose(1, 2).unflatten(2, x.shape[2:])
        return maps

    def _pooled(self, x: Tensor) -> Tensor:
        """The maxima of its windows; a partial window counts, too."""
        return x if self.pooling == 1 else F.max_pool2d(x, self.pooling, ceil_mode=True)


class NonLocalBlock(AttentionBlock):
    """z = W_z y + x with y = softmax(theta^T phi) g (Wang et al. 2018; paper 000, section 2.2): paper 000's embedded
    Gaussian, 1/C(x) included in the softmax.

    W_z begins as zero, so that the block begins as the identity, and no normalisation follows it: instance
    normalisation would blow the branch up to unit variance at once.
    """

    queries, keys, values = "theta", "phi", "g"

    def __init__(self, channels: int, inner: int, pooling: int = 1) -> None:
        """inner: channels of theta, phi and g."""
        super().__init__(pooling)
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.W_z = ZeroConv2d(inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.W_z(self._found(x))
        return x + added


class SelfAttention(AttentionBlock):
    """x + gamma o with o_j = v(sum_i beta_ji h(x_i)) and beta_ji = softmax over i of f(x_i)^T g(x_j), as SAGAN has it
    (Zhang et al. 2019): paper 003, equations 1 to 7.

    gamma begins as zero (Zhang et al. 2019, equation 3), so that the block begins as the identity; v does not, because
    with two zeros neither would ever have a gradient.
    """

    queries, keys, values = "g", "f", "h"

    def __init__(self, channels: int, pooling: int = 1) -> None:
        super().__init__(pooling)
        # An eighth, as SAGAN's f and g; paper 003 gives no sizes. Deviates from SAGAN's h, which has more: the kernels
        # that are fused take queries, keys and values of one size, and zeros would be work for nothing.
        inner = max(SMALLEST, channels // 8)
        self.f = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.h = nn.Conv2d(channels, inner, 1)
        self.v = nn.Conv2d(inner, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        o: Tensor = self.v(self._found(x))
        return torch.addcmul(x, self.gamma, o)  # without a map for the product


def _positions(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H * W, C)."""
    return x.flatten(2).transpose(1, 2)

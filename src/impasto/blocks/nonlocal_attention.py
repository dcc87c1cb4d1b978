"""The non-local block: every position looks at all others (Wang et al. 2018; paper 000, section 2.2)."""

import torch.nn.functional as F
from torch import Tensor, nn

from impasto.blocks.initialise import ZeroConv2d
from impasto.dot_product_attention import attend


class NonLocalBlock(nn.Module):
    """z = W_z y + x with y = softmax(theta^T phi) g: paper 000's embedded Gaussian, 1/C(x) included in the softmax.

    (N, channels, H, W) -> the same shape. W_z begins as zero, so that the block begins as the identity, and no
    normalisation follows it: instance normalisation would blow the branch up to unit variance at once.
    """

    def __init__(self, channels: int, inner: int, pooling: int = 1) -> None:
        """inner: channels of theta, phi and g. pooling: side of the windows whose maximum stands for them as keys and
        values, 1 for every position (Wang et al. 2018, section 3.3)."""
        super().__init__()
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.W_z = ZeroConv2d(inner, channels, 1)
        self.pooling = pooling

    def forward(self, x: Tensor) -> Tensor:
        seen = self._pooled(x)
        y = attend(_positions(self.theta(x)), _positions(self.phi(seen)), _positions(self.g(seen)))
        added: Tensor = self.W_z(y.transpose(1, 2).unflatten(2, x.shape[2:]))
        return x + added

    def weights(self, x: Tensor, queries: Tensor) -> Tensor:
        """Where chosen positions look: (N, Q, h, w), each map with sum 1, over the positions of the keys.

        x: (N, channels, H, W). queries: (Q,) indices into the H * W positions, row by row.
        """
        seen = self._pooled(x)
        asked, keys = _positions(self.theta(x))[:, queries], _positions(self.phi(seen))
        maps: Tensor = (asked.float() @ keys.float().transpose(1, 2)).softmax(2).unflatten(2, seen.shape[2:])
        return maps

    def _pooled(self, x: Tensor) -> Tensor:
        # Before phi and g, as Wang et al. write it: the subsampled x itself. A partial window counts, too.
        return x if self.pooling == 1 else F.max_pool2d(x, self.pooling, ceil_mode=True)


def _positions(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H * W, C)."""
    return x.flatten(2).transpose(1, 2)

"""The non-local block: every position looks at all others (Wang et al. 2018; paper 000, section 2.2)."""

from torch import Tensor, nn

from impasto.blocks.initialise import ZeroConv2d
from impasto.blocks.positions import looks, pooled, positions
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
        # Before phi and g, as Wang et al. write it: the subsampled x itself.
        seen = pooled(x, self.pooling)
        y = attend(positions(self.theta(x)), positions(self.phi(seen)), positions(self.g(seen)))
        added: Tensor = self.W_z(y.transpose(1, 2).unflatten(2, x.shape[2:]))
        return x + added

    def weights(self, x: Tensor, queries: Tensor) -> Tensor:
        """Where chosen positions look: (N, Q, h, w), each map with sum 1, over the positions of the keys.

        x: (N, channels, H, W). queries: (Q,) indices into the H * W positions, row by row.
        """
        return looks(self.theta(x), self.phi(pooled(x, self.pooling)), queries)

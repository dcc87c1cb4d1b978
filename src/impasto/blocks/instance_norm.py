"""Instance normalisation without parameters, as fast as batch normalisation."""

import torch
from torch import Tensor, nn

EPSILON = 1e-5


class InstanceNorm(nn.Module):
    """Every channel of every picture to mean 0 and variance 1 (Ulyanov et al. 2016), without gain and bias.

    (N, C, H, W) -> the same shape, dtype and memory layout; the statistics are float32 for half precision, too.
    """

    def __init__(self, inplace: bool = False) -> None:
        """inplace: the result may take the input's memory, and does where no gradient is wanted."""
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        # PyTorch's own instance normalisation leaves channels_last and takes 3 to 10 times as long. Over one picture,
        # batch normalisation is the same, and keeps the layout.
        if self.inplace and not torch.is_grad_enabled():
            for picture in x.split(1):
                _normalised(picture, picture)
            return x
        return torch.cat([_normalised(picture) for picture in x.split(1)]) if len(x) > 1 else _normalised(x)


def _normalised(picture: Tensor, out: Tensor | None = None) -> Tensor:
    # A gain, because without a float32 one the statistics of half precision are kept in half precision.
    gain = picture.new_ones(picture.shape[1], dtype=torch.promote_types(picture.dtype, torch.float32))
    # Not F.batch_norm, which refuses a map of one position.
    arguments = picture, gain, torch.zeros_like(gain), None, None, True, 0.0, EPSILON
    if out is None:
        return torch.native_batch_norm(*arguments)[0]
    kept = {"save_mean": torch.empty_like(gain), "save_invstd": torch.empty_like(gain)}
    normalised: Tensor = torch.ops.aten.native_batch_norm.out(*arguments, out=out, **kept)[0]
    return normalised

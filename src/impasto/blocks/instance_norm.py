"""Instance normalisation without parameters, as fast as batch normalisation."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5

# Channels whose statistics are taken at a time, where positions count differently: few, because it takes copies.
_ABREAST = 16

_opacity: ContextVar[Tensor | None] = ContextVar("opacity", default=None)


@contextmanager
def counting(opacity: Tensor | None) -> Iterator[None]:
    """Within it, every `InstanceNorm` counts positions by the opacity of what lies there.

    opacity: (N or 1, 1, H, W) in [0, 1], of the picture that a network is given; None counts all alike. It is no
    argument of `forward` because the layers in between have no use for it.
    """
    token = _opacity.set(opacity)
    try:
        yield
    finally:
        _opacity.reset(token)


def shares_at(x: Tensor) -> Tensor | None:
    """(N or 1, 1, H, W), how much each position of a map counts; they sum to 1. None where all count alike."""
    if (opacity := _opacity.get()) is None:
        return None
    weights = F.adaptive_avg_pool2d(opacity, (x.shape[2], x.shape[3]))
    return weights / weights.sum((2, 3), keepdim=True)


class InstanceNorm(nn.Module):
    """Every channel of every picture to mean 0 and variance 1 (Ulyanov et al. 2016), without gain and bias.

    (N, C, H, W) -> the same shape, dtype and memory layout; the statistics are float32 for half precision, too.
    """

    def __init__(self, inplace: bool = False) -> None:
        """inplace: the result may take the input's memory, and does where no gradient is wanted."""
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        if (shares := shares_at(x)) is not None:
            return _normalised_by(x, shares)
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


def _normalised_by(x: Tensor, shares: Tensor) -> Tensor:
    """By statistics in which positions count by their shares, (N or 1, 1, H, W), whose sum is 1."""
    result = torch.empty_like(x)
    for first in range(0, x.shape[1], _ABREAST):
        part = x[:, first : first + _ABREAST]
        centred = part.to(torch.promote_types(x.dtype, torch.float32))
        centred = centred - (centred * shares).sum((2, 3), keepdim=True)
        variance = (centred.square() * shares).sum((2, 3), keepdim=True)
        result[:, first : first + _ABREAST] = centred * (variance + EPSILON).rsqrt()
    return result

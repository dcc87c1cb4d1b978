"""Networks as training leaves them, and a picture for them."""

from typing import TypeVar

import torch
from torch import Tensor, nn

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


def picture(height: int = 16, width: int = 24, seed: int = 1) -> Tensor:
    """Noise in [-1, 1]."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def lively(network: AnyNetwork) -> AnyNetwork:
    """The same network, which has left its beginning: nothing that it starts with is 0 any more."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    return network.requires_grad_(False)

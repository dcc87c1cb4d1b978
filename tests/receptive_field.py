"""How many input pixels an output depends on, by the gradient of a network without what only rescales."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from impasto.blocks.instance_norm import InstanceNorm


@torch.no_grad()
def linear(network: nn.Module) -> nn.Module:
    """Only the convolutions, with positive weights, so that nothing cancels."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, InstanceNorm | nn.ReLU | nn.LeakyReLU | nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    for parameter in network.parameters():
        parameter.fill_(0.01)
    return network.double()


def field(network: Callable[[Tensor], Tensor], side: int) -> tuple[int, int]:
    """(height, width) of what the middle of the map (1, C, h, w) sees of a picture of side x side pixels."""
    x = torch.zeros(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    y = network(x)
    y[:, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    assert x.grad is not None
    rows, columns = x.grad[0].abs().sum(0).nonzero().unbind(1)
    assert 0 < int(rows.min()) < int(rows.max()) < side - 1, "the border cuts it"
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1

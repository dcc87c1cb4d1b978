"""How networks of translation begin."""

import torch
from torch import nn

# Zhu et al. 2017, section 7.2.
STD = 0.02


class ZeroConv2d(nn.Conv2d):
    """A convolution that begins as zero, and that `initialise` leaves so: what it ends is added to something else."""

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Weights of all convolutions from N(0, 0.02^2), biases 0, from the global random generator."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not isinstance(module, ZeroConv2d):
            nn.init.normal_(module.weight, std=STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@torch.no_grad()
def initialise_for_relu(network: nn.Module) -> None:
    """Weights of all layers by He et al. 2015, biases 0, from the global random generator."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

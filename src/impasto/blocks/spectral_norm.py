"""Spectral normalisation of a whole discriminator (Miyato et al. 2018)."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from impasto.blocks.instance_norm import InstanceNorm


def spectrally_normalised(network: nn.Module) -> nn.Module:
    """The network with every convolution's weights divided by their largest singular value, in place.

    It takes the place of instance normalisation, which is left out: what that follows would not notice how large the
    weights of a convolution are, so that nothing would be bounded.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            spectral_norm(module)
        for name, child in module.named_children():
            if isinstance(child, InstanceNorm):
                setattr(module, name, nn.Identity())
    return network

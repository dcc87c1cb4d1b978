"""The discriminator that judges patches: PatchGAN (Isola et al. 2017; Zhu et al. 2017, section 7.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from impasto.blocks.initialise import initialise
from impasto.blocks.instance_norm import InstanceNorm


@dataclass(frozen=True, kw_only=True)
class PatchConfig:
    """width: filters of the first layer. halvings: layers of stride 2; 3 make patches of 70 x 70 pixels."""

    width: int = 64
    halvings: int = 3


class PatchDiscriminator(nn.Module):
    """C64-C128-C256-C512 with 4x4 filters: pictures in [-1, 1] -> (N, 1, h, w), 1 where a patch looks real.

    A map of 30 x 30 for 256 x 256 pixels. Sides of 32 and more fit the usual three halvings.
    """

    def __init__(self, config: PatchConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layers(config))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        judged: Tensor = self.layers(x)
        return judged


def spectrally_normalised(network: nn.Module) -> nn.Module:
    """The network with every convolution's weights divided by their largest singular value, in place (Miyato et al.
    2018).

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


def _layers(config: PatchConfig) -> Iterator[nn.Module]:
    yield nn.Conv2d(3, config.width, 4, stride=2, padding=1)
    yield nn.LeakyReLU(0.2, inplace=True)
    width = config.width
    for number in range(1, config.halvings + 1):
        # Never more than eight times the first layer's, and the last one keeps the size.
        wider = config.width * min(2**number, 8)
        yield nn.Conv2d(width, wider, 4, stride=2 if number < config.halvings else 1, padding=1)
        yield InstanceNorm()
        yield nn.LeakyReLU(0.2, inplace=True)
        width = wider
    yield nn.Conv2d(width, 1, 4, padding=1)

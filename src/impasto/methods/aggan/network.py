"""The networks of attention-guided translation (Mejjati et al. 2018): one says where, one says what."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.blocks.initialise import initialise
from impasto.blocks.instance_norm import InstanceNorm
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.blocks.reflecting_conv import ReflectingConv2d
from impasto.blocks.resnet_generator import (
    MINIMUM,
    MULTIPLE,
    ResidualBlock,
    ResNetGenerator,
    Upsampling,
    applied,
    normalised,
)
from impasto.methods.aggan.options import AgGANOptions
from impasto.translation import LookingGenerator


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Everything needed to build a generator around stored weights.

    width, blocks, upsampling: as in CycleGAN, of the network that says what. attention_width: filters of the first
    layer of the network that says where.
    """

    # Half of CycleGAN's.
    width: int = 32
    blocks: int = 9
    upsampling: Upsampling = "transposed"
    attention_width: int = 32


class Generator(LookingGenerator):
    """s' = s_a F(s) + (1 - s_a) s, with s_a = A(s) (equation 1): foreground that is painted, background that stays.

    (N, 3, H, W) in [-1, 1] -> the same; H and W are multiples of 4 and at least 8.
    """

    options, Config = AgGANOptions, GeneratorConfig
    multiple, minimum = MULTIPLE, MINIMUM
    blends = True

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        blocks = [ResidualBlock(4 * config.width) for _ in range(config.blocks)]
        self.painter = ResNetGenerator(config.width, blocks, config.upsampling)
        self.attention = AttentionNetwork(config.attention_width)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return blended(x, self.paint(x), self.share(x))

    def paint(self, x: Tensor) -> Tensor:
        """F(s): what the whole picture would become, (N, 3, H, W) in [-1, 1]."""
        # The paper's F is given the whole picture; its program multiplies it by the attention first.
        return torch.tanh(self.painter(x))

    def share(self, x: Tensor) -> Tensor:
        """s_a: how much of each pixel is painted, (N, 1, H, W) in [0, 1]."""
        return torch.sigmoid(self.attention(x))

    @property
    def cell(self) -> int:
        return self.stride

    def seen(self, x: Tensor) -> Tensor:
        """The `share` of a picture, averaged over positions: (1, 1, H / 4, W / 4)."""
        return F.avg_pool2d(self.share(x), self.stride)

    def weights(self, seen: Tensor, queries: Tensor) -> Tensor:
        """What is painted, as if all of the Q positions looked there."""
        shares = seen / seen.sum((2, 3), keepdim=True).clamp_min(torch.finfo(seen.dtype).tiny)
        return shares[0].expand(len(queries), -1, -1)


def blended(picture: Tensor, painted: Tensor, share: Tensor) -> Tensor:
    """Equation 1. picture, painted: (N, 3, H, W). share: (N, 1, H, W) in [0, 1]."""
    return share * painted + (1 - share) * picture


class AttentionNetwork(nn.Module):
    """c7s2-32, c3s2-64, a residual block, two times doubled and convolved, c7s1-1: pictures -> (N, 1, H, W), unbounded.

    The program's three last convolutions are 1x1, because its arguments for height and width changed places; the paper
    has 3x3, 3x3 and 7x7, as here.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_attention(width))

    def forward(self, x: Tensor) -> Tensor:
        return applied(self.layers, x)


class PlainBlock(nn.Module):
    """max(0, x + two reflecting 3x3 convolutions), without normalisation. (N, channels, H, W) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ReflectingConv2d(channels, channels, 3), nn.ReLU(inplace=True), ReflectingConv2d(channels, channels, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.layers(x)
        return (x + changed).relu()


class Discriminator(PatchDiscriminator):
    """CycleGAN's, which can leave out its normalisation: of a picture that is mostly black, it would say how much."""

    def __init__(self, config: PatchConfig) -> None:
        super().__init__(config)
        self.normalises = True

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            if self.normalises or not isinstance(layer, InstanceNorm):
                x = layer(x)
        return x


def _attention(width: int) -> Iterator[nn.Module]:
    yield from (nn.Conv2d(3, width, 7, stride=2, padding=3, padding_mode="reflect"), *normalised())
    yield from (nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), *normalised())
    yield PlainBlock(2 * width)
    yield from (nn.Upsample(scale_factor=2), ReflectingConv2d(2 * width, 2 * width, 3), *normalised())
    yield from (nn.Upsample(scale_factor=2), ReflectingConv2d(2 * width, width, 3), *normalised())
    yield ReflectingConv2d(width, 1, 7)

"""The networks of DnCNN-CycleGAN (paper 002, part II, sections 2.2.1 and 2.2.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from impasto.blocks.initialise import initialise_for_relu
from impasto.blocks.instance_norm import InstanceNorm
from impasto.methods.dncnn_cyclegan.options import DnCNNCycleGANOptions
from impasto.translation import GeneratorModule


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Everything needed to build a generator around stored weights. depth: D. width: C."""

    depth: int = 6
    width: int = 64


class Generator(GeneratorModule):
    """Conv 3 -> C + ReLU, D times Conv C -> C + BN + ReLU, Conv C -> 3: (N, 3, H, W) around [-1, 1] -> the same.

    Each pixel of the result sees 2 D + 5 pixels across, so that colour and texture are all that it can learn.
    Nothing bounds the result, and the input is not added to it, as in the DnCNN of Zhang et al. 2017: the paper applies
    "the networks above in that order to the input tensor" and returns "the resulting tensor".
    """

    options, Config = DnCNNCycleGANOptions, GeneratorConfig
    multiple, minimum = 1, 1

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*_layers(config))
        initialise_for_relu(self)  # as DnCNN (Zhang et al. 2017); the paper does not say

    def forward(self, x: Tensor) -> Tensor:
        painted: Tensor = self.layers(x)
        return painted


class Discriminator(nn.Module):
    """Five 3x3 convolutions 3-16-64-256-256-1: (N, 3, H, W) in [-1, 1] -> (N, H * W), 1 where it looks real.

    No stride, because the paper reshapes to (batch_size, image_w * image_h). Every answer judges 11 x 11 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 64, 256, 256)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), InstanceNorm(), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))
        initialise_for_relu(self)

    def forward(self, x: Tensor) -> Tensor:
        judged: Tensor = self.layers(x)
        return judged.flatten(1)


def _layers(config: GeneratorConfig) -> Iterator[nn.Module]:
    yield nn.Conv2d(3, config.width, 3, padding=1)
    yield nn.ReLU(inplace=True)
    for _ in range(config.depth):
        yield nn.Conv2d(config.width, config.width, 3, padding=1)
        yield nn.BatchNorm2d(config.width)
        yield nn.ReLU(inplace=True)
    yield nn.Conv2d(config.width, 3, 3, padding=1)

"""The generator of CycleGAN: nine residual blocks between two halvings (Zhu et al. 2017, section 7.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.blocks.initialise import initialise
from impasto.blocks.resnet_generator import (
    MINIMUM,
    MULTIPLE,
    ResidualBlock,
    ResNetGenerator,
    Upsampling,
)
from impasto.methods.cyclegan.options import CycleGANOptions
from impasto.translation import GeneratorModule


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Everything needed to build a generator around stored weights.

    width: filters of the first layer; four times as many in the blocks. blocks: residual ones; 9 for 256 pixels and
    more, 6 for less. upsampling: 'transposed' as published, or 'resize'.
    """

    width: int = 64
    blocks: int = 9
    upsampling: Upsampling = "transposed"


class Generator(GeneratorModule):
    """(N, 3, H, W) in [-1, 1] -> the same; H and W are multiples of 4 and at least 8."""

    options, Config = CycleGANOptions, GeneratorConfig
    multiple, minimum = MULTIPLE, MINIMUM

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        channels = 4 * config.width
        blocks = [ResidualBlock(channels) for _ in range(config.blocks)]
        self.network = ResNetGenerator(config.width, blocks, config.upsampling)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.network(x))

"""The generator of NLA-CycleGAN (paper 000): a non-local block in place of one of CycleGAN's residual blocks."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from impasto.blocks.attention import NonLocalBlock
from impasto.blocks.initialise import initialise
from impasto.blocks.resnet_generator import (
    MINIMUM,
    MULTIPLE,
    ResidualBlock,
    ResNetGenerator,
    Upsampling,
)
from impasto.errors import OptionError
from impasto.methods.nla_cyclegan.options import NLACycleGANOptions
from impasto.translation import LookingGenerator


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Everything needed to build a generator around stored weights.

    width, blocks, upsampling: as in CycleGAN; `blocks` counts the non-local one.
    position: which block it replaces, counted from 1.
    inner: channels of theta, phi and g; 0 for half of the block's.
    pooling: side of the windows whose maximum stands for them as keys and values; 1 for every position.
    compose: a fourth output, through a sigmoid, says how much of each pixel is painted; the rest is the input's.
    """

    # The paper says "to replace the residual network block" and no more.
    # The middle: the four blocks before make features of 77 pixels for it to compare, the four after use what it found.
    width: int = 64
    blocks: int = 9
    upsampling: Upsampling = "transposed"
    position: int = 5
    # Half, as Wang et al. 2018 (section 3.3), from whom the paper has the block.
    inner: int = 0
    # None: at a quarter of 256 pixels there are 4096 positions, which cost less than the residual block did. With 2,
    # attention takes a quarter of the time; for large pictures it is most of the time.
    pooling: int = 1
    # Off, because section 2.2 and Figure 3 describe a generator that paints the whole picture. Section 3.2 and the
    # conclusion ("the attention maps are combined with the input image") describe this, but give no formula.
    compose: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.position <= self.blocks:
            raise OptionError(f"position is {self.position}, but must be from 1 to {self.blocks}, the number of blocks")
        if self.pooling < 1 or self.inner < 0:
            raise OptionError(f"pooling is {self.pooling} and inner is {self.inner}, but must be 1 and 0 or more")


class Generator(LookingGenerator):
    """(N, 3, H, W) in [-1, 1] -> the same; H and W are multiples of 4 and at least 8."""

    options, Config = NLACycleGANOptions, GeneratorConfig
    multiple, minimum = MULTIPLE, MINIMUM

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.blends = config.compose
        channels = 4 * config.width
        blocks: list[nn.Module] = [ResidualBlock(channels) for _ in range(config.blocks)]
        blocks[config.position - 1] = NonLocalBlock(channels, config.inner or channels // 2, config.pooling)
        self.network = ResNetGenerator(config.width, blocks, config.upsampling, outputs=4 if config.compose else 3)
        initialise(self)

    @property
    def attention(self) -> NonLocalBlock:
        return cast(NonLocalBlock, self.network.blocks[self.config.position - 1])

    def forward(self, x: Tensor) -> Tensor:
        painted = self.network(x)
        if not self.config.compose:
            return torch.tanh(painted)
        share = torch.sigmoid(painted[:, 3:])
        return share * torch.tanh(painted[:, :3]) + (1 - share) * x

    def seen(self, x: Tensor) -> Tensor:
        return self.network.features(x, self.config.position - 1)

    def weights(self, seen: Tensor, queries: Tensor) -> Tensor:
        return self.attention.weights(seen, queries)[0]

    def share(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.network(x)[:, 3:])

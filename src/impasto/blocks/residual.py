"""The residual block of CycleGAN's generators."""

from torch import Tensor, nn

from impasto.blocks.instance_norm import InstanceNorm
from impasto.blocks.reflecting_conv import ReflectingConv2d


class ResidualBlock(nn.Module):
    """x + two reflecting 3x3 convolutions with instance normalisation (Johnson et al. 2016; Zhu et al. 2017, 7.1).

    (N, channels, H, W) -> the same shape; H and W are 2 or more.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ReflectingConv2d(channels, channels, 3),
            InstanceNorm(inplace=True),
            nn.ReLU(inplace=True),
            ReflectingConv2d(channels, channels, 3),
            InstanceNorm(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.layers(x)
        return x + changed

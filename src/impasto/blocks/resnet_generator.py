"""CycleGAN's generator around any blocks at a quarter of the picture's size, and its residual ones (Zhu et al. 2017,
section 7.1)."""

from collections.abc import Iterable
from typing import Literal

from torch import Tensor, nn

from impasto.blocks.instance_norm import InstanceNorm
from impasto.blocks.reflecting_conv import ReflectingConv2d

Upsampling = Literal["transposed", "resize", "bilinear"]

# Sides that the generator can take: they are halved twice, and what is reflected needs a second position.
MULTIPLE, MINIMUM = 4, 8


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


class ResNetGenerator(nn.Module):
    """c7s1-w, d2w, d4w, the blocks, u2w, uw, c7s1-outputs: pictures in [-1, 1] -> (N, outputs, H, W), unbounded.

    H and W are multiples of 4 and at least 8.
    """

    def __init__(self, width: int, blocks: Iterable[nn.Module], upsampling: Upsampling, outputs: int = 3) -> None:
        """width: w. blocks: from (N, 4w, H / 4, W / 4) to the same. upsampling: as `up` says."""
        super().__init__()
        self.encoder = nn.Sequential(
            ReflectingConv2d(3, width, 7), *normalised(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), *normalised(),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), *normalised(),
        )  # fmt: skip
        self.blocks = nn.ModuleList(blocks)
        self.decoder = nn.Sequential(
            *up(4 * width, 2 * width, upsampling), *normalised(),
            *up(2 * width, width, upsampling), *normalised(),
            ReflectingConv2d(width, outputs, 7),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return applied(self.decoder, self.features(x, len(self.blocks)))

    def features(self, x: Tensor, blocks: int) -> Tensor:
        """(N, 4w, H / 4, W / 4) after the first so many blocks."""
        return applied((*self.encoder, *self.blocks[:blocks]), x)


def applied(layers: Iterable[nn.Module], x: Tensor) -> Tensor:
    """What a sequence makes of x. One by one, because `nn.Sequential` holds on to what it was given until its end, and
    that is large here."""
    for layer in layers:
        x = layer(x)
    return x


def normalised() -> tuple[nn.Module, nn.Module]:
    """What follows every convolution but the last."""
    return InstanceNorm(inplace=True), nn.ReLU(inplace=True)


def up(inputs: int, outputs: int, upsampling: Upsampling) -> tuple[nn.Module, ...]:
    """Twice the size: 'transposed' convolutions as published, or 'resize' before convolving, which cannot leave the
    checkerboard that they tend to leave (Odena et al. 2016); with the nearest neighbour, or 'bilinear', which leaves no
    grain of two and four pixels in plain areas either. Weights of both fit each other."""
    if upsampling == "transposed":
        return (nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1),)
    mode = "bilinear" if upsampling == "bilinear" else "nearest"
    return nn.Upsample(scale_factor=2, mode=mode), ReflectingConv2d(inputs, outputs, 3)

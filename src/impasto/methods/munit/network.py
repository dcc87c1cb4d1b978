"""The networks of MUNIT (Huang et al. 2018): a code of what is there, a code of how it looks, and a decoder of both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from impasto.blocks.initialise import initialise, initialise_for_relu
from impasto.blocks.instance_norm import InstanceNorm, shares_at
from impasto.blocks.reflecting_conv import ReflectingConv2d
from impasto.blocks.resnet_generator import ResidualBlock
from impasto.errors import OptionError
from impasto.masks import visible
from impasto.methods.munit.options import MUNITOptions
from impasto.translation import GeneratorModule, padded_to

CONTENT_HALVINGS, STYLE_HALVINGS = 2, 4


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Everything needed to build a generator around stored weights.

    width: filters of the first layers; four times as many in the content code. blocks: residual ones, in the content
    encoder and in the decoder each. style_size: numbers of a style code. mlp_width: of the two hidden layers that make
    AdaIN's means and deviations of a style code.
    """

    width: int = 64
    blocks: int = 4
    style_size: int = 8
    mlp_width: int = 256

    def __post_init__(self) -> None:
        for name in ("width", "blocks", "style_size", "mlp_width"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} is {getattr(self, name)}, but must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """width: filters of the first layer. halvings: layers of stride 2. scales: each half as large as the one before."""

    width: int = 64
    halvings: int = 4
    scales: int = 3

    @property
    def minimum(self) -> int:
        """Sides that pictures need, so that two positions are left for the last halving at the coarsest scale."""
        return int(2 ** (self.halvings + self.scales - 1))


class Generator(GeneratorModule):
    """One direction: the content encoder of the kind it starts from, style encoder and decoder of the kind it paints.

    Pictures (N, 3, H, W) in [-1, 1] -> the same; H and W are multiples of 4 and at least 16.
    """

    options, Config = MUNITOptions, GeneratorConfig
    # The content is halved twice; the style four times, by filters that mirror and so need 2 positions.
    multiple, minimum = 2**CONTENT_HALVINGS, 2**STYLE_HALVINGS

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.content_encoder = nn.Sequential(*_content_encoder(config))
        self.style_encoder = nn.Sequential(*_style_encoder(config))
        self.decoder = Decoder(config)
        initialise_for_relu(self)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        """style: (N or 1, style_size); zeros, the middle of the styles that training draws, if it is not given."""
        content = self.encode(x)
        code = content.new_zeros(1, self.config.style_size) if style is None else style
        return self.decode(content, code.expand(len(x), -1))

    def encode(self, x: Tensor) -> Tensor:
        """Pictures of the kind it starts from -> content codes (N, 4 width, H / 4, W / 4)."""
        content: Tensor = self.content_encoder(x)
        return content

    def style_of(self, x: Tensor) -> Tensor:
        """Pictures of the kind that it paints, sides at least 16 -> style codes (N, style_size)."""
        style: Tensor = self.style_encoder(x)
        return style.flatten(1)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """Codes of content, by the encoder of any kind, and of style -> pictures (N, 3, H, W) in [-1, 1]."""
        return torch.tanh(self.decoder(content, style))

    def beside(self, styles: Sequence[Tensor], options: MUNITOptions) -> tuple[Tensor, ...]:
        """The mean of the styles' codes, or one that is drawn: (1, style_size)."""
        device = next(self.parameters()).device
        if not styles:
            random = torch.Generator().manual_seed(options.seed)
            return (torch.randn(1, self.config.style_size, generator=random).to(device),)
        # As their encoder takes them, of any size: in [-1, 1], and large enough.
        shown = (padded_to(visible(style)[0].to(device), 1, self.minimum) * 2 - 1 for style in styles)
        return (torch.cat([self.style_of(style) for style in shown]).mean(0, keepdim=True),)


class Decoder(nn.Module):
    """Residual blocks with AdaIN, two doublings, and a last convolution; not bounded yet."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.width * 2**CONTENT_HALVINGS
        self.blocks = nn.ModuleList(StyledBlock(width) for _ in range(config.blocks))
        self.mlp = nn.Sequential(
            nn.Linear(config.style_size, config.mlp_width), nn.ReLU(inplace=True),
            nn.Linear(config.mlp_width, config.mlp_width), nn.ReLU(inplace=True),
            nn.Linear(config.mlp_width, config.blocks * 4 * width),
        )  # fmt: skip
        self.layers = nn.Sequential(*_doublings(width), ReflectingConv2d(config.width, 3, 7))

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """(N, 4 width, h, w) and (N, style_size) -> (N, 3, 4 h, 4 w)."""
        statistics = self.mlp(style)[:, :, None, None].chunk(len(self.blocks), 1)
        for block, moments in zip(self.blocks, statistics, strict=True):
            content = block(content, moments)
        # Not by `applied`, which would not let go of the content.
        for layer in self.layers:
            content = layer(content)
        return content


class StyledBlock(nn.Module):
    """x + two reflecting 3x3 convolutions, each with AdaIN(z, gamma, beta) = gamma (z - mu) / sigma + beta, where gamma
    and beta come from the style code (Huang et al. 2018, section 5.1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(ReflectingConv2d(channels, channels, 3) for _ in range(2))
        self.normalise = InstanceNorm()

    def forward(self, x: Tensor, statistics: Tensor) -> Tensor:
        """statistics: (N, 4 channels, 1, 1): beta and gamma of the first convolution, then of the second."""
        beta, gamma, last_beta, last_gamma = statistics.chunk(4, 1)
        first, second = self.convolutions
        changed = torch.addcmul(beta, gamma, self.normalise(first(x))).relu()
        return x + torch.addcmul(last_beta, last_gamma, self.normalise(second(changed)))


class LayerNorm(nn.GroupNorm):
    """All channels and places of a picture together to mean 0 and variance 1, then a gain and a bias for each channel
    (Ba et al. 2016). (N, channels, H, W) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels)

    def forward(self, x: Tensor) -> Tensor:
        shares = shares_at(x)
        if shares is None:
            return super().forward(x)
        centred = x.float()
        centred = centred - (centred * shares).sum((2, 3), keepdim=True).mean(1, keepdim=True)
        variance = (centred.square() * shares).sum((2, 3), keepdim=True).mean(1, keepdim=True)
        return centred * (variance + self.eps).rsqrt() * self.weight[:, None, None] + self.bias[:, None, None]


class MultiScaleDiscriminator(nn.Module):
    """d64-d128-d256-d512 and a 1x1 convolution, at three scales: pictures in [-1, 1] -> three maps (N, 1, h, w).

    The patches are of 46, 93 and 187 pixels. Sides of 64 and more fit the usual four halvings.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(nn.Sequential(*_judge(config)) for _ in range(config.scales))
        self.halve = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
        initialise(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        judged = []
        for scale in self.scales:
            judged.append(scale(x))
            x = self.halve(x)
        return judged


def _strided(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, padding_mode="reflect")


def _content_encoder(config: GeneratorConfig) -> Iterator[nn.Module]:
    """c7s1-64, d128, d256, R256 x 4, with instance normalisation."""
    width = config.width
    yield from (ReflectingConv2d(3, width, 7), InstanceNorm(inplace=True), nn.ReLU(inplace=True))
    for _ in range(CONTENT_HALVINGS):
        yield from (_strided(width, 2 * width), InstanceNorm(inplace=True), nn.ReLU(inplace=True))
        width *= 2
    yield from (ResidualBlock(width) for _ in range(config.blocks))


def _style_encoder(config: GeneratorConfig) -> Iterator[nn.Module]:
    """c7s1-64, d128, d256, d256, d256, the mean over all places, fc8. Not normalised, because means and deviations are
    what it is to see."""
    width = config.width
    yield from (ReflectingConv2d(3, width, 7), nn.ReLU(inplace=True))
    for number in range(STYLE_HALVINGS):
        wider = 4 * config.width if number else 2 * config.width
        yield from (_strided(width, wider), nn.ReLU(inplace=True))
        width = wider
    yield from (nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, config.style_size, 1))


def _doublings(width: int) -> Iterator[nn.Module]:
    """u128, u64: nearest neighbours, a 5x5 convolution and layer normalisation."""
    for _ in range(CONTENT_HALVINGS):
        yield from (nn.Upsample(scale_factor=2), ReflectingConv2d(width, width // 2, 5))
        # Over channels and places together: instance normalisation would undo what AdaIN said.
        yield from (LayerNorm(width // 2), nn.ReLU(inplace=True))
        width //= 2


def _judge(config: DiscriminatorConfig) -> Iterator[nn.Module]:
    width = config.width
    yield from (_strided(3, width), nn.LeakyReLU(0.2, inplace=True))
    for _ in range(config.halvings - 1):
        yield from (_strided(width, 2 * width), nn.LeakyReLU(0.2, inplace=True))
        width *= 2
    yield nn.Conv2d(width, 1, 1)

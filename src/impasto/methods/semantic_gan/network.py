"""The generator of paper 003: an encoder whose code is the picture's meaning, and a decoder that ends in attention."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from impasto.blocks.attention import SMALLEST, SelfAttention
from impasto.blocks.initialise import initialise
from impasto.blocks.reflecting_conv import ReflectingConv2d
from impasto.blocks.resnet_generator import ResidualBlock, Upsampling, applied, normalised, up
from impasto.errors import OptionError
from impasto.methods.semantic_gan.options import SemanticGANOptions
from impasto.translation import LookingGenerator

HALVINGS = 3

Placement = Literal["none", "quarter", "half", "full"]

# Pixels of the picture from one position to the next.
STRIDES: Mapping[str, int] = {"quarter": 4, "half": 2, "full": 1}


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Everything needed to build a generator around stored weights.

    width: filters of the first layer; eight times as many in the code. blocks: residual ones.
    upsampling: 'transposed' as published, or 'resize'.
    attention: at which share of the picture's sides the decoder has it, if at all: of 256 pixels, 'full' is at 256,
        'half' at 128 and 'quarter' at 64.
    pooling: side of the windows whose maximum stands for them as keys and values; 1 for every position.
    """

    # 24-48-96-192 is the simplest reading of "a total of 6.5M parameters": 6.42 M and the attention.
    width: int = 24
    blocks: int = 9
    upsampling: Upsampling = "transposed"
    # "At the end of generator", and so where the picture is as large as it gets.
    attention: Placement = "full"
    # Deviates from the paper, whose matrix of 65,536 x 65,536 weights would take 16 GiB. Fused kernels need no matrix,
    # but 4.3 billion exponentials; with windows of 4 x 4 they are a sixteenth of that.
    pooling: int = 4

    def __post_init__(self) -> None:
        if self.width < 1 or self.blocks < 0 or self.pooling < 1:
            raise OptionError(
                f"width is {self.width}, blocks is {self.blocks} and pooling is {self.pooling},"
                " but must be 1, 0 and 1 or more"
            )
        if self.attention not in ("none", *STRIDES):
            raise OptionError(f"attention is '{self.attention}', but must be one of none, {', '.join(STRIDES)}")


class Generator(LookingGenerator):
    """(N, 3, H, W) in [-1, 1] -> the same; H and W are multiples of 8 and at least 16."""

    options, Config = SemanticGANOptions, GeneratorConfig
    # What is halved three times, and two positions for the blocks, which reflect.
    multiple, minimum = 2**HALVINGS, 2 * 2**HALVINGS

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = nn.Sequential(*_encoder(config))
        self.decoder = nn.Sequential(*_decoder(config))
        if config.attention == "full":
            # Queries, what they found, and what v makes of it, before it is added.
            self.floats_beside = 2 * SMALLEST + 2 * config.width
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def encode(self, x: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] -> their code, (N, 8 width, H / 8, W / 8)."""
        return applied(self.encoder, x)

    def decode(self, code: Tensor) -> Tensor:
        """A code, of this encoder or of that of the other kind of pictures -> pictures (N, 3, H, W) in [-1, 1]."""
        return torch.tanh(applied(self.decoder, code))

    @property
    def stride(self) -> int:
        """Raises OptionError without attention."""
        self._check_attention()
        return STRIDES[self.config.attention]

    @property
    def attention(self) -> SelfAttention:
        return cast(SelfAttention, self.decoder[self._position])

    def seen(self, x: Tensor) -> Tensor:
        """As `LookingGenerator` says. Raises OptionError without attention."""
        self._check_attention()
        return applied(list(self.decoder)[: self._position], self.encode(x))

    def weights(self, seen: Tensor, queries: Tensor) -> Tensor:
        return self.attention.weights(seen, queries)[0]

    def _check_attention(self) -> None:
        if self.config.attention == "none":
            raise OptionError("this generator was trained without attention")

    @property
    def _position(self) -> int:
        return next(i for i, layer in enumerate(self.decoder) if isinstance(layer, SelfAttention))


def _encoder(config: GeneratorConfig) -> Iterator[nn.Module]:
    """c7s1-w, d2w, d4w, d8w and the residual blocks: "subsampled three times and then enters nine rest blocks"."""
    yield from (ReflectingConv2d(3, config.width, 7), *normalised())
    for number in range(HALVINGS):
        width = config.width * 2**number
        yield from (nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), *normalised())
    yield from (ResidualBlock(config.width * 2**HALVINGS) for _ in range(config.blocks))


def _decoder(config: GeneratorConfig) -> Iterator[nn.Module]:
    """u4w, u2w, uw, attention, c7s1-3.

    "A 256x256 image after five times of deconvolution" cannot follow three halvings: five doublings would make it 1024.
    There are as many doublings as halvings here.
    """
    for number in reversed(range(HALVINGS)):
        width = config.width * 2**number
        yield from (*up(2 * width, width, config.upsampling), *normalised())
        if STRIDES.get(config.attention) == 2**number:
            yield SelfAttention(width, config.pooling)
    yield ReflectingConv2d(config.width, 3, 7)

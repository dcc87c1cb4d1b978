"""What the networks of the default method look like: enough to build, run and cut pictures for them."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

# The layers whose statistics AdaIN can exchange, in the encoder's order; the last one is the paper's.
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

# Convolutions of the VGG-19 that every encoder is, in each block, as far as relu4_1.
ENCODER_DEPTHS = (2, 2, 4, 1)

# Three poolings: tiles begin at multiples of this many pixels.
MULTIPLE = 8


@dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """Everything needed to build a decoder around stored weights.

    widths: channels of the encoder's first four blocks.
    depths: convolutions at each of the four sizes, from the picture's own to an eighth. (2, 2, 4, 1) mirrors VGG-19.
    joined: features of all four layers enter, each at its own size, instead of those of relu4_1 alone.
    hidden: width of the network through which the style's statistics scale and shift the decoder's responses; 0 for
        none.
    gain: the most that AdaIN may multiply a channel's deviations by; 0 for any.
    grounds: the sizes, 1 for the picture's own to 4 for an eighth, that get a random ground to make strokes of.
    detailed: the conditioning knows as well how much of the photo's detail is wanted.
    upsampling: nearest, as in the paper, shows as a fine mesh where a painting's texture is strong.
    """

    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    depths: tuple[int, int, int, int] = (2, 2, 4, 1)
    joined: bool = False
    hidden: int = 0
    gain: float = 0.0
    grounds: tuple[int, ...] = ()
    detailed: bool = False
    upsampling: Literal["nearest", "bilinear"] = "nearest"

    @property
    def layers(self) -> tuple[str, ...]:
        """The encoder's layers that the decoder paints from."""
        return LAYERS if self.joined else LAYERS[-1:]

    @property
    def convolutions(self) -> dict[str, tuple[int, int]]:
        """{name: (input, output) channels} in the order of painting."""
        channels, inputs = {}, self.widths[3]
        for block in (4, 3, 2, 1):
            if self.joined and block < 4:
                inputs += self.widths[block - 1]
            for number in range(self.depths[block - 1], 0, -1):
                outputs = self.widths[block - 1] if number > 1 else self.widths[block - 2] if block > 1 else 3
                channels[f"conv{block}_{number}"] = (inputs, outputs)
                inputs = outputs
        return channels

    @property
    def modulated(self) -> dict[str, int]:
        """{convolution: channels} of those that the style scales and shifts."""
        hidden = {name: outputs for name, (_, outputs) in self.convolutions.items() if name != "conv1_1"}
        return hidden if self.hidden else {}

    @property
    def grounded(self) -> dict[str, int]:
        """{convolution: block} of those that have a ground."""
        return {f"conv{block}_{self.depths[block - 1]}": block for block in sorted(self.grounds)}

    @property
    def halo(self) -> int:
        """Pixels around a tile that what is painted in it depends on."""
        # A pixel that is interpolated between larger ones depends on a neighbour of these.
        upsampling = sum(1 << block for block in (1, 2, 3)) if self.upsampling == "bilinear" else 0
        return _felt(_reach(ENCODER_DEPTHS) + _reach(self.depths) + upsampling)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DecoderConfig":
        arguments: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**arguments)


def up(pixels: int) -> int:
    """The next multiple of `MULTIPLE`."""
    return -(-pixels // MULTIPLE) * MULTIPLE


def level(name: str) -> int:
    """How often the picture is halved where this layer or convolution is: 'relu4_1' or 'conv4_2' -> 3."""
    return int(name[4]) - 1


def halved_side(side: int, times: int) -> int:
    """Length of a side after this many poolings, which keep partial windows."""
    return -(-side >> times)


def _reach(depths: tuple[int, ...]) -> int:
    """Pixels that convolutions, so many in each block, look away from one."""
    return sum(depth << block for block, depth in enumerate(depths))


def _felt(pixels: int) -> int:
    """What of a reach counts: the last fifth changed no pixel of noise or of photos by a fortieth of an 8-bit level."""
    return up(math.ceil(0.8 * pixels))


# Pixels around a tile that its features depend on.
ENCODER_HALO = _felt(_reach(ENCODER_DEPTHS))

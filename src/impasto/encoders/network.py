"""The VGG-19 feature network that both encoders are, up to relu5_1 (Simonyan and Zisserman 2015).

An encoder is called with a picture and the names of layers, and answers with the features after those ReLUs. Its
picture statistics live inside it; nothing outside an encoder knows of them.
"""

import copy
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from impasto.errors import OptionError
from impasto.reflection import reflect

Pooling = Literal["average", "max"]
Padding = Literal["zeros", "reflect"]

LAYERS = (
    "relu1_1", "relu1_2",
    "relu2_1", "relu2_2",
    "relu3_1", "relu3_2", "relu3_3", "relu3_4",
    "relu4_1", "relu4_2", "relu4_3", "relu4_4",
    "relu5_1",
)  # fmt: skip

POOLED = "pool5_1"
"""relu5_1 pooled once more, for attention: paper 001's "down-sample ... to mimic a style representation from the sixth
layer" (section 2.3), 16 x 16 positions for 512 pixels."""


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Everything needed to build the network around stored weights.

    widths: channels of the five blocks.
    padding: how each 3x3 convolution treats the border: the official VGG-19 pads with zeros; reflection leaves no
        dark frame in an optimised picture.
    mean, std: statistics subtracted from and divided into RGB in [0, 1].
    """

    widths: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)
    padding: Padding = "zeros"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "EncoderConfig":
        arguments: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**arguments)


class Encoder(nn.Module):
    """Picture -> features by layer name.

    Pooling windows at the end of an odd side are partial instead of dropped, so that every picture down to 1x1 has
    features at every layer; for sides that are multiples of 16 this is the published network.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.pooling: Pooling = "average"
        self.convolutions = nn.ModuleDict()
        previous = 3
        for layer in LAYERS:
            width = config.widths[block_of(layer) - 1]
            padding = 1 if config.padding == "zeros" else 0
            self.convolutions[layer] = nn.Conv2d(previous, width, 3, padding=padding)
            previous = width
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """image: (N, 3, H, W) RGB in [0, 1]. layers: of LAYERS, and POOLED.

        Returns {layer: (N, C, ceil(H / 2^k), ceil(W / 2^k))} after k pools.
        """
        wanted = set(layers)
        unknown = wanted - {*LAYERS, POOLED}
        if unknown:
            raise OptionError(f"no layer '{sorted(unknown)[0]}'; the layers are {', '.join(LAYERS)}")
        features: dict[str, Tensor] = {}
        # Normalised before it is rounded: half precision holds fewer steps between 0 and 1 than a picture has.
        x = ((image - self.mean) / self.std).to(self.convolution("relu1_1").weight.dtype)
        block = 1
        for layer, convolution in self.convolutions.items():
            if len(features) == len(wanted):
                break
            if block_of(layer) > block:
                x = self._pool(x)
                block += 1
            if self.config.padding == "reflect":
                x = reflect(x)
            x = F.relu(convolution(x), inplace=True)
            if layer in wanted:
                features[layer] = x
        if POOLED in wanted:
            features[POOLED] = self._pool(x)
        return features

    def convolution(self, layer: str) -> nn.Conv2d:
        return cast(nn.Conv2d, self.convolutions[layer])

    def in_precision(self, dtype: torch.dtype) -> "Encoder":
        """A copy whose convolutions compute in `dtype`; float32 or float64 pictures stay its input."""
        other = copy.deepcopy(self)
        other.convolutions.to(dtype)
        return other

    def frozen(self) -> "Encoder":
        """Itself, in eval mode and channels_last, without gradients for its weights."""
        # Module.to does the same, but its type annotations know no memory format.
        return convert_conv2d_weight_memory_format(self.eval().requires_grad_(False), torch.channels_last)

    def pooled(self, pooling: Pooling) -> "Encoder":
        other = copy.copy(self)
        other.pooling = pooling
        return other

    def _pool(self, x: Tensor) -> Tensor:
        pool = F.avg_pool2d if self.pooling == "average" else F.max_pool2d
        return pool(x, 2, ceil_mode=True)


def block_of(layer: str) -> int:
    """'relu4_2' -> 4."""
    return int(layer[4])


def halvings_of(layer: str) -> int:
    """How often a picture was pooled: 'relu4_2' -> 3, POOLED -> 5."""
    return block_of(layer) - 1 + (layer == POOLED)

"""What the attention of a trained generator looks at (paper 000, Figure 6, last row)."""

from typing import Protocol

import torch
from torch import Tensor

from impasto.dot_product_attention import LARGEST_MAP
from impasto.errors import OptionError
from impasto.translation import padded_to


class Block(Protocol):
    """Attention inside a network."""

    def weights(self, x: Tensor, queries: Tensor) -> Tensor:
        """(N, Q, h, w) of features (N, C, H, W) and indices (Q,) into their positions."""


class LookingGenerator(Protocol):
    """A generator with attention. stride, cell: pixels that a side of a position and of a weight stands for."""

    multiple: int
    minimum: int

    @property
    def stride(self) -> int: ...
    @property
    def cell(self) -> int: ...
    @property
    def attention(self) -> Block: ...

    def seen(self, x: Tensor) -> Tensor:
        """What the attention is given, (1, C, h, w), of a picture (1, 3, H, W) in [-1, 1]."""

    def looks(self, seen: Tensor, places: Tensor) -> Tensor:
        """Where places (Q, 2), rows and columns in pixels, look in what the attention is given: (Q, h, w)."""


@torch.no_grad()
def seen_of(generator: LookingGenerator, picture: Tensor) -> Tensor:
    """What the attention is given, (1, C, h, w), of a picture (1, 3, H, W) in [0, 1], of any size.

    Raises OptionError for a generator without attention.
    """
    return generator.seen(padded_to(picture, generator.multiple, generator.minimum) * 2 - 1)


@torch.no_grad()
def attention_of(
    generator: LookingGenerator, picture: Tensor, places: Tensor, seen: Tensor | None = None
) -> Tensor:  # fmt: skip
    """Where chosen places of a picture look: (Q, h, w) weights of at least 0, over cells of `generator.cell` pixels.

    picture: (1, 3, H, W) in [0, 1], of any size. places: (Q, 2) rows and columns, in pixels. seen: `seen_of` the
    picture, if it is there already.
    The weights of a place have sum 1, less what it looks at beyond the picture's border, where the picture is mirrored
    for the network's sake. Raises OptionError for a place outside of the picture, or a generator without attention.
    """
    height, width = picture.shape[-2:]
    for row, column in places.tolist():
        if not (0 <= row < height and 0 <= column < width):
            raise OptionError(f"place {row},{column} is outside of the picture of {width} x {height} pixels")
    looks = generator.looks(seen_of(generator, picture) if seen is None else seen, places)
    return looks[:, : -(-height // generator.cell), : -(-width // generator.cell)]


@torch.no_grad()
def mean_attention(generator: LookingGenerator, picture: Tensor) -> Tensor:
    """How much is looked at: the mean of `attention_of` over all positions of a picture, (h, w), of at least 0.

    picture: (1, 3, H, W) in [0, 1], of any size. The sum is 1, less what is looked at beyond the picture's border.
    """
    height, width = picture.shape[-2:]
    seen = seen_of(generator, picture)
    rows, columns = (-(-side // generator.stride) for side in (height, width))
    asked = (torch.arange(rows)[:, None] * seen.shape[3] + torch.arange(columns)).flatten().to(seen.device)
    # Not all at once, which would be the matrix of all pairs.
    groups = asked.split(max(1, LARGEST_MAP // seen[0, 0].numel()))
    total = torch.stack([generator.attention.weights(seen, group)[0].sum(0) for group in groups]).sum(0)
    return total[: -(-height // generator.cell), : -(-width // generator.cell)] / len(asked)

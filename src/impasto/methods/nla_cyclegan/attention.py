"""What the non-local block of a trained generator looks at (paper 000, Figure 6, last row)."""

import torch
from torch import Tensor

from impasto.dot_product_attention import LARGEST_MAP
from impasto.errors import OptionError
from impasto.methods.nla_cyclegan.network import Generator
from impasto.translation import padded_to


@torch.no_grad()
def attention(generator: Generator, picture: Tensor, places: Tensor) -> Tensor:
    """Where chosen places of a picture look: (Q, h, w) weights of at least 0, over cells of 4 * pooling pixels.

    picture: (1, 3, H, W) in [0, 1], of any size. places: (Q, 2) rows and columns, in pixels.
    The weights of a place have sum 1, less what it looks at beyond the picture's border, where the picture is mirrored
    for the network's sake. Raises OptionError for a place outside of the picture.
    """
    height, width = picture.shape[-2:]
    for row, column in places.tolist():
        if not (0 <= row < height and 0 <= column < width):
            raise OptionError(f"place {row},{column} is outside of the picture of {width} x {height} pixels")
    padded = padded_to(picture, generator.multiple, generator.minimum)
    cell = generator.multiple * generator.config.pooling
    return generator.looks(padded * 2 - 1, places)[:, : -(-height // cell), : -(-width // cell)]


@torch.no_grad()
def mean_attention(generator: Generator, picture: Tensor) -> Tensor:
    """How much is looked at: the mean of `attention` over all positions of a picture, (h, w), of at least 0.

    picture: (1, 3, H, W) in [0, 1], of any size. The sum is 1, less what is looked at beyond the picture's border.
    """
    height, width = picture.shape[-2:]
    padded = padded_to(picture, generator.multiple, generator.minimum)
    before = generator.network.features(padded * 2 - 1, generator.config.position - 1)
    rows, columns = (-(-side // generator.multiple) for side in (height, width))
    asked = (torch.arange(rows)[:, None] * before.shape[3] + torch.arange(columns)).flatten().to(before.device)
    # Not all at once, which would be the matrix of all pairs.
    groups = asked.split(max(1, LARGEST_MAP // before[0, 0].numel()))
    total = torch.stack([generator.attention.weights(before, group)[0].sum(0) for group in groups]).sum(0)
    cell = generator.multiple * generator.config.pooling
    return total[: -(-height // cell), : -(-width // cell)] / len(asked)

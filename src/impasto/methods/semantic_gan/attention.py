"""What the self-attention of a trained generator looks at."""

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.methods.semantic_gan.network import Generator
from impasto.translation import padded_to


@torch.no_grad()
def attention(generator: Generator, picture: Tensor, places: Tensor) -> Tensor:
    """Where chosen places of a picture look: (Q, h, w) weights of at least 0, over cells of `generator.cell` pixels.

    picture: (1, 3, H, W) in [0, 1], of any size. places: (Q, 2) rows and columns, in pixels.
    The weights of a place have sum 1, less what it looks at beyond the picture's border, where the picture is mirrored
    for the network's sake. Raises OptionError for a place outside of the picture, or a generator without attention.
    """
    height, width = picture.shape[-2:]
    for row, column in places.tolist():
        if not (0 <= row < height and 0 <= column < width):
            raise OptionError(f"place {row},{column} is outside of the picture of {width} x {height} pixels")
    padded = padded_to(picture, generator.multiple, generator.minimum)
    looks = generator.looks(padded * 2 - 1, places)
    return looks[:, : -(-height // generator.cell), : -(-width // generator.cell)]

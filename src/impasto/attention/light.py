"""Maps as light on a picture."""

from PIL import Image
from torch import Tensor

from impasto import image, tensors

DARKEST = 0.15
"""Share of the light that is left where nothing is looked at, so that the picture can still be made out."""


def dimmed(picture: Tensor, light: Tensor, cell: int) -> Image.Image:
    """The picture as it is where the light is 1, and dark where it is 0.

    picture: (1, 3, H, W) in [0, 1]. light: (h, w) in [0, 1]. cell: pixels that a side of one value stands for; the last
    ones may reach beyond the picture.
    """
    large = light.repeat_interleave(cell, 0).repeat_interleave(cell, 1)[: picture.shape[-2], : picture.shape[-1]]
    return image.to_pil(tensors.to_picture(picture * (DARKEST + (1 - DARKEST) * large)))

"""Pictures as tensors, for what computes with PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.device import check_memory
from impasto.image import LARGE, Picture


def to_tensor(picture: Picture) -> Tensor:
    """The pixels, (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(picture.pixels)


def to_picture(pixels: Tensor) -> Picture:
    """A picture of (1, 3, H, W) on any device."""
    return Picture(pixels.detach().float().cpu().contiguous().numpy())


def resize(image: Tensor, height: int, width: int) -> Tensor:
    """`image.resize` of a tensor, where it is."""
    if image.shape[-2:] == (height, width):
        return image
    if height * width > LARGE:
        check_memory(image.device, height, width, 2 * image.shape[0] * image.shape[1] * image.element_size())
    return F.interpolate(image, (height, width), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)

"""Pictures as tensors, for what computes with PyTorch."""

from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.device import GATE_PSNR, check_memory
from impasto.image import LARGE, Picture

T = TypeVar("T")


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


def gated(name: str, exact: T, half: T, paint: Callable[[T, Tensor], Tensor], pictures: int = 1) -> T:
    """`half`, or `exact` if the precision is named 'auto' and `half` changes visibly what is painted.

    paint: what either makes of noise (N, 3, 96, 96) in [0, 1], which is harder than a photograph. pictures: N.
    """
    if name != "auto" or half == exact:
        return half
    coarse = torch.rand(pictures, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    noise = F.interpolate(coarse, (96, 96), mode="bicubic").clamp(0, 1)
    with torch.inference_mode():
        first, second = (paint(one, noise).float().clamp(0, 1) for one in (exact, half))
    return half if decibels(first, second) >= GATE_PSNR else exact


def decibels(first: Tensor, second: Tensor) -> float:
    """Peak signal-to-noise ratio of two pictures in [0, 1]; 120 where they are equal."""
    return float(-10 * (first - second).square().mean().clamp_min(1e-12).log10())

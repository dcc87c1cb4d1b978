"""Measures of a translation there and back, cheap enough to take while it is trained."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from impasto.errors import DataError
from impasto.metrics.psnr import psnr
from impasto.metrics.ssim import WINDOW, ssim

MEASURES = ("cycle PSNR", "cycle SSIM", "structure SSIM")


@torch.no_grad()
def held_out(
    pictures: Iterable[Tensor], there: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """Means over pictures that training never sees, for a `Trainable`'s `validate`, by the names of MEASURES:

    cycle PSNR, cycle SSIM: of back(there(x)) and x. structure SSIM: of there(x) and x. All are better the larger.
    Every picture in between is rounded to 8 bits, as if it had been saved: a generator that hides its input in less
    than that (Chu et al. 2017) gains nothing by it. SSIM is left out below 11 pixels a side.

    pictures: (N, 3, H, W) in [0, 1]. there, back: from and to such pictures. Raises DataError without pictures.
    """
    values: dict[str, list[Tensor]] = {}
    for picture in pictures:
        painted = rounded(there(picture))
        again = rounded(back(painted))
        values.setdefault("cycle PSNR", []).append(psnr(again, picture))
        if min(picture.shape[-2:]) >= WINDOW:
            values.setdefault("cycle SSIM", []).append(ssim(again, picture))
            values.setdefault("structure SSIM", []).append(ssim(painted, picture))
    if not values:
        raise DataError("there are no held-out pictures to measure")
    return {name: float(torch.cat(parts).mean()) for name, parts in values.items()}


def rounded(picture: Tensor) -> Tensor:
    """As 8 bits hold it: to the nearest of 256 levels, not the next lower one."""
    return (picture.float().clamp(0, 1) * 255).round() / 255

"""Measures of a translation there and back, cheap enough to take while it is trained, and which way one is better."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from impasto.errors import DataError
from impasto.metrics.pictures import WINDOW, psnr, ssim

MEASURES = ("cycle PSNR", "cycle SSIM", "structure SSIM")
LARGER_IS_BETTER = ("PSNR", "SSIM", "MS-SSIM")


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


def larger_is_better(measure: str) -> bool:
    """Of a measure's name, whatever stands before its last word: 'held out A/cycle PSNR'. Every other is a distance."""
    return measure.rpartition(" ")[2] in LARGER_IS_BETTER


def is_better(measure: str, value: float, other: float) -> bool:
    """Whether the value of this measure is better than the other one. False where one of them is not a number."""
    return value > other if larger_is_better(measure) else value < other

"""Distance of the colours of two pictures, wherever in them these are."""

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_pictures

BINS = 8


def colour_histogram_distance(a: Tensor, b: Tensor) -> Tensor:
    """Hellinger distance of joint RGB histograms of BINS^3 cells: (N,), from 0 for the same colours to 1 for no cell in
    common.

    a, b: (N, 3, H, W) and (N, 3, h, w) in [0, 1]; the sizes may differ. Raises OptionError otherwise.
    """
    check_pictures(a, b)
    if len(a) != len(b):
        raise OptionError(f"pictures to compare are pairs, not {len(a)} and {len(b)}")
    shared = [(_histogram(x) * _histogram(y)).sqrt().sum() for x, y in zip(a, b, strict=True)]
    return (1 - torch.stack(shared)).clamp_min(0).sqrt()


def _histogram(picture: Tensor) -> Tensor:
    """(3, H, W) -> (BINS^3,), summing to 1."""
    levels = (picture.flatten(1).double() * BINS).long().clamp(0, BINS - 1)
    cells = (levels[0] * BINS + levels[1]) * BINS + levels[2]
    return torch.bincount(cells, minlength=BINS**3).double() / cells.numel()

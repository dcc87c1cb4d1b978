"""Distance of the colours of two pictures, wherever in them these are."""

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_pictures

BINS = 8


def colour_histogram_distance(a: Tensor, b: Tensor, *, bins: int = BINS) -> Tensor:
    """Hellinger distance of joint RGB histograms of bins^3 cells: (N,), from 0 for the same colours to 1 for no cell in
    common.

    a, b: (N, 3, H, W) and (N, 3, h, w) in [0, 1]; the sizes may differ. Raises OptionError otherwise.
    """
    check_pictures(a, b)
    if len(a) != len(b):
        raise OptionError(f"pictures to compare are pairs, not {len(a)} and {len(b)}")
    shared = [(_histogram(x, bins) * _histogram(y, bins)).sqrt().sum() for x, y in zip(a, b, strict=True)]
    return (1 - torch.stack(shared)).clamp_min(0).sqrt()


def _histogram(picture: Tensor, bins: int) -> Tensor:
    """(3, H, W) -> (bins^3,), summing to 1."""
    levels = (picture.flatten(1).double() * bins).long().clamp(0, bins - 1)
    cells = (levels[0] * bins + levels[1]) * bins + levels[2]
    return torch.bincount(cells, minlength=bins**3).double() / cells.numel()

"""Sliced Wasserstein distance of patches of features (Heitz et al. 2021, equation 4): whole distributions, not moments.

Weave and relief have a painting's means, deviations and covariances; they do not have its distribution of patches.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Variance along a direction below which it is taken for this: nothing to be relative to.
SMALLEST = 1e-3

# Side of the blocks of positions that are taken at random from large maps.
BLOCK = 8


def directions(channels: int, count: int, side: int, generator: torch.Generator) -> Tensor:
    """(count, channels, side, side) random filters of norm 1, for one evaluation of the loss."""
    device = generator.device
    filters = torch.randn(count, channels, side, side, generator=generator, device=device)
    return F.normalize(filters.flatten(1)).view_as(filters)


def sliced_wasserstein_loss(features: Tensor, target: Tensor, filters: Tensor, places: Tensor) -> Tensor:
    """Mean squared difference of the sorted responses to every filter, over the target's variance of the responses.

    features, target: (N, C, H, W) of one size, not smaller than a filter. filters: of `directions`. places: (2, B),
        random in [0, 1): where the B blocks lie of which the responses are taken where all of them would be more.
    Returns a scalar. Deviation: each direction is divided by its variance, so that one weight suits every layer and
    painting.
    """
    responses = _responses(features, filters, places)
    with torch.no_grad():
        wanted = _responses(target, filters, places)
        variance = wanted.var(2, correction=0).clamp_min(SMALLEST)
    return ((responses - wanted).square().mean(2) / variance).mean()


def _responses(features: Tensor, filters: Tensor, places: Tensor) -> Tensor:
    """Sorted, (N, filters, positions), at least float32."""
    pictures, channels, height, width = features.shape
    if height * width > places.shape[1] * BLOCK**2:
        side = BLOCK + filters.shape[-1] - 1
        steps = torch.arange(side, device=features.device)
        top, left = (places[axis] * (length - side + 1) for axis, length in enumerate((height, width)))
        rows, columns = top.long()[:, None] + steps, left.long()[:, None] + steps
        index = (rows[:, :, None] * width + columns[:, None, :]).flatten()
        # Positions before channels, as they lie in memory.
        blocks = features.permute(0, 2, 3, 1).reshape(pictures, height * width, channels).index_select(1, index)
        features = blocks.view(-1, side, side, channels).permute(0, 3, 1, 2)
    values = F.conv2d(features, filters.to(features.dtype))
    values = values if values.dtype == torch.float64 else values.float()
    values = values.view(pictures, -1, *values.shape[1:]).transpose(1, 2).flatten(2)
    return values.sort(2).values

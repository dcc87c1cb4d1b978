"""What blocks of attention share: maps of features as lists of positions, and where chosen ones look."""

import torch.nn.functional as F
from torch import Tensor


def positions(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H * W, C)."""
    return x.flatten(2).transpose(1, 2)


def pooled(x: Tensor, window: int) -> Tensor:
    """(N, C, H, W) -> the maxima of its windows of `window` x `window`; a partial window counts, too."""
    return x if window == 1 else F.max_pool2d(x, window, ceil_mode=True)


def looks(queries: Tensor, keys: Tensor, chosen: Tensor) -> Tensor:
    """Where chosen positions look: (N, Q, h, w), each map with sum 1, over the positions of the keys.

    queries: (N, d, H, W). keys: (N, d, h, w). chosen: (Q,) indices into the H * W positions, row by row.
    """
    asked = positions(queries)[:, chosen]
    maps: Tensor = (asked.float() @ positions(keys).float().transpose(1, 2)).softmax(2).unflatten(2, keys.shape[2:])
    return maps

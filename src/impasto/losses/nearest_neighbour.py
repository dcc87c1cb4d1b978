"""Nearest-neighbour feature loss (Kolkin et al. 2022, NNST, section 3): every place like some place of the painting."""

import torch
import torch.nn.functional as F
from torch import Tensor


def nearest_neighbour_loss(
    features: Tensor, target: Tensor, keys: int = 1024, *, query: Tensor | None = None
) -> Tensor:
    """Mean cosine distance of every position to the position of the target that is closest to it. Scalar, in [0, 2].

    features, target: (N, C, H, W); both are centred by their own means first. keys: at most so many positions of the
    target, evenly spread, are looked at. Which one is closest is no part of the gradient. query: features (N, C, H, W)
    that decide instead which one is closest, as the photo's do in NNST: a plain sky is then held to what is plain in
    the painting, whatever was painted there.
    """
    compared, wanted = (F.normalize(_centred(x), dim=1) for x in (features, target))
    stride = -(-wanted.shape[2] // keys)
    wanted = wanted[:, :, ::stride].detach()
    with torch.no_grad():
        asked = compared if query is None else F.normalize(_centred(query), dim=1)
        best = torch.bmm(asked.transpose(1, 2).to(features.dtype), wanted.to(features.dtype)).argmax(2)
    matched = wanted.gather(2, best[:, None].expand(-1, wanted.shape[1], -1))
    return 1 - (compared * matched).sum(1).mean()


def _centred(features: Tensor) -> Tensor:
    x = (features if features.dtype == torch.float64 else features.float()).flatten(2)
    return x - x.mean(2, keepdim=True)

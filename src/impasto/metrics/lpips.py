"""Learned perceptual distance of pairs of pictures (Zhang et al. 2018, eq. 1)."""

from collections.abc import Mapping

from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_finite

# Of the published program.
EPSILON = 1e-10


def lpips(found: Mapping[str, Tensor], target: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> Tensor:
    """(N,): 0 where equal; the sum over layers of the mean over positions of weighted squared differences between
    features of unit length.

    found, target: {layer: (N, C, H, W)} of the network that the heads belong to. heads: {layer: (C,)}, the published
    weights of each channel. Raises OptionError if a layer is missing, of another size, or not finite.
    """
    total: Tensor | None = None
    for layer, head in heads.items():
        if layer not in found or layer not in target or found[layer].shape != target[layer].shape:
            raise OptionError(f"LPIPS needs features of one size of the layer {layer} from both pictures")
        check_finite(found[layer], target[layer])
        difference = (_unit(found[layer]) - _unit(target[layer])).square()
        part = (difference * head.view(1, -1, 1, 1)).sum(1).mean((1, 2))
        total = part if total is None else total + part
    if total is None:
        raise OptionError("LPIPS needs at least one layer")
    return total


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + EPSILON)

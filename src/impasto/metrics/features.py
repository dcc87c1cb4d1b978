"""Distances of pairs of pictures in the features of a network.

Those of content and of style are relative to the target's own size, so that a number does not depend on the units of
the encoder's filters, and so that every layer counts the same: 0 for equals, and 1 if there is nothing where the target
has something. Numbers of two encoders are still different numbers.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from impasto.errors import OptionError

EPSILON = 1e-10
"""Of LPIPS' published program."""

Features = Mapping[str, Tensor]
"""{layer: (N, C, H, W)}."""


def content_distance(found: Features, target: Features) -> Tensor:
    """(N,): the mean over layers of |F - T|^2 / |T|^2; pictures of one size."""
    return _mean_over_layers(found, target, lambda features: features)


def style_distance(found: Features, target: Features) -> Tensor:
    """(N,): the mean over layers of |s - t|^2 / |t|^2, where s and t are the means and the standard deviations of all
    channels, AdaIN's idea of a style; pictures of any sizes."""
    return _mean_over_layers(found, target, _statistics)


def gram_distance(found: Features, target: Features) -> Tensor:
    """(N,): the mean over layers of |G - T|^2 / |T|^2 for Gram matrices divided by their positions, Gatys' idea of a
    style; pictures of any sizes."""
    return _mean_over_layers(found, target, _gram)


def _mean_over_layers(found: Features, target: Features, of: Callable[[Tensor], Tensor]) -> Tensor:
    if not found or found.keys() != target.keys():
        raise OptionError("features to compare are of the same layers, at least one")
    parts = []
    for layer, features in found.items():
        if features.ndim != 4 or target[layer].ndim != 4:
            shapes = f"{tuple(features.shape)} and {tuple(target[layer].shape)}"
            raise OptionError(f"features of {layer} are (N, C, H, W), not {shapes}")
        check_finite(features, target[layer])
        x, y = of(features.double()), of(target[layer].double())
        if x.shape[1:] != y.shape[1:]:
            raise OptionError(f"features of {layer} are of {tuple(x.shape)} and {tuple(y.shape)}, which do not compare")
        sides = tuple(range(1, x.ndim))
        parts.append((x - y).square().sum(sides) / y.square().sum(sides).clamp_min(torch.finfo(y.dtype).tiny))
    return torch.stack(parts).mean(0)


def _statistics(features: Tensor) -> Tensor:
    """(N, 2 C)."""
    variance, mean = torch.var_mean(features, (2, 3), correction=0)
    return torch.cat([mean, variance.sqrt()], 1)


def _gram(features: Tensor) -> Tensor:
    """(N, C, C)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def lpips(found: Features, target: Features, heads: Mapping[str, Tensor]) -> Tensor:
    """(N,): 0 where equal; the sum over layers of the mean over positions of weighted squared differences between
    features of unit length (Zhang et al. 2018, eq. 1).

    found, target: of the network that the heads belong to. heads: {layer: (C,)}, the published
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


def check_finite(*values: Tensor) -> None:
    """Raises OptionError if a feature is NaN or infinite, of which no measure says anything."""
    if not all(bool(torch.isfinite(value).all()) for value in values):
        raise OptionError("features to compare hold values that are not numbers (NaN or infinity)")

"""Distances of content and of style in the features of an encoder, each relative to the target's own size.

Relative, so that a number does not depend on the units of the encoder's filters, and so that every layer counts the
same: 0 for equals, and 1 if there is nothing where the target has something. Numbers of two encoders are still
different numbers.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_finite

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

"""The terms of the total loss for style and attention (paper 001, equation 8), and their targets at one size."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from impasto.encoders.network import LAYERS, block_of, halvings_of
from impasto.losses.attention_style import (
    attend,
    attention_features,
    attention_gram_loss,
    centred_gram,
    local_loss,
    local_target,
)
from impasto.losses.conventions import content_factor, style_factor
from impasto.losses.covariance import Spread, covariance_loss, covariance_loss_of_moments, spread
from impasto.losses.gram import blend, gram_loss
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.windows import PaddedWindow

Features = Mapping[str, Tensor]


# Of (features, target, region); and of the features' `gram` and `mean_of` in the region, and the target.
LOSSES: Mapping[str, Callable[[Tensor, Any, Tensor | None], Tensor]] = {
    "covariance": covariance_loss,
    "gram": gram_loss,
    "centred gram": attention_gram_loss,
    "local": local_loss,
}
LOSSES_OF_MOMENTS: Mapping[str, Callable[[Tensor, Tensor, Any], Tensor]] = {
    "covariance": covariance_loss_of_moments,
    "gram": lambda moments, _, target: 0.25 * (moments - target).square().mean(),
    "centred gram": lambda moments, mean, target: (
        0.25 * (moments - mean[:, :, None] * mean[:, None, :] - target).square().mean()
    ),
}
# What the options call an `attention_loss`.
OF_ATTENTION = {"gram": "centred gram", "raw-gram": "gram", "local": "local"}


@dataclass(frozen=True)
class Term:
    """What the features of one layer should have, in a region: (1, 1, h, w); None is everywhere.

    name: of the loss that it is a part of, style or attention. kind: of LOSSES. target: a Gram matrix (1, N, N); what
    `covariance` compares; or (1, N, h, w) for `local`, of which every position has its own.
    """

    name: str
    kind: str
    layer: str
    target: Tensor | Spread
    weight: float
    region: Tensor | None = None

    def loss(self, features: Features) -> Tensor:
        """Weighted scalar."""
        return self.weight * LOSSES[self.kind](features[self.layer], self.target, self.region)

    def loss_of_moments(self, moments: Tensor, mean: Tensor) -> Tensor:
        """`loss` from the `gram`, (1, N, N), and the `mean_of`, (1, N), of the features in the region; not if local."""
        return self.weight * LOSSES_OF_MOMENTS[self.kind](moments, mean, self.target)

    def loss_in(self, window: PaddedWindow, features: Tensor) -> Tensor:
        """What the window's own features, at this layer, add to `loss` if it is local."""
        assert isinstance(self.target, Tensor)
        target = window.place_in(self.target, self.layer)
        if self.region is None:
            return self.weight * local_loss(features, target) * (target.numel() / self.target.numel())
        region = window.place_in(self.region, self.layer)
        share = region.double().sum().item() / max(self.region.double().sum().item(), 1e-300)
        return self.weight * local_loss(features, target, region) * share


@dataclass(frozen=True)
class Seen:
    """What attention sees of a picture, by layer: features (1, C, h, w), and how much each of their positions counts,
    (1, 1, h, w), of a picture that is partly transparent."""

    features: Features
    shares: Features = field(default_factory=dict)

    def compared(self, layer: str, names: Sequence[str]) -> Tensor:
        """What attention at `layer` compares, of the features of `names`: (1, C, h, w) at the layer's size."""
        height, width = self.features[layer].shape[-2:]
        shares = [self.shares.get(name) for name in names]
        return attention_features([self.features[name] for name in names], (height, width), shares)


@dataclass(frozen=True)
class StyleStatistics:
    """One style: its Gram matrices and the means of its filters by layer, and what attention sees of it."""

    grams: Features
    means: Features
    seen: Seen


@dataclass(frozen=True)
class Region:
    """Where styles act, blended in `shares`. mask: (1, 1, H, W), of the picture's size; None is everywhere. area: how
    much of the picture that is."""

    styles: Sequence[StyleStatistics]
    shares: Sequence[float]
    mask: Tensor | None = None
    area: float = 1.0

    def style_terms(self, options: GatysOptions) -> Iterator[Term]:
        """What the styles ask of the region. Layer weights are shares: w_l / sum of w."""
        layers = options.layers("style_layers")
        regions = at_layers(self.mask, layers)
        for layer, share in layers.items():
            # Second moments and means combine linearly.
            moments = blend([style.grams[layer] for style in self.styles], self.shares)
            weight = options.chosen("style_weight") * (share / (sum(layers.values()) or 1.0))
            target: Tensor | Spread = moments
            if options.chosen("style_loss") == "covariance":
                target = spread(moments, blend([style.means[layer] for style in self.styles], self.shares))
            else:
                weight *= _factor(options, style_factor, moments)
            yield Term("style", options.chosen("style_loss"), layer, target, weight * self.area, regions.get(layer))

    def attention_terms(self, content: Seen, options: GatysOptions) -> Iterator[Term]:
        """What attention finds for the content in the region, which looks at these styles alone."""
        layers, kind = attention_layers(options), OF_ATTENTION[options.attention_loss]
        regions = at_layers(self.mask, layers)
        for layer, share in layers.items():
            region = regions.get(layer)
            target = blend([_attended(content, one.seen, layer, options, region) for one in self.styles], self.shares)
            weight = options.chosen("attention_weight") * share / (sum(layers.values()) or 1.0) * self.area
            weight *= _factor(options, content_factor if kind == "local" else style_factor, target)
            yield Term("attention", kind, layer, target, weight, region)


def at_layer(mask: Tensor, layer: str) -> Tensor:
    """(1, 1, H, W) -> (1, 1, h, w) of the layer: how much of the pixels under each position the mask has."""
    for _ in range(halvings_of(layer)):
        # As the encoder pools: windows at the end of an odd side are partial.
        mask = F.avg_pool2d(mask, 2, ceil_mode=True)
    return mask


def at_layers(mask: Tensor | None, layers: Iterable[str]) -> dict[str, Tensor]:
    """{layer: `at_layer` of the mask}; empty without one."""
    return {} if mask is None else {layer: at_layer(mask, layer) for layer in layers}


def compared_layers(layer: str, which: str) -> list[str]:
    """The layers whose features attention at `layer` compares, in the encoder's order; which: `attention_features`."""
    if which == "layer":
        return [layer]
    firsts = [name for name in LAYERS if name.endswith("_1") and block_of(name) != block_of(layer)]
    if which == "shallower":
        firsts = [name for name in firsts if block_of(name) < block_of(layer)]
    return sorted([*firsts, layer])


def attention_layers(options: GatysOptions) -> dict[str, float]:
    """{layer: weight}; none if attention counts nothing."""
    return options.layers("attention_layers") if options.chosen("attention_weight") else {}


def layers_to_encode(options: GatysOptions) -> set[str]:
    """All layers that attention needs of content and style."""
    return {name for layer in attention_layers(options) for name in compared_layers(layer, options.attention_features)}


def _attended(content: Seen, style: Seen, layer: str, options: GatysOptions, region: Tensor | None) -> Tensor:
    """What attention at the layer finds in one style."""
    names = compared_layers(layer, options.attention_features)
    queries, keys = (seen.compared(layer, names) for seen in (content, style))
    temperature, values, weights = options.attention_temperature, style.features[layer], style.shares.get(layer)
    if options.attention_loss == "local":
        features, of_own = content.features[layer], content.shares.get(layer)
        return local_target(
            queries, keys, values, features, temperature=temperature, key_weights=weights, content_weights=of_own
        )
    return centred_gram(attend(queries, keys, values, temperature=temperature, key_weights=weights), region)


def _factor(options: GatysOptions, factor_of: Callable[[str, Tensor], float], target: Tensor) -> float:
    """The loss functions are written in paper 001's convention; others are factors away from it."""
    return factor_of(options.chosen("convention"), target) / factor_of("half-mean", target)

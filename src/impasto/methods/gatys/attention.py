"""The attention term of the total loss (paper 001, equation 8): what it compares, and its targets at one size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
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
from impasto.losses.gram import blend
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.windows import PaddedWindow

Features = Mapping[str, Tensor]


@dataclass(frozen=True)
class Seen:
    """What attention sees of a picture, by layer: features (1, C, h, w), and how much each of their positions counts,
    (1, 1, h, w), of a picture that is partly transparent."""

    features: Features
    shares: Features = field(default_factory=dict)


@dataclass(frozen=True)
class AttentionTerm:
    """What attention found for one layer, in a region: (1, 1, h, w); None is everywhere.

    kind: `attention_loss` of the options. target: (1, N, N), or (1, N, h, w) for `local`.
    """

    kind: str
    layer: str
    target: Tensor
    weight: float
    region: Tensor | None = None

    def loss(self, features: Features) -> Tensor:
        """Weighted scalar."""
        here = features[self.layer]
        if self.is_local:
            return self.weight * local_loss(here, self.target, self.region)
        return self.weight * attention_gram_loss(here, self.target, self.region, centred=self.kind == "gram")

    def loss_of_moments(self, moments: Tensor, mean: Tensor) -> Tensor:
        """`loss` from the `gram`, (1, N, N), and the `mean_of`, (1, N), of the features in the region; not if local."""
        statistic = moments - mean[:, :, None] * mean[:, None, :] if self.kind == "gram" else moments
        return self.weight * 0.25 * (statistic - self.target).square().mean()

    def loss_in(self, window: PaddedWindow, features: Tensor) -> Tensor:
        """What the window's own features, at this layer, add to `loss` if it is local."""
        target = window.place_in(self.target, self.layer)
        if self.region is None:
            return self.weight * local_loss(features, target) * (target.numel() / self.target.numel())
        region = window.place_in(self.region, self.layer)
        share = region.double().sum().item() / max(self.region.double().sum().item(), 1e-300)
        return self.weight * local_loss(features, target, region) * share

    @property
    def is_local(self) -> bool:
        """Whether every position has a target of its own."""
        return self.kind == "local"


def compared_layers(layer: str, which: str) -> list[str]:
    """The layers whose features attention at `layer` compares, in the encoder's order; which: `attention_features`."""
    if which == "layer":
        return [layer]
    firsts = [name for name in LAYERS if name.endswith("_1") and block_of(name) != block_of(layer)]
    if which == "shallower":
        firsts = [name for name in firsts if block_of(name) < block_of(layer)]
    return sorted([*firsts, layer])


def compared(seen: Seen, layer: str, names: Sequence[str]) -> Tensor:
    """What attention at `layer` compares, of the features of `names`: (1, C, h, w) at the layer's size."""
    height, width = seen.features[layer].shape[-2:]
    shares = [seen.shares.get(name) for name in names]
    return attention_features([seen.features[name] for name in names], (height, width), shares)


def at_layer(mask: Tensor, layer: str) -> Tensor:
    """(1, 1, H, W) -> (1, 1, h, w) of the layer: how much of the pixels under each position the mask has."""
    for _ in range(halvings_of(layer)):
        # As the encoder pools: windows at the end of an odd side are partial.
        mask = F.avg_pool2d(mask, 2, ceil_mode=True)
    return mask


def layers_to_encode(options: GatysOptions) -> set[str]:
    """All layers that attention needs of content and style; none if it counts nothing."""
    if not options.chosen("attention_weight"):
        return set()
    layers = options.layers("attention_layers")
    return {name for layer in layers for name in compared_layers(layer, options.attention_features)}


@torch.no_grad()
def attention_terms(
    content: Seen,
    styles: Sequence[Seen],
    shares: Sequence[float],
    options: GatysOptions,
    region: Tensor | None = None,
    area: float = 1.0,
) -> list[AttentionTerm]:
    """Terms of a region, with several styles blended in `shares`; features are of `layers_to_encode`.

    region: (1, 1, H, W) of the picture, which has `area` of it; None is the whole. Content within it looks at these
    styles alone.
    """
    terms = []
    for layer, weight in _weights(options).items():
        there = None if region is None else at_layer(region, layer)
        targets = [_target(content, style, layer, options, there) for style in styles]
        # Second moments and means combine linearly, whichever the target is.
        terms.append(_term(blend(targets, shares), layer, weight * area, options, there))
    return terms


def _weights(options: GatysOptions) -> dict[str, float]:
    if not options.chosen("attention_weight"):
        return {}
    layers = options.layers("attention_layers")
    total = sum(layers.values()) or 1.0
    return {layer: options.chosen("attention_weight") * weight / total for layer, weight in layers.items()}


def _target(content: Seen, style: Seen, layer: str, options: GatysOptions, region: Tensor | None) -> Tensor:
    names = compared_layers(layer, options.attention_features)
    queries, keys = (compared(seen, layer, names) for seen in (content, style))
    temperature, values, weights = options.attention_temperature, style.features[layer], style.shares.get(layer)
    if options.attention_loss == "local":
        features, of_own = content.features[layer], content.shares.get(layer)
        return local_target(
            queries, keys, values, features, temperature=temperature, key_weights=weights, content_weights=of_own
        )
    return centred_gram(attend(queries, keys, values, temperature=temperature, key_weights=weights), region)


def _term(target: Tensor, layer: str, weight: float, options: GatysOptions, region: Tensor | None) -> AttentionTerm:
    # The loss functions are written in paper 001's convention; others are factors away from it.
    convention = options.chosen("convention")
    factor_of = content_factor if options.attention_loss == "local" else style_factor
    factor = factor_of(convention, target) / factor_of("half-mean", target)
    return AttentionTerm(options.attention_loss, layer, target, weight * factor, region)

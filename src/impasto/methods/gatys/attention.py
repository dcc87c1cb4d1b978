"""The attention term of the total loss (paper 001, equation 8): what it compares, and its targets at one size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.encoders.network import LAYERS, block_of
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
from impasto.options import StylizeOptions

Features = Mapping[str, Tensor]


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
        found = features[self.layer]
        if self.kind == "local":
            return self.weight * local_loss(found, self.target, self.region)
        return self.weight * attention_gram_loss(found, self.target, self.region, centred=self.kind == "gram")


def compared_layers(layer: str, which: str) -> list[str]:
    """The layers whose features attention at `layer` compares, in the encoder's order; which: `attention_features`."""
    if which == "layer":
        return [layer]
    firsts = [name for name in LAYERS if name.endswith("_1") and block_of(name) != block_of(layer)]
    if which == "shallower":
        firsts = [name for name in firsts if block_of(name) < block_of(layer)]
    return sorted([*firsts, layer])


def compared(features: Features, layer: str, names: Sequence[str]) -> Tensor:
    """What attention at `layer` compares, of the features of `names`: (1, C, h, w) at the layer's size."""
    height, width = features[layer].shape[-2:]
    return attention_features([features[name] for name in names], (height, width))


def layers_to_encode(options: StylizeOptions) -> set[str]:
    """All layers that attention needs of content and style; none if it counts nothing."""
    if not options.chosen("attention_weight"):
        return set()
    layers = options.layers("attention_layers")
    return {name for layer in layers for name in compared_layers(layer, options.attention_features)}


@torch.no_grad()
def attention_terms(
    content: Features, styles: Sequence[Features], shares: Sequence[float], options: StylizeOptions
) -> list[AttentionTerm]:
    """Terms of the whole picture, with several styles blended in `shares`; features are of `layers_to_encode`."""
    terms = []
    for layer, weight in _weights(options).items():
        found = [_target(content, style, layer, options) for style in styles]
        # Second moments and means combine linearly, whichever the target is.
        terms.append(_term(blend(found, shares), layer, weight, options))
    return terms


@torch.no_grad()
def regional_terms(
    content: Features, style: Features, region: Mapping[str, Tensor], share: float, options: StylizeOptions
) -> list[AttentionTerm]:
    """Terms of one style in its region, (1, 1, h, w) by layer, which has `share` of the picture.

    Content within the region looks at this style alone.
    """
    return [
        _term(_target(content, style, layer, options, region[layer]), layer, weight * share, options, region[layer])
        for layer, weight in _weights(options).items()
    ]


def _weights(options: StylizeOptions) -> dict[str, float]:
    if not options.chosen("attention_weight"):
        return {}
    layers = options.layers("attention_layers")
    total = sum(layers.values()) or 1.0
    return {layer: options.chosen("attention_weight") * weight / total for layer, weight in layers.items()}


def _target(
    content: Features, style: Features, layer: str, options: StylizeOptions, region: Tensor | None = None
) -> Tensor:
    names = compared_layers(layer, options.attention_features)
    queries, keys = (compared(features, layer, names) for features in (content, style))
    if options.attention_loss == "local":
        return local_target(queries, keys, style[layer], content[layer], temperature=options.attention_temperature)
    found = attend(queries, keys, style[layer], temperature=options.attention_temperature)
    return centred_gram(found, region)


def _term(
    target: Tensor, layer: str, weight: float, options: StylizeOptions, region: Tensor | None = None
) -> AttentionTerm:
    # The loss functions are written in paper 001's convention; others are factors away from it.
    convention = options.chosen("convention")
    factor_of = content_factor if options.attention_loss == "local" else style_factor
    factor = factor_of(convention, target) / factor_of("paper-001", target)
    return AttentionTerm(options.attention_loss, layer, target, weight * factor, region)

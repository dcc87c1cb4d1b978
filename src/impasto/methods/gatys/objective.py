"""The total loss of a picture at one size: content + style + attention + total variation + what leaves [0, 1].

Paper 001, equation 8; without its attention term (gamma = 0) it is paper 002's and Gatys' total loss.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.encoders.network import Encoder
from impasto.losses.content import content_loss
from impasto.losses.conventions import content_factor, style_factor
from impasto.losses.covariance import Spread, covariance_loss, mean_of, spread
from impasto.losses.gram import blend, gram, gram_loss
from impasto.losses.out_of_range import out_of_range
from impasto.losses.total_variation import total_variation
from impasto.masks import visible
from impasto.methods.gatys.attention import (
    AttentionTerm,
    Seen,
    at_layer,
    attention_terms,
    layers_to_encode,
)
from impasto.methods.gatys.options import GatysOptions

# A region with less than this share of a picture is not seen, and its Gram matrix is mostly rounding.
SMALLEST_SHARE = 1e-6


@dataclass(frozen=True)
class StyleTerm:
    """What the features of one layer should have, in a region: (1, 1, h, w); None is everywhere.

    target: a Gram matrix (1, N, N), or what `style_loss` covariance compares.
    """

    layer: str
    target: Tensor | Spread
    weight: float
    region: Tensor | None = None

    def loss(self, features: Mapping[str, Tensor]) -> Tensor:
        """Weighted scalar."""
        found = features[self.layer]
        if isinstance(self.target, Spread):
            return self.weight * covariance_loss(found, self.target, self.region)
        return self.weight * gram_loss(found, self.target, self.region)


@dataclass(frozen=True)
class Style:
    """One style: its Gram matrices and the means of its filters by layer, and what attention sees of it."""

    grams: Mapping[str, Tensor]
    means: Mapping[str, Tensor]
    seen: Seen


@dataclass(frozen=True)
class Region:
    """Where one style acts. mask: (1, 1, H, W) in [0, 1], of the picture's size."""

    style: Style
    mask: Tensor


@dataclass(frozen=True)
class Objective:
    """What a picture is compared with, and how much each comparison counts."""

    encoder: Encoder
    content: Mapping[str, Tensor]
    style: Sequence[StyleTerm]
    weights: Mapping[str, float]
    attention: Sequence[AttentionTerm] = ()

    def losses(self, image: Tensor) -> dict[str, Tensor]:
        """{'content', 'style', 'tv', 'range'}: weighted scalars whose sum is the total loss; 'attention' if it counts.

        image: (1, 3, H, W) of the size that the content features belong to.
        """
        layers = {*self.content, *(term.layer for term in self.style), *(term.layer for term in self.attention)}
        features = _encode(self.encoder, image, layers)
        zero = image.new_zeros(())
        content = sum(
            (self.weights[f"content/{layer}"] * content_loss(features[layer], target)
             for layer, target in self.content.items()), zero
        )  # fmt: skip
        style = sum((term.loss(features) for term in self.style), zero)
        smoothness = self.weights["tv"] * total_variation(image) if self.weights["tv"] else zero
        excess = self.weights["range"] * out_of_range(image) if self.weights["range"] else zero
        losses = {"content": content, "style": style, "tv": smoothness, "range": excess}
        if self.attention:
            losses["attention"] = sum((term.loss(features) for term in self.attention), zero)
        return losses


@torch.no_grad()
def encode_style(encoder: Encoder, style: Tensor, options: GatysOptions) -> Style:
    """What the objective needs of one style, (1, 3, h, w) or (1, 4, h, w) with the opacity of its pixels: what is
    transparent counts for nothing."""
    layers, looked_at = options.layers("style_layers"), layers_to_encode(options)
    pixels, opacity = visible(style)
    features = _encode(encoder, pixels, {*layers, *looked_at})
    shares = {} if opacity is None else {layer: at_layer(opacity, layer) for layer in features}
    grams = {layer: gram(features[layer], shares.get(layer)) for layer in layers}
    means = {layer: mean_of(features[layer], shares.get(layer)) for layer in layers}
    return Style(grams, means, Seen({layer: value for layer, value in features.items() if layer in looked_at}, shares))


def make_objective(
    encoder: Encoder,
    content: Tensor,
    styles: Sequence[Style],
    options: GatysOptions,
    opacity: Tensor | None = None,
) -> Objective:
    """The objective at the size of `content`, (1, 3, H, W), for the blend of the styles in the options' shares.

    Layer weights are shares: w_l / sum of w. opacity: (1, 1, H, W) of a content that is partly transparent: what is
    visible of it is the one region of the styles.
    """
    shares = options.blend_weights(len(styles))
    mixed = Style(
        {layer: blend([style.grams[layer] for style in styles], shares) for layer in styles[0].grams},
        {layer: blend([style.means[layer] for style in styles], shares) for layer in styles[0].means},
        styles[0].seen,
    )
    seen = _seen(encoder, content, options, opacity)
    share = 1.0 if opacity is None else opacity.mean().item()
    attention = attention_terms(seen, [style.seen for style in styles], shares, options, opacity, share)
    return _objective(encoder, content, _style_terms(mixed, options, share, opacity), attention, options)


def make_regional_objective(
    encoder: Encoder,
    content: Tensor,
    regions: Sequence[Region],
    options: GatysOptions,
    opacity: Tensor | None = None,
) -> Objective:
    """The same with a style for each region: guided Gram matrices (Gatys et al. 2017, section 4).

    A region's style loss counts by its share of the picture's area. Where no region is, only the content acts.
    """
    terms: list[StyleTerm] = []
    attention: list[AttentionTerm] = []
    seen = _seen(encoder, content, options, opacity)
    for region in regions:
        mask = region.mask if opacity is None else region.mask * opacity
        share = mask.mean().item()
        if share >= SMALLEST_SHARE:
            terms += _style_terms(region.style, options, share, mask)
            attention += attention_terms(seen, [region.style.seen], [1.0], options, mask, share)
    return _objective(encoder, content, terms, attention, options)


@torch.no_grad()
def _seen(encoder: Encoder, content: Tensor, options: GatysOptions, opacity: Tensor | None) -> Seen:
    features = _encode(encoder, content, layers_to_encode(options))
    return Seen(features, {} if opacity is None else {layer: at_layer(opacity, layer) for layer in features})


def _style_terms(
    style: Style, options: GatysOptions, share: float = 1.0, mask: Tensor | None = None
) -> list[StyleTerm]:
    """What one style asks of its region, which has `share` of the picture."""
    layers = options.layers("style_layers")
    terms = []
    for layer, moments in style.grams.items():
        weight = options.chosen("style_weight") * (layers[layer] / (sum(layers.values()) or 1.0))
        target: Tensor | Spread = moments
        if options.chosen("style_loss") == "covariance":
            target = spread(moments, style.means[layer])
        else:
            # The loss function is written in paper 001's convention; others are factors away from it.
            weight *= style_factor(options.chosen("convention"), moments) / style_factor("paper-001", moments)
        terms.append(StyleTerm(layer, target, weight * share, None if mask is None else at_layer(mask, layer)))
    return terms


@torch.no_grad()
def _objective(
    encoder: Encoder,
    content: Tensor,
    style: Sequence[StyleTerm],
    attention: Sequence[AttentionTerm],
    options: GatysOptions,
) -> Objective:
    layers = options.layers("content_layers")
    targets = _encode(encoder, content, layers)
    weights = {"tv": options.chosen("tv_weight")}
    for layer, target in targets.items():
        share = layers[layer] / (sum(layers.values()) or 1.0)
        factor = content_factor(options.chosen("convention"), target) / content_factor("paper-001", target)
        weights[f"content/{layer}"] = options.chosen("content_weight") * share * factor
    # In proportion to what pulls the picture out of its range.
    pull = [weights[name] for name in weights if name != "tv"]
    pull += [term.weight for term in style] + [term.weight for term in attention]
    weights["range"] = options.chosen("range_weight") * sum(pull)
    return Objective(encoder, targets, style, weights, attention)


def _encode(encoder: Encoder, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """Features in at least single precision: their sums over a picture need it, whatever the network computes in."""
    features = encoder(image, layers)
    return {layer: value.float() if value.dtype == torch.bfloat16 else value for layer, value in features.items()}

"""The total loss of a picture at one size: content + style + total variation + what leaves [0, 1].

Paper 001, equation 8 without its attention term (gamma = 0), which is paper 002's and Gatys' total loss.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.encoders.network import Encoder, block_of
from impasto.losses.content import content_loss
from impasto.losses.conventions import content_factor, style_factor
from impasto.losses.gram import blend, gram, gram_loss
from impasto.losses.out_of_range import out_of_range
from impasto.losses.total_variation import total_variation
from impasto.options import StylizeOptions

# A region with less than this share of a picture is not seen, and its Gram matrix is mostly rounding.
SMALLEST_SHARE = 1e-6


@dataclass(frozen=True)
class StyleTerm:
    """A Gram matrix that the features of one layer should have, in a region: (1, 1, h, w); None is everywhere."""

    layer: str
    target: Tensor
    weight: float
    region: Tensor | None = None


@dataclass(frozen=True)
class Region:
    """Where one style acts, and its Gram matrices by layer. mask: (1, 1, H, W) in [0, 1], of the picture's size."""

    targets: Mapping[str, Tensor]
    mask: Tensor


@dataclass(frozen=True)
class Objective:
    """What a picture is compared with, and how much each comparison counts."""

    encoder: Encoder
    content: Mapping[str, Tensor]
    style: Sequence[StyleTerm]
    weights: Mapping[str, float]

    def losses(self, image: Tensor) -> dict[str, Tensor]:
        """{'content', 'style', 'tv', 'range'}: weighted scalars whose sum is the total loss.

        image: (1, 3, H, W) of the size that the content features belong to.
        """
        features = _encode(self.encoder, image, {*self.content, *(term.layer for term in self.style)})
        zero = image.new_zeros(())
        content = sum(
            (self.weights[f"content/{layer}"] * content_loss(features[layer], target)
             for layer, target in self.content.items()), zero
        )  # fmt: skip
        style = sum(
            (term.weight * gram_loss(features[term.layer], term.target, term.region) for term in self.style), zero
        )
        smoothness = self.weights["tv"] * total_variation(image) if self.weights["tv"] else zero
        excess = self.weights["range"] * out_of_range(image) if self.weights["range"] else zero
        return {"content": content, "style": style, "tv": smoothness, "range": excess}


@torch.no_grad()
def style_grams(encoder: Encoder, style: Tensor, options: StylizeOptions) -> dict[str, Tensor]:
    """The Gram matrix of one style, (1, 3, h, w), for each style layer."""
    layers = options.layers("style_layers")
    features = _encode(encoder, style, layers)
    return {layer: gram(features[layer]) for layer in layers}


@torch.no_grad()
def style_targets(encoder: Encoder, styles: Sequence[Tensor], options: StylizeOptions) -> dict[str, Tensor]:
    """The blended Gram matrix of the styles, each (1, 3, h, w) of its own size, for each style layer."""
    shares = options.blend_weights(len(styles))
    grams = [style_grams(encoder, style, options) for style in styles]
    return {layer: blend([matrices[layer] for matrices in grams], shares) for layer in options.layers("style_layers")}


def make_objective(
    encoder: Encoder, content: Tensor, style: Mapping[str, Tensor], options: StylizeOptions
) -> Objective:
    """The objective at the size of `content`, (1, 3, H, W). Layer weights are shares: w_l / sum of w."""
    return _objective(encoder, content, _style_terms(style, options), options)


def make_regional_objective(
    encoder: Encoder, content: Tensor, regions: Sequence[Region], options: StylizeOptions
) -> Objective:
    """The same with a style for each region: guided Gram matrices (Gatys et al. 2017, section 4).

    A region's style loss counts by its share of the picture's area. Where no region is, only the content acts.
    """
    terms: list[StyleTerm] = []
    for region in regions:
        share = region.mask.mean().item()
        if share >= SMALLEST_SHARE:
            terms += _style_terms(region.targets, options, share, region.mask)
    return _objective(encoder, content, terms, options)


def _style_terms(
    targets: Mapping[str, Tensor], options: StylizeOptions, share: float = 1.0, mask: Tensor | None = None
) -> list[StyleTerm]:
    """What one style asks of its region, which has `share` of the picture."""
    layers = options.layers("style_layers")
    terms = []
    for layer, target in targets.items():
        # The loss functions are written in paper 001's convention; others are factors away from it.
        factor = style_factor(options.convention, target) / style_factor("paper-001", target)
        weight = options.style_weight * (layers[layer] / (sum(layers.values()) or 1.0)) * factor
        terms.append(StyleTerm(layer, target, weight * share, None if mask is None else _at_layer(mask, layer)))
    return terms


def _at_layer(mask: Tensor, layer: str) -> Tensor:
    """(1, 1, H, W) -> (1, 1, h, w) of the layer: how much of the pixels under each position the mask has."""
    for _ in range(1, block_of(layer)):
        # As the encoder pools: windows at the end of an odd side are partial.
        mask = F.avg_pool2d(mask, 2, ceil_mode=True)
    return mask


@torch.no_grad()
def _objective(encoder: Encoder, content: Tensor, style: Sequence[StyleTerm], options: StylizeOptions) -> Objective:
    layers = options.layers("content_layers")
    targets = _encode(encoder, content, layers)
    weights = {"tv": options.tv_weight}
    for layer, target in targets.items():
        share = layers[layer] / (sum(layers.values()) or 1.0)
        factor = content_factor(options.convention, target) / content_factor("paper-001", target)
        weights[f"content/{layer}"] = options.content_weight * share * factor
    # In proportion to what pulls the picture out of its range.
    pull = [weights[name] for name in weights if name != "tv"] + [term.weight for term in style]
    weights["range"] = options.range_weight * sum(pull)
    return Objective(encoder, targets, style, weights)


def _encode(encoder: Encoder, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """Features in at least single precision: their sums over a picture need it, whatever the network computes in."""
    features = encoder(image, layers)
    return {layer: value.float() if value.dtype == torch.bfloat16 else value for layer, value in features.items()}

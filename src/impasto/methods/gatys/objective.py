"""The total loss of a picture at one size: content + style + total variation + what leaves [0, 1].

Paper 001, equation 8 without its attention term (gamma = 0), which is paper 002's and Gatys' total loss.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.encoders.network import Encoder
from impasto.losses.content import content_loss
from impasto.losses.conventions import content_factor, style_factor
from impasto.losses.gram import blend, gram, gram_loss
from impasto.losses.out_of_range import out_of_range
from impasto.losses.total_variation import total_variation
from impasto.options import StylizeOptions


@dataclass(frozen=True)
class Objective:
    """What a picture is compared with, and how much each comparison counts."""

    encoder: Encoder
    content: Mapping[str, Tensor]
    style: Mapping[str, Tensor]
    weights: Mapping[str, float]

    def losses(self, image: Tensor) -> dict[str, Tensor]:
        """{'content', 'style', 'tv', 'range'}: weighted scalars whose sum is the total loss.

        image: (1, 3, H, W) of the size that the content features belong to.
        """
        features = _encode(self.encoder, image, {*self.content, *self.style})
        zero = image.new_zeros(())
        content = sum(
            (self.weights[f"content/{layer}"] * content_loss(features[layer], target)
             for layer, target in self.content.items()), zero
        )  # fmt: skip
        style = sum(
            (self.weights[f"style/{layer}"] * gram_loss(features[layer], target)
             for layer, target in self.style.items()), zero
        )  # fmt: skip
        smoothness = self.weights["tv"] * total_variation(image) if self.weights["tv"] else zero
        excess = self.weights["range"] * out_of_range(image) if self.weights["range"] else zero
        return {"content": content, "style": style, "tv": smoothness, "range": excess}


@torch.no_grad()
def style_targets(encoder: Encoder, styles: Sequence[Tensor], options: StylizeOptions) -> dict[str, Tensor]:
    """The blended Gram matrix of the styles, each (1, 3, h, w) of its own size, for each style layer."""
    layers = options.layers("style_layers")
    shares = options.blend_weights(len(styles))
    grams: list[dict[str, Tensor]] = []
    for style in styles:
        features = _encode(encoder, style, layers)
        grams.append({layer: gram(features[layer]) for layer in layers})
    return {layer: blend([matrices[layer] for matrices in grams], shares) for layer in layers}


@torch.no_grad()
def make_objective(
    encoder: Encoder, content: Tensor, style: Mapping[str, Tensor], options: StylizeOptions
) -> Objective:
    """The objective at the size of `content`, (1, 3, H, W). Layer weights are shares: w_l / sum of w."""
    content_layers = options.layers("content_layers")
    style_layers = options.layers("style_layers")
    targets = _encode(encoder, content, content_layers)
    weights = {"tv": options.tv_weight}
    # The loss functions are written in paper 001's convention; others are factors away from it.
    for layer, target in targets.items():
        share = content_layers[layer] / (sum(content_layers.values()) or 1.0)
        factor = content_factor(options.convention, target) / content_factor("paper-001", target)
        weights[f"content/{layer}"] = options.content_weight * share * factor
    for layer, target in style.items():
        share = style_layers[layer] / (sum(style_layers.values()) or 1.0)
        factor = style_factor(options.convention, target) / style_factor("paper-001", target)
        weights[f"style/{layer}"] = options.style_weight * share * factor
    # In proportion to what pulls the picture out of its range.
    weights["range"] = options.range_weight * sum(weights[name] for name in weights if name != "tv")
    return Objective(encoder, targets, style, weights)


def _encode(encoder: Encoder, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """Features in at least single precision: their sums over a picture need it, whatever the network computes in."""
    features = encoder(image, layers)
    return {layer: value.float() if value.dtype == torch.bfloat16 else value for layer, value in features.items()}

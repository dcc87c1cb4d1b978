"""The total loss of a picture at one size: content + style + attention + total variation + what leaves [0, 1].

Paper 001, equation 8; without its attention term (gamma = 0) it is paper 002's and Gatys' total loss.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.encoders.network import Encoder
from impasto.losses.conventions import content_factor
from impasto.losses.gram import content_loss
from impasto.losses.pixels import out_of_range, squared_steps, temporal_loss, total_variation
from impasto.masks import visible
from impasto.methods import TemporalTarget
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.terms import Region, Seen, StyleStatistics, Term, at_layers, layers_to_encode
from impasto.methods.gatys.windows import GramSums, PaddedWindow, encode, encoded, whole, windows
from impasto.tensors import resize

# A region with less than this share of a picture is not seen, and its Gram matrix is mostly rounding.
SMALLEST_SHARE = 1e-6

# Of the temporal term, next to a style weight of 1.5: it holds strokes, and does not keep what should change.
TEMPORAL = 200.0


@dataclass(frozen=True)
class Objective:
    """What a picture is compared with, and how much each comparison counts.

    weights: of each content layer, tv and range. side: of the windows that its features are computed in, in pixels;
    None is the whole picture at once.
    """

    encoder: Encoder
    content: Mapping[str, Tensor]
    terms: Sequence[Term]
    weights: Mapping[str, float]
    side: int | None = None
    held: TemporalTarget | None = None

    @property
    def layers(self) -> set[str]:
        return {*self.content, *(term.layer for term in self.terms)}

    def losses(self, image: Tensor) -> dict[str, Tensor]:
        """{'content', 'style', 'tv', 'range'}: weighted scalars whose sum is the total loss; 'attention' and 'temporal'
        if they count.

        image: (1, 3, H, W) of the size that the content features belong to. Differentiable if it is seen at once.
        """
        return self._at_once(image) if self.side is None else self._in_windows(image)[0]

    def evaluate(self, image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """`losses`, and the gradient of their sum, (1, 3, H, W); the same whatever the windows."""
        if self.side is not None:
            return self._in_windows(image)
        leaf = image.detach().requires_grad_()
        losses = self._at_once(leaf)
        (gradient,) = torch.autograd.grad(torch.stack(list(losses.values())).sum(), leaf)
        return {name: value.detach() for name, value in losses.items()}, gradient

    def _at_once(self, image: Tensor) -> dict[str, Tensor]:
        (everything,) = windows(image, None)
        features = encode(self.encoder, everything, image, self.layers)
        losses = self._nothing(image)
        for layer, target in self.content.items():
            losses["content"] = losses["content"] + self.weights[layer] * content_loss(features[layer], target)
        for term in self.terms:
            losses[term.name] = losses[term.name] + term.loss(features)
        if self.weights["tv"]:
            losses["tv"] = self.weights["tv"] * total_variation(image)
        if self.weights["range"]:
            losses["range"] = self.weights["range"] * out_of_range(image)
        if self.held:
            losses["temporal"] = TEMPORAL * temporal_loss(image, self.held.picture, self.held.weights)
        return losses

    def _nothing(self, image: Tensor) -> dict[str, Tensor]:
        """Every loss as 0."""
        names = ["content", "style", "tv", "range"]
        names += ["attention"] if any(term.name == "attention" for term in self.terms) else []
        names += ["temporal"] if self.held else []
        return {name: image.new_zeros(()) for name in names}

    def _in_windows(self, image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The exact gradient in the memory of a window: style is a function of moments, which are sums over windows.

        The first pass adds these up, without gradients. The second pushes the loss's gradient with respect to them,
        and the terms that belong to single positions, back through one window after the other.
        """
        image = image.detach()
        slopes, losses = self._slopes(image)
        gradient = torch.zeros_like(image)
        for window in windows(image, self.side):
            with torch.enable_grad():
                seen = window.of(image).clone().requires_grad_()
                features = encode(self.encoder, window, seen, self.layers)
                local = self._local_losses(window, seen, features, image.numel())
                pull = torch.stack(list(local.values())).sum()
                for moments, gradients in slopes:
                    pull = pull + moments.pull(window, features, gradients)
                pull.backward()
            assert seen.grad is not None
            window.of(gradient).add_(seen.grad)
            for name, value in local.items():
                losses[name] = losses[name] + value.detach()
        return losses, gradient

    def _slopes(self, image: Tensor) -> tuple[list[tuple[GramSums, tuple[Tensor, ...]]], dict[str, Tensor]]:
        """The gradients of the losses that are functions of moments with respect to these, and the losses."""
        sums = [(term, GramSums(term.layer, term.region)) for term in self.terms if term.kind != "local"]
        with torch.no_grad():
            for window, features in encoded(self.encoder, image, self.layers, self.side):
                for _, total in sums:
                    total.add(window, features)
        losses, slopes = self._nothing(image), []
        for term, total in sums:
            means = [value.requires_grad_() for value in total.means(image.dtype)]
            with torch.enable_grad():
                loss = term.loss_of_moments(*means)
            slopes.append((total, torch.autograd.grad(loss, means, allow_unused=True)))
            losses[term.name] = losses[term.name] + loss.detach()
        return slopes, losses

    def _local_losses(
        self, window: PaddedWindow, seen: Tensor, features: Mapping[str, Tensor], values: int
    ) -> dict[str, Tensor]:
        """What the window's own positions add to the losses that are sums over positions. values: of the picture."""
        rows, columns = window.inner
        own_pixels = seen[..., rows, columns]
        zero = seen.new_zeros(())
        content = zero
        for layer, target in self.content.items():
            part = window.place_in(target, layer)
            share = part.numel() / target.numel()
            content = content + self.weights[layer] * share * content_loss(features[layer], part)
        steps = squared_steps(seen[..., rows.start :, columns.start :], *own_pixels.shape[-2:])
        losses = {
            "content": content,
            "tv": self.weights["tv"] * steps / values if self.weights["tv"] else zero,
            "range": self.weights["range"] * out_of_range(own_pixels) * (own_pixels.numel() / values),
        }
        if self.held:
            there = (..., *window.core)
            apart = temporal_loss(own_pixels, self.held.picture[there], self.held.weights[there])
            losses["temporal"] = TEMPORAL * apart * (own_pixels.numel() / values)
        for term in self.terms:
            if term.kind == "local":
                losses["attention"] = losses.get("attention", zero) + term.loss_in(window, features[term.layer])
        return losses


@torch.no_grad()
def objective_at(
    encoder: Encoder,
    content: Tensor,
    styles: Sequence[Tensor],
    options: GatysOptions,
    masks: Sequence[Tensor] | None = None,
    side: int | None = None,
    held: TemporalTarget | None = None,
) -> Objective:
    """The total loss at the size of `content`, (1, 3, H, W), or (1, 4, H, W) with its opacity.

    styles: blended in the options' shares. masks: a region for each of them: guided Gram matrices (Gatys et al. 2017,
    section 4); a region's style loss counts by its share of the picture's area, and where none is, only the content
    acts. Both may be of any size. side: of the windows that pictures are seen in. held: what a frame should stay.
    """
    height, width = content.shape[-2:]
    pixels, opacity = visible(content)
    known = [encode_style(encoder, fit_style(style, height, width, options), options, side) for style in styles]
    resized = None if masks is None else [resize(mask, height, width) for mask in masks]
    regions = list(_regions(known, resized, options, opacity))
    looking = layers_to_encode(options)
    seen = Seen(whole(encoder, pixels, looking, side), at_layers(opacity, looking))
    terms = [term for region in regions for term in region.style_terms(options)]
    terms += [term for region in regions for term in region.attention_terms(seen, options)]
    layers = options.layers("content_layers")
    targets = whole(encoder, pixels, layers, side)
    weights = {}
    for layer, target in targets.items():
        share = layers[layer] / (sum(layers.values()) or 1.0)
        factor = content_factor(options.chosen("convention"), target) / content_factor("half-mean", target)
        weights[layer] = options.chosen("content_weight") * share * factor
    # In proportion to what pulls the picture out of its range.
    pull = sum([*weights.values(), *(term.weight for term in terms)])
    weights |= {"tv": options.chosen("tv_weight"), "range": options.chosen("range_weight") * pull}
    return Objective(encoder, targets, terms, weights, side, held)


@torch.no_grad()
def encode_style(encoder: Encoder, style: Tensor, options: GatysOptions, side: int | None = None) -> StyleStatistics:
    """What the objective needs of one style, (1, 3, h, w) or (1, 4, h, w) with the opacity of its pixels: what is
    transparent counts for nothing. side: of the windows that it is encoded in."""
    layers, looked_at = options.layers("style_layers"), layers_to_encode(options)
    pixels, opacity = visible(style)
    shares = at_layers(opacity, {*layers, *looked_at})
    sums = {layer: GramSums(layer, shares.get(layer)) for layer in layers}
    for window, features in encoded(encoder, pixels, layers, side):
        for total in sums.values():
            total.add(window, features)
    moments = {layer: total.means(pixels.dtype) for layer, total in sums.items()}
    grams, means = ({layer: value[i] for layer, value in moments.items()} for i in (0, 1))
    return StyleStatistics(grams, means, Seen(whole(encoder, pixels, looked_at, side), shares))


def fit_style(style: Tensor, height: int, width: int, options: GatysOptions) -> Tensor:
    """The style, (1, 3, h, w), for a picture of height x width, by the options' style_fit, times style_scale.

    At the content's area its strokes have one size in the picture, whatever the proportions of the two.
    """
    own_height, own_width = style.shape[-2:]
    match options.chosen("style_fit"):
        case "area":
            ratio = (height * width / (own_height * own_width)) ** 0.5
            height, width = own_height * ratio, own_width * ratio
        case "own":
            height, width = own_height, own_width
    scale = options.style_scale
    return resize(style, max(1, round(height * scale)), max(1, round(width * scale)))


def _regions(
    styles: Sequence[StyleStatistics], masks: Sequence[Tensor] | None, options: GatysOptions, opacity: Tensor | None
) -> Iterator[Region]:
    """One for each mask, or all of what is visible."""
    if masks is None:
        area = 1.0 if opacity is None else opacity.mean().item()
        yield Region(styles, options.blend_weights(len(styles)), opacity, area)
        return
    for style, mask in zip(styles, masks, strict=True):
        there = mask if opacity is None else mask * opacity
        area = there.mean().item()
        if area >= SMALLEST_SHARE:
            yield Region([style], [1.0], there, area)

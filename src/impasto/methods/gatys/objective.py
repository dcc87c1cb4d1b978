"""The total loss of a picture at one size: content + style + attention + total variation + what leaves [0, 1].

Paper 001, equation 8; without its attention term (gamma = 0) it is paper 002's and Gatys' total loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.encoders.network import Encoder
from impasto.losses.content import content_loss
from impasto.losses.conventions import content_factor, style_factor
from impasto.losses.covariance import Spread, covariance_loss, covariance_loss_of_moments, spread
from impasto.losses.gram import blend, gram_loss
from impasto.losses.out_of_range import out_of_range
from impasto.losses.temporal import temporal_loss
from impasto.losses.total_variation import squared_steps, total_variation
from impasto.masks import visible
from impasto.methods import TemporalTarget
from impasto.methods.gatys.attention import AttentionTerm, Seen, at_layer, attention_terms, layers_to_encode
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.windows import MomentSum, PaddedWindow, Slope, encode, encoded, moments_in, whole, windows

# A region with less than this share of a picture is not seen, and its Gram matrix is mostly rounding.
SMALLEST_SHARE = 1e-6

# Of the temporal term, next to a style weight of 1.5: it holds strokes, and does not keep what should change.
TEMPORAL = 200.0


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
        here = features[self.layer]
        if isinstance(self.target, Spread):
            return self.weight * covariance_loss(here, self.target, self.region)
        return self.weight * gram_loss(here, self.target, self.region)

    def loss_of_moments(self, moments: Tensor, mean: Tensor) -> Tensor:
        """`loss` from the `gram`, (1, N, N), and the `mean_of`, (1, N), of the features in the region."""
        if isinstance(self.target, Spread):
            return self.weight * covariance_loss_of_moments(moments, mean, self.target)
        return self.weight * 0.25 * (moments - self.target).square().mean()


@dataclass(frozen=True)
class StyleStatistics:
    """One style: its Gram matrices and the means of its filters by layer, and what attention sees of it."""

    grams: Mapping[str, Tensor]
    means: Mapping[str, Tensor]
    seen: Seen


@dataclass(frozen=True)
class Region:
    """Where one style acts. mask: (1, 1, H, W) in [0, 1], of the picture's size."""

    style: StyleStatistics
    mask: Tensor


@dataclass(frozen=True)
class Objective:
    """What a picture is compared with, and how much each comparison counts.

    side: of the windows that its features are computed in, in pixels; None is the whole picture at once.
    """

    encoder: Encoder
    content: Mapping[str, Tensor]
    style: Sequence[StyleTerm]
    weights: Mapping[str, float]
    attention: Sequence[AttentionTerm] = ()
    side: int | None = None
    held: TemporalTarget | None = None

    @property
    def layers(self) -> set[str]:
        return {*self.content, *(term.layer for term in self.style), *(term.layer for term in self.attention)}

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
        if self.held:
            losses["temporal"] = TEMPORAL * temporal_loss(image, self.held.picture, self.held.weights)
        return losses

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
                for term, slope in slopes:
                    pull = pull + slope.pull(*moments_in(window, features[term.layer], term.layer, term.region))
                pull.backward()
            assert seen.grad is not None
            window.of(gradient).add_(seen.grad)
            for name, value in local.items():
                losses[name] = losses[name] + value.detach()
        return losses, gradient

    def _slopes(self, image: Tensor) -> tuple[list[tuple["Term", Slope]], dict[str, Tensor]]:
        """What the loss gains with the moments of each term, and the losses that are functions of moments."""
        terms: list[tuple[str, Term]] = [("style", term) for term in self.style]
        terms += [("attention", term) for term in self.attention if not term.is_local]
        sums = [MomentSum() for _ in terms]
        with torch.no_grad():
            for window, features in encoded(self.encoder, image, self.layers, self.side):
                for total, (_, term) in zip(sums, terms, strict=True):
                    total.add(*moments_in(window, features[term.layer], term.layer, term.region))
        names = ["content", "style", "tv", "range", *(["attention"] if self.attention else [])]
        names += ["temporal"] if self.held else []
        losses = {name: image.new_zeros(()) for name in names}
        slopes: list[tuple[Term, Slope]] = []
        for total, (name, term) in zip(sums, terms, strict=True):
            moments, mean = (value.requires_grad_() for value in total.means(image.dtype))
            with torch.enable_grad():
                loss = term.loss_of_moments(moments, mean)
            by_moments, by_mean = torch.autograd.grad(loss, (moments, mean), allow_unused=True)
            slopes.append((term, Slope(by_moments, by_mean, total.weight)))
            losses[name] = losses[name] + loss.detach()
        return slopes, losses

    def _local_losses(
        self, window: PaddedWindow, seen: Tensor, features: Mapping[str, Tensor], values: int
    ) -> dict[str, Tensor]:
        """What the window's own positions add to the losses that are sums over positions. values: of the picture."""
        height = window.core_rows.stop - window.core_rows.start
        width = window.core_columns.stop - window.core_columns.start
        top, left = window.core_rows.start - window.rows.start, window.core_columns.start - window.columns.start
        zero = seen.new_zeros(())
        content = zero
        for layer, target in self.content.items():
            part = window.place_in(target, layer)
            share = part.numel() / target.numel()
            content = content + self.weights[f"content/{layer}"] * share * content_loss(features[layer], part)
        steps = squared_steps(seen[..., top:, left:], height, width)
        own_pixels = seen[..., top : top + height, left : left + width]
        losses = {
            "content": content,
            "tv": self.weights["tv"] * steps / values if self.weights["tv"] else zero,
            "range": self.weights["range"] * out_of_range(own_pixels) * (own_pixels.numel() / values),
        }
        if self.held:
            there = (..., window.core_rows, window.core_columns)
            apart = temporal_loss(own_pixels, self.held.picture[there], self.held.weights[there])
            losses["temporal"] = TEMPORAL * apart * (own_pixels.numel() / values)
        for term in self.attention:
            if term.is_local:
                losses["attention"] = losses.get("attention", zero) + term.loss_in(window, features[term.layer])
        return losses


Term = StyleTerm | AttentionTerm


@torch.no_grad()
def encode_style(encoder: Encoder, style: Tensor, options: GatysOptions, side: int | None = None) -> StyleStatistics:
    """What the objective needs of one style, (1, 3, h, w) or (1, 4, h, w) with the opacity of its pixels: what is
    transparent counts for nothing. side: of the windows that it is encoded in."""
    layers, looked_at = options.layers("style_layers"), layers_to_encode(options)
    pixels, opacity = visible(style)
    shares = {} if opacity is None else {layer: at_layer(opacity, layer) for layer in {*layers, *looked_at}}
    sums = {layer: MomentSum() for layer in layers}
    for window, features in encoded(encoder, pixels, layers, side):
        for layer, total in sums.items():
            total.add(*moments_in(window, features[layer], layer, shares.get(layer)))
    moments = {layer: total.means(pixels.dtype) for layer, total in sums.items()}
    grams, means = ({layer: value[i] for layer, value in moments.items()} for i in (0, 1))
    return StyleStatistics(grams, means, Seen(whole(encoder, pixels, looked_at, side), shares))


def make_objective(
    encoder: Encoder,
    content: Tensor,
    styles: Sequence[StyleStatistics],
    options: GatysOptions,
    opacity: Tensor | None = None,
    side: int | None = None,
) -> Objective:
    """The objective at the size of `content`, (1, 3, H, W), for the blend of the styles in the options' shares.

    Layer weights are shares: w_l / sum of w. opacity: (1, 1, H, W) of a content that is partly transparent: what is
    visible of it is the one region of the styles.
    """
    shares = options.blend_weights(len(styles))
    mixed = StyleStatistics(
        {layer: blend([style.grams[layer] for style in styles], shares) for layer in styles[0].grams},
        {layer: blend([style.means[layer] for style in styles], shares) for layer in styles[0].means},
        styles[0].seen,
    )
    seen = _seen(encoder, content, options, opacity, side)
    share = 1.0 if opacity is None else opacity.mean().item()
    attention = attention_terms(seen, [style.seen for style in styles], shares, options, opacity, share)
    return _objective(encoder, content, _style_terms(mixed, options, share, opacity), attention, options, side)


def make_regional_objective(
    encoder: Encoder,
    content: Tensor,
    regions: Sequence[Region],
    options: GatysOptions,
    opacity: Tensor | None = None,
    side: int | None = None,
) -> Objective:
    """The same with a style for each region: guided Gram matrices (Gatys et al. 2017, section 4).

    A region's style loss counts by its share of the picture's area. Where no region is, only the content acts.
    """
    terms: list[StyleTerm] = []
    attention: list[AttentionTerm] = []
    seen = _seen(encoder, content, options, opacity, side)
    for region in regions:
        mask = region.mask if opacity is None else region.mask * opacity
        share = mask.mean().item()
        if share >= SMALLEST_SHARE:
            terms += _style_terms(region.style, options, share, mask)
            attention += attention_terms(seen, [region.style.seen], [1.0], options, mask, share)
    return _objective(encoder, content, terms, attention, options, side)


@torch.no_grad()
def _seen(encoder: Encoder, content: Tensor, options: GatysOptions, opacity: Tensor | None, side: int | None) -> Seen:
    features = whole(encoder, content, layers_to_encode(options), side)
    return Seen(features, {} if opacity is None else {layer: at_layer(opacity, layer) for layer in features})


def _style_terms(
    style: StyleStatistics, options: GatysOptions, share: float = 1.0, mask: Tensor | None = None
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
            weight *= style_factor(options.chosen("convention"), moments) / style_factor("half-mean", moments)
        terms.append(StyleTerm(layer, target, weight * share, None if mask is None else at_layer(mask, layer)))
    return terms


@torch.no_grad()
def _objective(
    encoder: Encoder,
    content: Tensor,
    style: Sequence[StyleTerm],
    attention: Sequence[AttentionTerm],
    options: GatysOptions,
    side: int | None,
) -> Objective:
    layers = options.layers("content_layers")
    targets = whole(encoder, content, layers, side)
    weights = {"tv": options.chosen("tv_weight")}
    for layer, target in targets.items():
        share = layers[layer] / (sum(layers.values()) or 1.0)
        factor = content_factor(options.chosen("convention"), target) / content_factor("half-mean", target)
        weights[f"content/{layer}"] = options.chosen("content_weight") * share * factor
    # In proportion to what pulls the picture out of its range.
    pull = [weights[name] for name in weights if name != "tv"]
    pull += [term.weight for term in style] + [term.weight for term in attention]
    weights["range"] = options.chosen("range_weight") * sum(pull)
    return Objective(encoder, targets, style, weights, attention, side)

"""How the networks of AdaIN make one painting: prepare the photo, exchange statistics, decode; octave by octave."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto import image
from impasto.encoders.network import Encoder
from impasto.losses.feature_statistics import Statistics, mean_std
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.preparation import Colours, colours, recoloured, smoothed
from impasto.methods.adain.style import Codes, Style, blend, blend_colours

# Width in pixels of the strokes that a detailed decoder paints. What share of the picture they are to be decides the
# size that it is painted at first.
STROKE = 8.0

# The radius, as a share of the shorter side, that a photo is smoothed by where none of its detail is wanted.
SMOOTHED = 1 / 128

# Of a pass over an enlarged painting: how much of the finer strokes that it adds is taken, and the side of the squares
# whose mean colours they leave as they are.
FINER, STILL = 0.8, 8


@dataclass(frozen=True)
class Networks:
    """An encoder and the decoder that paints from its features, in one precision."""

    encoder: Encoder
    decoder: Decoder

    def features(self, picture: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.encoder(picture, self.decoder.config.layers)
        return found


@dataclass(frozen=True, kw_only=True)
class Painter:
    """What is to be painted in which way; called with the photo.

    style: the only one, or a blend. regions: instead, styles and their maps, (1, 1, H, W) each, how much of each
    position is that style's. opacity: (N or 1, 1, H, W); None where all of the photo is visible.
    strength, detail, stroke: of `AdaINOptions`. Detail and stroke mean something to a detailed decoder alone.
    """

    networks: Networks
    style: Style | None = None
    regions: Sequence[tuple[Style, Tensor]] = ()
    opacity: Tensor | None = None
    strength: float = 1.0
    detail: float = 1.0
    stroke: float = 0.01

    @torch.inference_mode()
    def __call__(self, content: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> the same, not clamped."""
        if not self.networks.decoder.config.detailed:
            return self._painted(content, content)
        first, *larger = octaves(content.shape[-2], content.shape[-1], self.stroke)
        small, painter = image.resize(content, *first), self._at(*first)
        radius = SMOOTHED * min(first) * (1 - self._kept)
        own = painter._colours(smoothed(small, radius))
        before = painter._prepared(small, radius, own)
        painted = painter._painted(before, small).float()
        for size in larger:
            radius *= size[0] / before.shape[-2]
            painter, photo = self._at(*size), image.resize(content, *size)
            now = painter._prepared(photo, radius, own)
            # The enlarged painting with the edges that the photo has at this size.
            base = image.resize(painted, *size) + now - image.resize(before, *size)
            painted, before = base + painter._finer(base), now
        return painted

    @property
    def _kept(self) -> float:
        """The detail that stays: without any style all of it does."""
        return 1 - min(1.0, self.strength) * (1 - self.detail)

    def _at(self, height: int, width: int) -> "Painter":
        """The same for the photo at another size."""
        opacity = None if self.opacity is None else image.resize(self.opacity, height, width)
        regions = [(style, image.resize(region, height, width)) for style, region in self.regions]
        return replace(self, opacity=opacity, regions=regions)

    # --- colours and abstraction -----------------------------------------------------------------------------------

    def _colours(self, plain: Tensor) -> list[Colours]:
        """Of the photo, in each region."""
        if self.style is not None:
            return [colours(plain, self.opacity)]
        shares = [region if self.opacity is None else region * self.opacity for _, region in self.regions]
        return [colours(plain, share if share.sum() >= 1 else self.opacity) for share in shares]

    def _prepared(self, photo: Tensor, radius: float, own: Sequence[Colours]) -> Tensor:
        """The photo as masses in the painting's colours: (N, 3, H, W) in [0, 1]. own: its colours before, by region."""
        plain = smoothed(photo, radius)
        share = min(1.0, self.strength)
        if self.style is not None:
            target = blend_colours([self.style.colours, own[0]], [share, 1 - share])
            return recoloured(plain, own[0], target).clamp(0, 1)
        total = photo
        for (style, region), before in zip(self.regions, own, strict=True):
            total = total + share * region * (recoloured(plain, before, style.colours) - photo)
        return total.clamp(0, 1)

    # --- statistics and strokes ------------------------------------------------------------------------------------

    def _painted(self, prepared: Tensor, photo: Tensor) -> Tensor:
        """prepared: what the network sees of the photo, (N, 3, H, W) both."""
        if self.style is None:
            return self._painted_regions(prepared, photo)
        features = self.networks.features(prepared)
        if self.strength == 1 and self.opacity is None:
            return self._decoded(features, self.style.statistics, None, prepared)
        own = statistics(features, self.opacity)
        if self.strength == 1:
            return self._decoded(features, self.style.statistics, own, prepared)
        mixed = blend([self.style.statistics, own], [self.strength, 1 - self.strength])
        painted = self._decoded(features, mixed, own, prepared)
        if self.strength > 1:
            return painted
        of_photo = self.networks.features(photo)
        codes = statistics(of_photo, self.opacity)
        repeated = replace(self, strength=0.0)._decoded(of_photo, codes, codes, photo)
        # What the decoder cannot repeat is given back where there is no style, so that that is the photo.
        return painted + (1 - self.strength) * (photo - repeated)

    def _decoded(self, features: Mapping[str, Tensor], style: Codes, own: Codes | None, picture: Tensor) -> Tensor:
        """own: statistics of the features, if they are not those of all of their positions."""
        decoder = self.networks.decoder
        given = {
            layer: decoder.given(value, style[layer], own[layer] if own else None) for layer, value in features.items()
        }
        modulation = decoder.modulation({layer: style[layer] for layer in given}, self._kept)
        return decoder.paint(given, modulation, (picture.shape[-2], picture.shape[-1]))

    def _painted_regions(self, prepared: Tensor, photo: Tensor) -> Tensor:
        """Every style in its own region, whose own statistics it replaces; the photo's where no style is."""
        decoder = self.networks.decoder
        features = self.networks.features(prepared)
        own = statistics(features, self.opacity)
        pyramids = [_pyramid(self.strength * region) for _, region in self.regions]
        seen = [_pyramid(region if self.opacity is None else region * self.opacity) for _, region in self.regions]
        given = {}
        for layer, value in features.items():
            level = int(layer[4]) - 1
            total = value.float()
            for (style, _), pyramid, shown in zip(self.regions, pyramids, seen, strict=True):
                # A region of less than one position has no statistics of its own.
                there = mean_std(value, shown[level]) if shown[level].sum() >= 1 else own[layer]
                exchanged = decoder.given(value, style.statistics[layer], there).float()
                total = total + pyramid[level] * (exchanged - value.float())
            given[layer] = total.to(value.dtype)
        styled = [decoder.modulation(style.statistics, self._kept) for style, _ in self.regions]
        plain, size = decoder.modulation(own), (photo.shape[-2], photo.shape[-1])
        painted = decoder.paint(given, _regional(styled, plain, pyramids), size)
        rest = (1 - torch.stack([pyramid[0] for pyramid in pyramids]).sum(0)).clamp_min(0)
        if not rest.any():
            return painted
        # As in `_painted`. Outside of all regions the very same has been painted.
        return painted + rest * (photo - decoder.paint(self.networks.features(photo), plain, size))

    def _finer(self, base: Tensor) -> Tensor:
        """What a pass over an enlarged painting adds to it: strokes of this size, in the colours that are there."""
        added = replace(self, strength=1.0, detail=1.0)._painted(base.clamp(0, 1), base) - base
        means = F.avg_pool2d(added, STILL, ceil_mode=True, count_include_pad=False)
        means = F.interpolate(means, added.shape[-2:], mode="bilinear")
        return FINER * min(1.0, self.strength) * (added - means)


def octaves(height: int, width: int, stroke: float) -> list[tuple[int, int]]:
    """The sizes that a picture is painted at, one after the other: the first has strokes of the wanted share of its
    shorter side, each next is about twice as large, the last is the picture's own.

    All passes together cost at most 1.5 times the last one.
    """
    ratio = min(height, width) * stroke / STROKE
    if ratio < math.sqrt(2):
        return [(height, width)]
    count = max(1, round(math.log2(ratio)))
    shares = [ratio ** (step / count - 1) for step in range(count + 1)]
    return [(max(1, round(height * share)), max(1, round(width * share))) for share in shares]


def statistics(features: Mapping[str, Tensor], opacity: Tensor | None) -> dict[str, Statistics]:
    """Of what is visible. opacity: (N or 1, 1, H, W) of the picture, None where all of it counts."""
    shares = [None] * 4 if opacity is None else _pyramid(opacity)
    return {layer: mean_std(value, shares[int(layer[4]) - 1]) for layer, value in features.items()}


def _regional(
    styles: Sequence[Mapping[str, Statistics]], own: Mapping[str, Statistics], pyramids: Sequence[Sequence[Tensor]]
) -> dict[str, Statistics]:
    """Scales and shifts as maps: every style's in its region, the content's elsewhere."""
    maps = {}
    for name, (scale, shift) in own.items():
        level = int(name[4]) - 1
        pairs = list(zip(styles, pyramids, strict=True))
        maps[name] = (
            scale + torch.stack([pyramid[level] * (style[name][0] - scale) for style, pyramid in pairs]).sum(0),
            shift + torch.stack([pyramid[level] * (style[name][1] - shift) for style, pyramid in pairs]).sum(0),
        )
    return maps


def _pyramid(mask: Tensor) -> list[Tensor]:
    """The mask at the sizes of the encoder's four blocks."""
    levels = [mask]
    for _ in range(3):
        levels.append(F.avg_pool2d(levels[-1], 2, ceil_mode=True))
    return levels

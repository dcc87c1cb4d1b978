"""Method `adain`: any style in one forward pass (paper 004; Huang and Belongie 2017)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from impasto import image
from impasto.device import GATE_PSNR, memory_guard, precision
from impasto.encoders import load_encoder, weights_file
from impasto.encoders.network import Encoder, Pooling
from impasto.errors import OptionError, WeightsError
from impasto.losses.feature_statistics import Statistics, mean_std
from impasto.masks import visible
from impasto.methods.adain.network import LAYERS, Decoder, DecoderConfig
from impasto.methods.adain.style import Style, blend
from impasto.options import StylizeOptions
from impasto.progress import Progress, ProgressCallback
from impasto.weights import WEIGHTS, load, location, sha256_of

# A style's shorter side is brought to this many pixels times `style_scale`, whatever the content's size, so that it is
# encoded once for all contents; the second number bounds the longer side of a strip.
STYLE_SIDE, STYLE_LENGTH = 512, 2048

logger = logging.getLogger("impasto")

Features = dict[str, Tensor]
Codes = Mapping[str, Statistics]


@dataclass(frozen=True)
class Networks:
    """An encoder and the decoder that paints from its features, in one precision."""

    encoder: Encoder
    decoder: Decoder


class AdaIN:
    """The method, ready to paint: holds networks, and nothing of the pictures that it painted."""

    method = "adain"

    def __init__(
        self,
        device: torch.device,
        *,
        weights: Path | None = None,
        download: Callable[[int, int], None] | None = None,
    ) -> None:
        """weights: a local file for the encoder vgg19. download: told of (bytes, total) while weights are fetched."""
        self.device = device
        self.weights = weights
        self._download = download
        self._networks: dict[tuple[str, str, str], Networks] = {}

    def __call__(
        self,
        content: Tensor,
        styles: Sequence[Tensor | Style],
        options: StylizeOptions,
        *,
        masks: Sequence[Tensor] | None = None,
        start: Tensor | None = None,
        progress: ProgressCallback | None = None,
        saving: Any = None,
    ) -> Tensor:
        """Paint `content`, (N, 3, H, W) in [0, 1], in the style of `styles`, (1, 3, h, w) each or encoded.

        content, styles: with a fourth channel, opacity, what is transparent counts for nothing.
        masks: one (1, 1, H, W) map per style, how much of each position is that style's; what no style has stays the
            content's. Without, the styles are blended in the shares of options.style_blend.
        Returns (N, 3, H, W) in [0, 1] on the CPU. Raises OptionError, WeightsError, OutOfMemoryError.
        """
        networks = self.networks(options)
        if options.strength > 1:
            logger.warning("strength is %g: more than the painting's own style exaggerates it", options.strength)
        height, width = content.shape[-2:]
        guard = memory_guard(self.device, height, width, len(content) * bytes_per_pixel(networks))
        with guard, torch.inference_mode():
            codes = [self._encoded(style, networks, options).statistics for style in styles]
            picture, opacity = visible(content.to(self.device))
            picture = picture.contiguous(memory_format=torch.channels_last)
            if masks is None:
                style = blend(codes, options.blend_weights(len(codes)))
                painted = _paint(networks, picture, style, options.strength, opacity)
            else:
                maps = [mask.to(self.device) * options.strength for mask in masks]
                painted = _paint_regions(networks, picture, codes, maps, opacity)
            result = painted.float().clamp(0, 1).cpu()
        if progress:
            progress(Progress(step=1, total=1, size=(height, width), preview=lambda: result))
        # Not an inference tensor: callers may go on with it where gradients are wanted.
        return result.clone(memory_format=torch.contiguous_format)

    def encode(self, picture: Tensor, options: StylizeOptions, *, name: str = "") -> Style:
        """A style, (1, 3, h, w) in [0, 1], or (1, 4, h, w) with the opacity of its pixels, of which what is transparent
        counts for nothing; to be reused for any number of contents."""
        networks = self.networks(options)
        sides = picture.shape[-2:]
        ratio = options.style_scale * min(STYLE_SIDE / min(sides), STYLE_LENGTH / max(sides))
        height, width = (max(1, round(side * ratio)) for side in sides)
        guard = memory_guard(self.device, height, width, bytes_per_pixel(networks))
        with guard, torch.inference_mode():
            scaled = image.resize(picture, height, width).to(self.device, memory_format=torch.channels_last)
            pixels, opacity = visible(scaled)
            statistics = _statistics(networks.encoder(pixels, LAYERS), opacity)
        return Style(statistics, self._eye(networks, options), name, picture)

    def bytes_per_pixel(self, options: StylizeOptions, *, regions: int = 0) -> float:
        """Memory of one pixel of the picture at the peak of painting."""
        return bytes_per_pixel(self.networks(options))

    def weights_hashes(self, options: StylizeOptions) -> dict[str, str]:
        """{network: sha256 of its weights}, for the record of how a picture was made."""
        return {
            options.encoder: self._encoder_hash(options),
            options.decoder: sha256_of(decoder_file(options.decoder)),
        }

    def networks(self, options: StylizeOptions) -> Networks:
        """Loaded once. Half precision is given up for networks that it changes visibly."""
        key = options.encoder, options.decoder, options.precision
        if key not in self._networks:
            exact, dtype = self._load(options), precision(options.precision, self.device)
            chosen = exact if dtype == torch.float32 else _in_precision(exact, dtype)
            if options.precision == "auto" and chosen is not exact and _psnr(exact, chosen) < GATE_PSNR:
                chosen = exact
            self._networks[key] = chosen
        return self._networks[key]

    @torch.random.fork_rng(devices=[])  # a caller's random numbers are not ours to draw
    def _load(self, options: StylizeOptions) -> Networks:
        path = decoder_file(options.decoder)
        decoder, config = load_decoder(path)
        encoder = load_encoder(options.encoder, weights=self.weights, progress=self._download)
        expected = encoder.config.widths[:4]
        if decoder.config.widths != expected:
            raise OptionError(
                f"decoder is '{options.decoder}', which paints from {decoder.config.widths} filters, but the encoder"
                f" {options.encoder} gives {expected}"
            )
        encoder = encoder.pooled(cast(Pooling, config.get("pooling", encoder.pooling)))
        decoder = convert_conv2d_weight_memory_format(decoder.to(self.device), torch.channels_last)
        return Networks(encoder.to(self.device), decoder)

    def _encoded(self, style: Tensor | Style, networks: Networks, options: StylizeOptions) -> Style:
        if isinstance(style, Tensor):
            return self.encode(style, options)
        if style.encoder != self._eye(networks, options):
            raise OptionError(
                f"style '{style.name}' was encoded by another encoder than {options.encoder}; encode the painting anew"
            )
        return style

    def _encoder_hash(self, options: StylizeOptions) -> str:
        return sha256_of(weights_file(options.encoder, self.weights))

    def _eye(self, networks: Networks, options: StylizeOptions) -> str:
        """What a style was seen with: the same weights see differently through another pooling."""
        return f"{self._encoder_hash(options)} {networks.encoder.pooling}"


def decoder_file(name: str) -> Path:
    """The file of an embedded decoder, or else the file that `name` names."""
    return location(WEIGHTS[name]) if name in WEIGHTS and name.startswith("adain") else Path(name)


def load_decoder(path: Path) -> tuple[Decoder, dict[str, Any]]:
    """The decoder, float32 and frozen, and its file's config. Raises WeightsError if the file holds none."""
    tensors, config = load(path)
    try:
        decoder = Decoder(DecoderConfig.from_json(config["decoder"]))
        decoder.load_state_dict({name: value.float() for name, value in tensors.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path}: holds no decoder of impasto's: {str(error).splitlines()[0]}") from None
    return decoder.eval().requires_grad_(False), config


def bytes_per_pixel(networks: Networks) -> float:
    """Memory of one pixel of the picture at the peak of a forward pass.

    `benchmarks/adain_speed.py --size 2048` measures it: 217 bytes for the embedded networks in bf16, for which this
    says 240.
    """
    config = networks.decoder.config
    size = networks.encoder.convolution("relu1_1").weight.element_size()
    # The picture's own size decides: its features joined with what comes from below, padded, and what comes out.
    width = config.widths[0]
    joined = 2 * width if config.joined else width
    return size * 2 * (joined + width) + 4 * 3 * 4


def _paint(networks: Networks, content: Tensor, style: Codes, strength: float, opacity: Tensor | None = None) -> Tensor:
    """One style, or one blend, over the whole picture."""
    features = networks.encoder(content, networks.decoder.config.layers)
    own = _statistics(features, opacity)
    if strength == 1:
        return _decoded(networks, features, style, own, content)
    mixed = blend([style, own], [strength, 1 - strength])
    # What the decoder cannot repeat of the photograph is given back to the same degree, so that 0 is the photograph.
    missing = content - _decoded(networks, features, own, own, content)
    return _decoded(networks, features, mixed, own, content) + max(0.0, 1 - strength) * missing


def _statistics(features: Features, opacity: Tensor | None) -> dict[str, Statistics]:
    """Of what is visible. opacity: (N or 1, 1, H, W) of the picture, None where all of it counts."""
    shares = [None] * 4 if opacity is None else _pyramid(opacity)
    return {layer: mean_std(value, shares[int(layer[4]) - 1]) for layer, value in features.items()}


def _decoded(networks: Networks, features: Features, style: Codes, own: Codes, content: Tensor) -> Tensor:
    decoder = networks.decoder
    given = {layer: decoder.given(value, style[layer], own[layer]) for layer, value in features.items()}
    size = (content.shape[-2], content.shape[-1])
    return decoder.paint(given, decoder.modulation({layer: style[layer] for layer in given}), size)


def _paint_regions(
    networks: Networks,
    content: Tensor,
    styles: Sequence[Codes],
    masks: Sequence[Tensor],
    opacity: Tensor | None = None,
) -> Tensor:
    """Every style in its own region, whose own statistics it replaces; the content's where no style is."""
    decoder = networks.decoder
    features = networks.encoder(content, decoder.config.layers)
    own = _statistics(features, opacity)
    pyramids = [_pyramid(mask) for mask in masks]
    seen = pyramids if opacity is None else [_pyramid(mask * opacity) for mask in masks]
    given = {}
    for layer, value in features.items():
        level = int(layer[4]) - 1
        total = value.float()
        for style, pyramid, shown in zip(styles, pyramids, seen, strict=True):
            region = pyramid[level]
            # A region of less than one position has no statistics of its own.
            there = mean_std(value, shown[level]) if shown[level].sum() >= 1 else own[layer]
            total = total + region * (decoder.given(value, style[layer], there).float() - value.float())
        given[layer] = total.to(value.dtype)
    modulation = _regional([decoder.modulation(style) for style in styles], decoder.modulation(own), pyramids)
    painted = decoder.paint(given, modulation, (content.shape[-2], content.shape[-1]))
    rest = (1 - torch.stack(list(masks)).sum(0)).clamp_min(0)
    return painted + rest * (content - _decoded(networks, features, own, own, content))


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


def _in_precision(networks: Networks, dtype: torch.dtype) -> Networks:
    return Networks(networks.encoder.in_precision(dtype), networks.decoder.in_precision(dtype))


def _psnr(exact: Networks, other: Networks) -> float:
    """Decibels between what two sets of networks paint of the same noise, which is harder than a photograph."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 12, 12, generator=generator)
    pictures = F.interpolate(coarse, (96, 96), mode="bicubic").clamp(0, 1)
    pictures = pictures.to(exact.encoder.mean.device, memory_format=torch.channels_last)
    with torch.inference_mode():
        content, style = pictures[:1], pictures[1:]
        code = {layer: mean_std(value) for layer, value in exact.encoder(style, LAYERS).items()}
        first, second = (_paint(networks, content, code, 1.0).float().clamp(0, 1) for networks in (exact, other))
    return float(-10 * (first - second).square().mean().clamp_min(1e-12).log10())

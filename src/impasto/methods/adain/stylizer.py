"""Method `adain`: any style in one forward pass (paper 004; Huang and Belongie 2017)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from impasto import image
from impasto.device import GATE_PSNR, memory_guard, precision
from impasto.encoders import load_encoder, weights_file
from impasto.encoders.network import Pooling
from impasto.engine.architecture import LAYERS, DecoderConfig
from impasto.errors import OptionError, WeightsError
from impasto.masks import visible
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.adain.painter import Networks, Painter, statistics
from impasto.methods.adain.preparation import colours
from impasto.methods.adain.style import Style, blended
from impasto.progress import Progress, ProgressCallback
from impasto.weights import WEIGHTS, load, location, sha256_of

# A style's shorter side is brought to this many pixels times `style_scale`, whatever the content's size, so that it is
# encoded once for all contents; the second number bounds the longer side of a strip.
STYLE_SIDE, STYLE_LENGTH = 512, 2048

logger = logging.getLogger("impasto")


class AdaIN:
    """The method, ready to paint: holds networks, and nothing of the pictures that it painted."""

    method = AdaINOptions.method

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
        options: AdaINOptions,
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
        _refuse_what_does_nothing(networks.decoder, options)
        if options.strength > 1:
            logger.warning("strength is %g: more than the painting's own style exaggerates it", options.strength)
        height, width = content.shape[-2:]
        guard = memory_guard(self.device, height, width, len(content) * bytes_per_pixel(networks))
        with guard, torch.inference_mode():
            encoded = [self._encoded(style, networks, options) for style in styles]
            picture, opacity = visible(content.to(self.device))
            how = {name: getattr(options, name) for name in ("strength", "detail", "stroke")}
            painter = Painter(networks=networks, opacity=opacity, **how)
            if masks is None:
                style = blended(encoded, options.blend_weights(len(encoded)))
                painter = replace(painter, style=style)
            else:
                maps = [mask.to(self.device) for mask in masks]
                painter = replace(painter, regions=list(zip(encoded, maps, strict=True)))
            painted = painter(picture.contiguous(memory_format=torch.channels_last))
            result = painted.float().clamp(0, 1).cpu()
        if progress:
            progress(Progress(step=1, total=1, size=(height, width), preview=lambda: result))
        # Not an inference tensor: callers may go on with it where gradients are wanted.
        return result.clone(memory_format=torch.contiguous_format)

    def encode(self, picture: Tensor, options: AdaINOptions, *, name: str = "") -> Style:
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
            found = statistics(networks.encoder(pixels, LAYERS), opacity)
            eye, tones = self._eye(networks, options), colours(pixels, opacity)
            return Style(found, tones, eye, name, options.style_scale, picture)

    def bytes_per_pixel(self, options: AdaINOptions, *, regions: int = 0) -> float:
        """Memory of one pixel of the picture at the peak of painting."""
        return bytes_per_pixel(self.networks(options))

    def weights_hashes(self, options: AdaINOptions) -> dict[str, str]:
        """{network: sha256 of its weights}, for the record of how a picture was made."""
        return {
            options.encoder: self._encoder_hash(options),
            options.decoder: sha256_of(decoder_file(options.decoder)),
        }

    def networks(self, options: AdaINOptions) -> Networks:
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
    def _load(self, options: AdaINOptions) -> Networks:
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

    def _encoded(self, style: Tensor | Style, networks: Networks, options: AdaINOptions) -> Style:
        if isinstance(style, Tensor):
            return self.encode(style, options)
        if style.encoder != self._eye(networks, options):
            raise OptionError(
                f"style '{style.name}' was encoded by another encoder than {options.encoder}; encode the painting anew"
            )
        options.check_scale(style.name, style.scale)
        return style.on(self.device)

    def _encoder_hash(self, options: AdaINOptions) -> str:
        return sha256_of(weights_file(options.encoder, self.weights))

    def _eye(self, networks: Networks, options: AdaINOptions) -> str:
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


def _refuse_what_does_nothing(decoder: Decoder, options: AdaINOptions) -> None:
    """Detail and stroke would be ignored silently by a decoder that has not learned them. Raises OptionError."""
    if decoder.config.detailed:
        return
    for item in fields(options):
        if item.name in ("detail", "stroke") and getattr(options, item.name) != item.default:
            raise OptionError(f"{item.name} cannot be chosen: the decoder '{options.decoder}' has not learned it")


def bytes_per_pixel(networks: Networks) -> float:
    """Memory of one pixel of the picture at the peak of painting.

    Measured as growth of the process' peak: 353 bytes at 1000 x 1000 pixels and 375 at 2400 x 2400 for the embedded
    networks in bf16, for which this says 396; 217 for an earlier decoder that was not detailed, for which it says 240.
    """
    config = networks.decoder.config
    size = networks.encoder.convolution("relu1_1").weight.element_size()
    # The picture's own size decides: its features joined with what comes from below, padded, and what comes out.
    width = config.widths[0]
    joined = 2 * width if config.joined else width
    # A detailed decoder's photo is prepared, and enlarged paintings are kept beside it, in float32.
    pictures = 17 if config.detailed else 4
    return size * 2 * (joined + width) + 4 * 3 * pictures


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
        code = Style(statistics(exact.encoder(style, LAYERS), None), colours(style), "")
        both = (Painter(networks=networks, style=code)(content) for networks in (exact, other))
        first, second = (painted.float().clamp(0, 1) for painted in both)
    return float(-10 * (first - second).square().mean().clamp_min(1e-12).log10())

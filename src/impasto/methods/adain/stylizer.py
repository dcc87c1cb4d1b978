"""Method `adain`: any style in one forward pass (paper 004; Huang and Belongie 2017)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from impasto import image
from impasto.device import CPU, Device, memory_guard, needed_torch
from impasto.engine.backend import Backend
from impasto.engine.painter import LEAST, Painter, encoded
from impasto.engine.preparation import colours
from impasto.engine.raster import Held, Raster, Window
from impasto.engine.statistics import Array, Following
from impasto.engine.strokes import length_of
from impasto.engine.styles import Style, blended
from impasto.errors import OptionError
from impasto.masks import visible
from impasto.methods.adain.options import AdaINOptions
from impasto.progress import Progress, ProgressCallback
from impasto.weights import WEIGHTS, load_arrays, location, sha256_of

# A style's shorter side is brought to this many pixels times `style_scale`, whatever the content's size, so that it is
# encoded once for all contents; the second number bounds the longer side of a strip.
STYLE_SIDE, STYLE_LENGTH = 512, 2048

# Of memory for each pixel of a picture that is painted whole. Measured: from 2.6 to 10.2 megapixels a process grew by
# 47 bytes a pixel, of which 12 were the photo; tiles take some hundred megabytes beside that.
BYTES_PER_PIXEL = 35.0

# The side of the squares that a picture in parts is painted in: those of `SIDE` are faster by a seventh, and take
# 100 MB more, which counts where everything else takes 300.
SIDE_IN_PARTS = 960

logger = logging.getLogger("impasto")


class AdaIN:
    """The method, ready to paint: holds networks, and nothing of the pictures that it painted."""

    method = AdaINOptions.method
    takes_arrays = True

    def __init__(
        self,
        device: Device = CPU,
        *,
        weights: Path | None = None,
        download: Callable[[int, int], None] | None = None,
    ) -> None:
        """weights: a local file for the encoder vgg19. download: told of (bytes, total) while weights are fetched."""
        self.device = device
        self.weights = weights
        self._download = download
        self._backends: dict[tuple[str, str, str], Backend] = {}
        # A runtime computes one picture at a time.
        self._lock = RLock()

    def __call__(
        self,
        content: Array,
        styles: Sequence[Array | Style],
        options: AdaINOptions,
        *,
        masks: Sequence[Array] | None = None,
        start: Array | None = None,
        progress: ProgressCallback | None = None,
        saving: Any = None,
    ) -> Array:
        """Paint `content`, (N, 3, H, W) in [0, 1], in the style of `styles`, (1, 3, h, w) each or encoded.

        content, styles: with a fourth channel, opacity, what is transparent counts for nothing.
        masks: one (1, 1, H, W) map per style, how much of each position is that style's; what no style has stays the
            content's. Without, the styles are blended in the shares of options.style_blend.
        Returns (N, 3, H, W) in [0, 1]. Raises OptionError, WeightsError, OutOfMemoryError.
        """
        if options.strength > 1:
            logger.warning("strength is %g: more than the painting's own style exaggerates it", options.strength)
        painted = self.paint_frame(content, styles, options, masks=masks)
        if progress:
            progress(Progress(step=1, total=1, size=(content.shape[2], content.shape[3]), preview=lambda: painted))
        return painted

    def paint_in_parts(
        self,
        content: Raster,
        styles: Sequence[Array | Style],
        options: AdaINOptions,
        *,
        masks: Sequence[Array] | None,
        write: Callable[[Window, Array], None],
    ) -> None:
        """The same of a picture without opacity that is looked at part by part; write: takes parts of the painting, in
        rows from the top, each from the left, which nothing keeps within [0, 1]."""
        if options.strength > 1:
            logger.warning("strength is %g: more than the painting's own style exaggerates it", options.strength)
        with self._lock, memory_guard(self.device, *content.size, 0):
            painter = self._painter(styles, options, masks)
            for place, part in replace(painter, side=SIDE_IN_PARTS, sparing=True).parts(content):
                write(place, part)

    def paint_frame(
        self,
        content: Array,
        styles: Sequence[Array | Style],
        options: AdaINOptions,
        *,
        masks: Sequence[Array] | None = None,
        following: Following | None = None,
        canvas: Array | None = None,
    ) -> Array:
        """The same without a word about it. following, canvas: of a frame of a film, whose statistics follow those of
        frames before and whose strokes lie on a canvas, as `Painter` has them."""
        height, width = content.shape[-2:]
        with self._lock, memory_guard(self.device, height, width, len(content) * BYTES_PER_PIXEL):
            picture, opacity = visible(content)
            shown = None if opacity is None else Held(opacity)
            painter = self._painter(styles, options, masks)
            painted = replace(painter, opacity=shown, following=following, canvas=canvas)(picture)
            return np.clip(painted, 0, 1, out=painted)

    def _painter(
        self, styles: Sequence[Array | Style], options: AdaINOptions, masks: Sequence[Array] | None
    ) -> Painter:
        backend = self.backend(options)
        _refuse_what_does_nothing(backend, options)
        codes = [self._encoded(style, options) for style in styles]
        how = {name: getattr(options, name) for name in ("strength", "detail", "stroke")}
        painter = Painter(backend=backend, **how)
        if masks is None:
            return replace(painter, style=blended(codes, options.blend_weights(len(codes))))
        return replace(painter, regions=list(zip(codes, map(Held, masks), strict=True)))

    def encode(self, picture: Array, options: AdaINOptions, *, name: str = "") -> Style:
        """A style, (1, 3, h, w) in [0, 1], or (1, 4, h, w) with the opacity of its pixels, of which what is transparent
        counts for nothing; to be reused for any number of contents."""
        sides = picture.shape[-2:]
        ratio = options.style_scale * min(STYLE_SIDE / min(sides), STYLE_LENGTH / max(sides))
        height, width = (max(1, round(side * ratio)) for side in sides)
        with self._lock, memory_guard(self.device, height, width, BYTES_PER_PIXEL):
            pixels, opacity = visible(image.resize(picture, height, width))
            backend = self.backend(options)
            has_strokes = min(height, width) >= LEAST
            if has_strokes:
                backend.expect("change", pixels)
            statistics = encoded(backend, pixels, opacity)
            tones = colours([(pixels, opacity)])
            length = length_of(backend.change(pixels)) if has_strokes else Style.length
        return Style(statistics, tones, self._eye(options), name, options.style_scale, length, picture)

    def bytes_per_pixel(self, options: AdaINOptions, *, regions: int = 0) -> float:
        """Memory of one pixel of the picture at the peak of painting."""
        return BYTES_PER_PIXEL + 8 * regions

    def weights_hashes(self, options: AdaINOptions) -> dict[str, str]:
        """{network: sha256 of its weights}, for the record of how a picture was made."""
        return {
            options.encoder: self._encoder_hash(options),
            options.decoder: sha256_of(decoder_file(options.decoder)),
        }

    def backend(self, options: AdaINOptions) -> Backend:
        """What computes with these options, loaded once: the embedded graphs on the processor, PyTorch for all else."""
        key = options.encoder, options.decoder, options.precision
        if key not in self._backends:
            if (options.encoder, options.decoder, str(self.device)) == ("lite", "adain", "cpu"):
                from impasto.engine.openvino import OpenVINO

                self._backends[key] = OpenVINO(options.precision)
            else:
                self._backends[key] = self._load(options)
        return self._backends[key]

    def _load(self, options: AdaINOptions) -> Backend:
        chosen = f"the device {self.device}"
        if options.decoder != AdaINOptions.decoder:
            chosen = f"the decoder {options.decoder}"
        if options.encoder != AdaINOptions.encoder:
            chosen = f"the encoder {options.encoder}"
        torch = needed_torch(chosen)
        from impasto.methods.adain.backend import load_networks

        encoder = options.encoder, self.weights, self._download
        return load_networks(*encoder, decoder_file(options.decoder), torch.device(str(self.device)), options.precision)

    def _encoded(self, style: Array | Style, options: AdaINOptions) -> Style:
        if not isinstance(style, Style):
            return self.encode(style, options)
        if style.encoder != self._eye(options):
            raise OptionError(
                f"style '{style.name}' was encoded by another encoder than {options.encoder}; encode the painting anew"
            )
        options.check_scale(style.name, style.scale)
        return style

    def _encoder_hash(self, options: AdaINOptions) -> str:
        return sha256_of(self.weights or location(WEIGHTS[options.encoder]))

    def _eye(self, options: AdaINOptions) -> str:
        """What a style was seen with: the same weights see differently through another pooling."""
        return f"{self._encoder_hash(options)} {_pooling(decoder_file(options.decoder))}"


def decoder_file(name: str) -> Path:
    """The file of an embedded decoder, or else the file that `name` names."""
    return location(WEIGHTS[name]) if name in WEIGHTS and name.startswith("adain") else Path(name)


@cache
def _pooling(decoder: Path) -> str:
    """What the decoder's encoder pools with."""
    return str(load_arrays(decoder)[1].get("pooling", "average"))


def _refuse_what_does_nothing(backend: Backend, options: AdaINOptions) -> None:
    """Detail and stroke would be ignored silently by a decoder that has not learned them. Raises OptionError."""
    if backend.config.detailed:
        return
    for name in ("detail", "stroke"):
        if getattr(options, name) != getattr(AdaINOptions, name):
            raise OptionError(f"{name} cannot be chosen: the decoder '{options.decoder}' has not learned it")

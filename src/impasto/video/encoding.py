"""How painted frames are encoded: by which codec, in which container, at which quality."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from impasto.errors import OptionError
from impasto.video.clips import ClipPart
from impasto.video.options import FILMS, VideoOptions, suffix_of
from impasto.video.reading import FORMS, Pixels, explained

QUALITY = 75
"""Of 100, where none is chosen."""

PRORES = ("proxy", "lt", "standard", "hq")

# No frame depends on a later one: times of decoding are times of showing, and pieces can be joined as they are.
X264 = {"preset": "fast", "bf": "0"}
X265 = {"preset": "fast", "x265-params": "bframes=0:log-level=none"}
SVT_AV1 = {"preset": "8"}


@dataclass(frozen=True)
class Encoding:
    """codec, form: of PyAV, the form of the encoder's pixels. container: of a piece. options: of the encoder.

    is_even: sides have to be even. has_alpha, bits: what is kept of the pixels.
    """

    codec: str
    form: str
    container: str
    options: dict[str, str] = field(default_factory=dict)
    is_even: bool = True
    has_alpha: bool = False
    bits: int = 8


def encoding_for(path: Path, options: VideoOptions, *, bits: int, has_alpha: bool) -> Encoding:
    """Of the pieces of what is to be written to `path`. bits, has_alpha: of the frames."""
    suffix = suffix_of(path)
    if suffix not in FILMS:
        # Without loss, for what is written from all frames at the end: animations, and folders of as many bits.
        bits = 8 if suffix else bits
        form = {8: ("bgr0", "bgra"), 16: ("gbrp16le", "gbrap16le")}[bits][has_alpha]
        return Encoding("ffv1", form, "nut", is_even=False, has_alpha=has_alpha, bits=bits)
    quality = QUALITY if options.video_quality is None else options.video_quality
    deep = "yuv420p10le" if bits > 8 else "yuv420p"
    match options.codec or ("av1" if suffix == ".webm" else "h264"):
        case "h264":
            return Encoding("libx264", "yuv420p", "mp4", X264 | {"crf": f"{40 - 0.3 * quality:.1f}"})
        case "h265":
            return Encoding("libx265", deep, "mp4", X265 | {"crf": f"{43 - 0.3 * quality:.1f}"}, bits=bits)
        case "av1":
            return Encoding("libsvtav1", deep, "mp4", SVT_AV1 | {"crf": f"{63 - 0.45 * quality:.0f}"}, bits=bits)
    profile = "4444" if has_alpha else PRORES[min(3, quality * 4 // 100)]
    form = "yuva444p10le" if has_alpha else "yuv422p10le"
    return Encoding("prores_ks", form, "mov", {"profile": profile}, has_alpha=has_alpha, bits=bits)


class VideoEncoder:
    """One file of frames, to be written in order and then closed."""

    def __init__(self, path: Path, encoding: Encoding, part: ClipPart) -> None:
        # The encoder of AV1 tells of everything that it does unless this says otherwise.
        os.environ.setdefault("SVT_LOG", "1")
        self.path, self.encoding, self.part = path, encoding, part
        self.container = av.open(str(path), "w", format=encoding.container)
        self.stream: Any = None
        self.reformatter = VideoReformatter()
        self.colours: dict[str, Any] = {"threads": 1}
        if encoding.is_even:
            how = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP
            self.colours |= {
                "dst_colorspace": Colorspace.ITU709, "dst_color_range": ColorRange.MPEG, "interpolation": how
            }  # fmt: skip

    def write(self, pixels: Pixels, pts: int) -> None:
        """Raises PictureError if the disk is full, or OptionError if the codec does not take such frames."""
        shown = _fitting(pixels, self.encoding)
        if self.stream is None:
            self._begin(*shown.shape[:2])
        frame = av.VideoFrame.from_ndarray(shown, format=FORMS[8 * shown.itemsize, shown.shape[2] == 4])
        frame = self.reformatter.reformat(frame, format=self.encoding.form, **self.colours)
        frame.pts, frame.time_base = pts, self.part.time_base
        self._mux(frame)

    def close(self) -> None:
        """Raises PictureError if the disk is full."""
        if self.stream is not None:
            self._mux(None)
        with explained(self.path):
            self.container.close()

    def _mux(self, frame: Any) -> None:
        with explained(self.path):
            self.container.mux(self.stream.encode(frame))

    def _begin(self, height: int, width: int) -> None:
        encoding, rate = self.encoding, self.part.rate or self.part.clip.rate
        try:
            self.stream = self.container.add_stream(encoding.codec, rate=rate, options=dict(encoding.options))
            self.stream.width, self.stream.height, self.stream.pix_fmt = width, height, encoding.form
            context = self.stream.codec_context
            context.time_base = self.stream.time_base = self.part.time_base
            context.sample_aspect_ratio = self.part.clip.aspect
            if encoding.is_even:
                context.color_range = ColorRange.MPEG
                context.colorspace = 1  # BT.709 of H.273, as the next two
                context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            what = f"{width} x {height} pixels at {float(rate):.4g} frames a second"
            raise OptionError(f"codec {encoding.codec} does not take {what}: {str(error).lower()}") from error


def _fitting(pixels: Pixels, encoding: Encoding) -> Pixels:
    """What the codec can hold of a frame."""
    if pixels.shape[2] == 4 and not encoding.has_alpha:
        pixels = _on_white(pixels)
    if pixels.dtype == np.uint16 and encoding.bits == 8:
        pixels = ((pixels.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)
    if encoding.is_even:
        # Colours are stored for pairs of pixels; one that stands alone is left out, or shown twice where it is all.
        height, width = pixels.shape[:2]
        pixels = pixels[: max(1, height - height % 2), : max(1, width - width % 2)]
        pixels = np.repeat(pixels, 2, 0) if height == 1 else pixels
        pixels = np.repeat(pixels, 2, 1) if width == 1 else pixels
    return np.ascontiguousarray(pixels)


def _on_white(pixels: Pixels) -> Pixels:
    white = np.iinfo(pixels.dtype).max
    share = pixels[..., 3:].astype(np.float32) / white
    return np.rint(pixels[..., :3] * share + white * (1 - share)).astype(pixels.dtype)

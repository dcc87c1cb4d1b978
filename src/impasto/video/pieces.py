"""What is painted of a film so far, on disk: encoded in whole pieces, and with all that the next frame depends on."""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from impasto import weights
from impasto.errors import CheckpointError, OptionError, WeightsError
from impasto.files import make_folder
from impasto.video.clips import ClipPart
from impasto.video.options import FILMS, VideoOptions, suffix_of
from impasto.video.painters import Memory
from impasto.video.reading import FORMS, Frame, Pixels, explained

# A part of every fingerprint: what a state holds, and how frames follow from it.
FORMAT = 2

SECONDS, FRAMES = 2, 100
"""A piece ends with the next key frame after so many seconds, and at the latest after so many frames."""

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


@dataclass
class Place:
    """How far a film is painted. pieces: that are whole. begin: the time of the next frame; end: when the last one is
    over. frames: that were painted. is_over: there is none left."""

    pieces: int = 0
    begin: int | None = None
    end: int = 0
    frames: int = 0
    is_over: bool = False


class Pieces:
    """A folder NAME.pieces beside the film NAME, for files that nobody else writes there.

    place: how far the film is painted. Each piece is kept as soon as it is whole.
    """

    def __init__(self, target: Path, part: ClipPart, encoding: Encoding, depends_on: object) -> None:
        """depends_on: all that the frames do, as JSON can say it."""
        self.folder = target.with_name(f"{target.name}.pieces")
        self.part, self.encoding = part, encoding
        said = json.dumps([FORMAT, encoding.container, depends_on], sort_keys=True, default=str)
        self.fingerprint = hashlib.sha256(said.encode()).hexdigest()
        self.place = Place()
        self._state = self.folder / "state.safetensors"
        self._encoder: VideoEncoder | None = None
        self._memory: Memory = {}
        self._began = self._newest = self._inside = 0

    @property
    def files(self) -> list[Path]:
        """The pieces that are whole, in order."""
        return [self._file(number) for number in range(self.place.pieces)]

    def resume(self) -> Memory:
        """The memory that was kept with the last piece; a new beginning, and none, where nothing was.

        Raises CheckpointError if what was kept is of another film, or painted otherwise.
        """
        if not self._state.exists():
            return {}
        try:
            memory, config = weights.load_arrays(self._state)
            self.place = Place(**config["place"])
        except (WeightsError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{self.folder}: cannot be resumed from; delete it to begin again ({error})"
            ) from None
        if config.get("fingerprint") != self.fingerprint:
            raise CheckpointError(
                f"{self.folder}: belongs to another film or to other options; delete it, or leave --resume out"
            )
        missing = next((path for path in self.files if not path.is_file()), None)
        if missing:
            raise CheckpointError(f"{missing}: this piece of the film is gone; delete its folder to begin again")
        return memory

    def begin(self) -> None:
        """An empty folder. Raises PictureError if there cannot be one."""
        self.remove()
        make_folder(self.folder)

    def write(self, frame: Frame, pixels: Pixels, memory: Memory) -> None:
        """The next frame, as it is painted. memory: what the one after it depends on. Raises PictureError."""
        if self._encoder is not None and self._is_long_enough(frame):
            self._keep(begin=frame.pts)
        if self._encoder is None:
            self._encoder = VideoEncoder(self._unfinished, self.encoding, self.part)
            self._began, self._inside = frame.pts, 0
        self._encoder.write(pixels, frame.pts)
        self._inside += 1
        self._newest, self._memory = frame.pts, memory
        self.place.frames += 1
        self.place.end = frame.pts + frame.duration

    def end(self, *, is_over: bool) -> None:
        """The last piece is as long as it is. is_over: the film is."""
        if self._encoder is not None:
            self._keep(begin=None if is_over else self._newest + 1)

    def remove(self) -> None:
        """All that is ours; the folder, too, unless somebody put something into it."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path == self._state or re.fullmatch(r"\d{5}\.(part|mp4|mov|nut)", path.name):
                path.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:05}.{self.encoding.container}"

    @property
    def _unfinished(self) -> Path:
        """The file of the piece that is not whole yet."""
        return self._file(self.place.pieces).with_suffix(".part")

    def _is_long_enough(self, frame: Frame) -> bool:
        seconds = (frame.pts - self._began) * self.part.time_base
        return (frame.is_key and seconds >= SECONDS) or self._inside >= FRAMES

    def _keep(self, *, begin: int | None) -> None:
        """The piece is whole. begin: of the next one; None if there is none."""
        assert self._encoder is not None
        self._encoder.close()
        self._encoder = None
        self._unfinished.replace(self._file(self.place.pieces))
        self.place.pieces += 1
        self.place.begin, self.place.is_over = begin, begin is None
        config = {"fingerprint": self.fingerprint, "place": asdict(self.place)}
        weights.save_arrays(self._state, self._memory, config)


# --- encoding --------------------------------------------------------------------------------------------------------


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

"""Any film as a stream of frames, also an animated WebP and a folder of pictures: which part of it, at which rate."""

import itertools
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto import image
from impasto.errors import OptionError, PictureError, reason_of
from impasto.gallery import is_picture
from impasto.record import explained
from impasto.video import reading
from impasto.video.options import VideoOptions
from impasto.video.reading import NO_FILM, Clip, Frame, Pixels

# A rate in words of few digits, such as 29.97, is meant as a fraction of small numbers.
LARGEST_DENOMINATOR = 1001

# Of a folder that does not say.
FOLDER_RATE = Fraction(25)


def open_clip(path: Path, options: VideoOptions) -> Clip:
    """What the film at `path` is: a file of any kind that PyAV or Pillow reads, or a folder of frames.

    Raises PictureError, one line.
    """
    try:
        if path.is_dir():
            return _open_folder(path, rate_of(options))
        return _open_webp(path) if _is_webp(path) else reading.open_film(path)
    except OSError as error:
        raise PictureError(f"{path}: it cannot be read: {reason_of(error)}") from error


def read_clip(clip: Clip, size: tuple[int, int], begin: int | None = None) -> Iterator[Frame]:
    """All frames of a clip, in order, at this (height, width). begin: the first pts that is wanted."""
    if clip.path.is_dir():
        return _read_folder(clip, size, begin)
    return _read_webp(clip, size, begin) if _is_webp(clip.path) else reading.read_film(clip, size, begin)


def rate_of(options: VideoOptions) -> Fraction | None:
    """The option fps, exactly."""
    return None if options.fps is None else Fraction(options.fps).limit_denominator(LARGEST_DENOMINATOR)


class ClipPart:
    """The frames of a clip that the options ask for, at the times that they will be shown at.

    time_base: of these times, which begin with 0 where the part does. count: of frames, estimated; None if unknown.
    """

    def __init__(self, clip: Clip, size: tuple[int, int], options: VideoOptions) -> None:
        self.clip = clip
        self.size = size
        start, end = options.seconds("start"), options.seconds("end") if options.end is not None else None
        # A broadcast begins at any time; where nothing else is said, what is shown first comes first.
        self.origin = max(0, clip.origin) + round(start / clip.time_base)
        self.end = None if end is None else max(0, clip.origin) + math.ceil(end / clip.time_base)
        self.has_start = options.start is not None
        self.rate = None if clip.path.is_dir() else rate_of(options)
        self.time_base = clip.time_base if self.rate is None else 1 / self.rate
        self.count = self._count(start, end)

    def _count(self, start: Fraction, end: Fraction | None) -> int | None:
        if self.clip.count is None:
            return None if end is None else math.ceil((end - start) * (self.rate or self.clip.rate))
        length = Fraction(self.clip.count) / self.clip.rate
        if start >= length:
            raise OptionError(f"start is {float(start):g} s, but the film ends after {float(length):.2f} s")
        seconds = min(length, end if end is not None else length) - start
        return max(1, round(seconds * (self.rate or self.clip.rate)))

    def time_of(self, frame: Frame) -> str:
        """What messages call a frame."""
        minutes, seconds = divmod(float(frame.pts * self.time_base), 60)
        return f"{self.clip.path}: frame at {int(minutes)}:{seconds:06.3f}"

    def frames(self, begin: int | None = None) -> Iterator[Frame]:
        """In order. begin: the first time that is wanted, in units of `time_base`; all if None."""
        for frame in self._shifted(begin) if self.rate is None else self._at_rate(self.rate, begin):
            if begin is None or frame.pts >= begin:
                yield frame

    def _at_rate(self, rate: Fraction, begin: int | None) -> Iterator[Frame]:
        """At every tick the frame that is shown then; one that is shown at several keeps its pixels, the same array."""
        ticks = self.clip.time_base * rate
        # A time of the clip that is certainly before the tick.
        earlier = None if begin is None else math.floor((begin - 1) / ticks) - round(1 / self.clip.time_base)
        for frame, after in itertools.pairwise(itertools.chain(self._shifted(earlier), [None])):
            assert frame is not None
            until = frame.pts + frame.duration if after is None else after.pts
            first, last = math.ceil(frame.pts * ticks), math.ceil(until * ticks)
            for tick in range(first, last):
                yield replace(frame, pts=tick, duration=1, is_key=frame.is_key and tick == first)

    def _shifted(self, begin: int | None) -> Iterator[Frame]:
        starts = [self.origin] if self.has_start else []
        starts += [] if begin is None else [begin + self.origin]
        for frame in read_clip(self.clip, self.size, max(starts, default=None)):
            if self.end is not None and frame.pts >= self.end:
                return
            yield replace(frame, pts=frame.pts - self.origin)


# --- films that are pictures to Pillow and libvips -------------------------------------------------------------------


def _open_folder(path: Path, fps: Fraction | None) -> Clip:
    """A folder's pictures in the order of their names. Raises PictureError if there is none that can be read."""
    files, rate = _pictures(path), fps or FOLDER_RATE
    for file in files:
        with suppress(PictureError):
            first = image.read(file)
            break
    else:
        raise PictureError(f"{path}: this folder holds no pictures that can be read")
    has_alpha = first.alpha is not None
    return Clip(path, 1 / rate, rate, first.height, first.width, first.bits, has_alpha, count=len(files), is_film=False)


def _read_folder(clip: Clip, size: tuple[int, int], begin: int | None = None) -> Iterator[Frame]:
    for number, path in enumerate(_pictures(clip.path)):
        if number < (begin or 0):
            continue
        try:
            picture = image.read(path)
            if (picture.height, picture.width) != (clip.height, clip.width):
                raise PictureError(
                    f"{path}: is of {picture.width} x {picture.height} pixels, the first frame of {clip.width} x"
                    f" {clip.height}"
                )
            yield Frame(number, 1, _scaled(picture, clip, size), is_key=True)
        except PictureError as error:
            yield Frame(number, 1, None, problem=str(error))


def _pictures(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if is_picture(one))


def _scaled(picture: image.Picture, clip: Clip, size: tuple[int, int]) -> Pixels:
    """The picture as a frame of the clip."""
    pixels = image.resize(picture.pixels, *size)
    alpha = None if picture.alpha is None else image.resize(picture.alpha, *size)
    kind = np.uint16 if clip.bits > 8 else np.uint8
    return image.to_array(image.Picture(pixels, alpha), kind, 4 if clip.has_alpha else 3)


def _is_webp(path: Path) -> bool:
    """By its first bytes."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[:4] == b"RIFF" and start[8:] == b"WEBP"


def _open_webp(path: Path) -> Clip:
    """An animated WebP, which PyAV cannot read. Raises PictureError."""
    with explained(str(path)), Image.open(path) as file:
        count = int(getattr(file, "n_frames", 1))
        if count == 1:
            raise PictureError(NO_FILM)
        durations = list(_durations(file, min(count, 10)))
        rate = Fraction(1000 * len(durations), sum(durations))
        has_alpha = file.mode == "RGBA"
        return Clip(path, Fraction(1, 1000), rate, file.height, file.width, 8, has_alpha, count=count, is_film=False)


def _read_webp(clip: Clip, size: tuple[int, int], begin: int | None = None) -> Iterator[Frame]:
    pts = 0
    with explained(str(clip.path)), Image.open(clip.path) as file:
        for duration in _durations(file, clip.count or 1):
            if begin is None or pts >= begin:
                form = file.convert("RGBA" if clip.has_alpha else "RGB")
                scaled = form if form.size == size[::-1] else form.resize(size[::-1], Image.Resampling.LANCZOS)
                yield Frame(pts, duration, np.array(scaled), is_key=pts == 0)
            pts += duration


def _durations(file: Any, count: int) -> Iterator[int]:
    """Milliseconds of the first frames, each of which is what `file` shows meanwhile."""
    for number in range(count):
        file.seek(number)
        file.load()
        yield int(file.info.get("duration", 0)) or 100

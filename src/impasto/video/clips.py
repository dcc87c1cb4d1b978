"""Any film as a stream of frames: which part of it, at which rate."""

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from impasto.errors import OptionError, PictureError, reason_of
from impasto.video import reading, stills
from impasto.video.options import VideoOptions
from impasto.video.reading import Clip, Frame

# A rate in words of few digits, such as 29.97, is meant as a fraction of small numbers.
LARGEST_DENOMINATOR = 1001


def open_clip(path: Path, options: VideoOptions) -> Clip:
    """What the film at `path` is: a file of any kind that PyAV or Pillow reads, or a folder of frames.

    Raises PictureError, one line.
    """
    try:
        if path.is_dir():
            return stills.open_folder(path, rate_of(options))
        return stills.open_webp(path) if stills.is_webp(path) else reading.open_film(path)
    except OSError as error:
        raise PictureError(f"{path}: it cannot be read: {reason_of(error)}") from error


def read_clip(clip: Clip, size: tuple[int, int], begin: int | None = None) -> Iterator[Frame]:
    """All frames of a clip, in order, at this (height, width). begin: the first pts that is wanted."""
    if clip.path.is_dir():
        return stills.read_folder(clip, size, begin)
    return stills.read_webp(clip, size, begin) if stills.is_webp(clip.path) else reading.read_film(clip, size, begin)


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
        frames = self._shifted(begin if self.rate is None else None if begin is None else self._earlier(begin))
        for frame in frames if self.rate is None else self._at_rate(frames):
            if begin is None or frame.pts >= begin:
                yield frame

    def _earlier(self, tick: int) -> int:
        """A time of the clip that is certainly before this tick of the rate."""
        assert self.rate is not None
        return math.floor((tick - 1) / self.rate / self.clip.time_base) - round(1 / self.clip.time_base)

    def _shifted(self, begin: int | None) -> Iterator[Frame]:
        first = self.origin if self.has_start else None
        if begin is not None:
            first = max(first, begin + self.origin) if first is not None else begin + self.origin
        for frame in read_clip(self.clip, self.size, first):
            if self.end is not None and frame.pts >= self.end:
                return
            yield replace(frame, pts=frame.pts - self.origin)

    def _at_rate(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """At every tick the frame that is shown then; one that is shown at several keeps its pixels, the same array."""
        assert self.rate is not None
        before: Frame | None = None
        for frame in frames:
            if before is not None:
                yield from self._ticks(before, frame.pts)
            before = frame
        if before is not None:
            yield from self._ticks(before, before.pts + before.duration)

    def _ticks(self, frame: Frame, until: int) -> Iterator[Frame]:
        """frame, shown until then, once for each tick of the rate."""
        assert self.rate is not None
        first, last = (math.ceil(pts * self.clip.time_base * self.rate) for pts in (frame.pts, until))
        for tick in range(first, last):
            yield replace(frame, pts=tick, duration=1, is_key=frame.is_key and tick == first)

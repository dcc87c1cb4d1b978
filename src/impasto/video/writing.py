"""Painted frames become whole pieces of a film, each kept as soon as it is."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from impasto.video.clips import ClipPart
from impasto.video.encoding import Encoding, VideoEncoder
from impasto.video.motion import Floats
from impasto.video.painters import FramePainter, Memory, ShownFrame
from impasto.video.pieces import Pieces, Place
from impasto.video.reading import Frame, Pixels

SECONDS, FRAMES = 2, 100
"""A piece ends with the next key frame after so many seconds, and at the latest after so many frames."""

logger = logging.getLogger("impasto")


@dataclass(frozen=True)
class Item:
    """A frame on its way. shown: None of one that cannot be read, or is the last one once more."""

    frame: Frame
    shown: ShownFrame | None


class Writer:
    """Takes frames in order, with what `FramePainter.paint` made of them, or None where the last one is repeated."""

    def __init__(
        self, painter: FramePainter, part: ClipPart, encoding: Encoding, pieces: Pieces, place: Place
    ) -> None:  # fmt: skip
        """place: how far the film is painted already."""
        self.painter = painter
        self.part = part
        self.encoding = encoding
        self.pieces = pieces
        self.whole = place.pieces
        self.frames = place.frames
        self.over = place.end
        self.encoder: VideoEncoder | None = None
        self.began = self.newest = self.inside = 0
        self.last: Pixels | None = None
        self.memory: Memory = {}

    @property
    def files(self) -> list[Path]:
        """The pieces that are whole, in order."""
        return [self.pieces.path(number) for number in range(self.whole)]

    def resume(self, memory: Memory) -> None:
        """memory: that was kept with the last piece."""
        self.last = _to_pixels(memory["before"], memory["source"])
        self.memory = memory

    def __call__(self, item: tuple[Item, tuple[Floats, Memory] | None]) -> None:
        frame, shown, painted = item[0].frame, item[0].shown, item[1]
        if self.encoder is not None and self._is_long_enough(frame):
            self._keep(begin=frame.pts)
        if painted is not None and shown is not None:
            picture, settled = self.painter.settle(painted[0], shown)
            self.last = _to_pixels(picture, shown.pixels)
            place = {"source": shown.pixels, "pts": np.array([frame.pts])}
            self.memory = {**painted[1], **settled, **place}
        elif frame.problem:
            what = "the frame before is repeated" if self.last is not None else "it is left out"
            logger.warning("%s: %s; %s", self.part.time_of(frame), frame.problem, what)
        if self.last is not None:
            self._write(frame, self.last)

    def _write(self, frame: Frame, pixels: Pixels) -> None:
        if self.encoder is None:
            rate = self.part.rate or self.part.clip.rate
            path = self.pieces.part(self.whole)
            self.encoder = VideoEncoder(path, self.encoding, self.part.clip, self.part.time_base, rate)
            self.began, self.inside = frame.pts, 0
        self.encoder.write(pixels, frame.pts)
        self.inside += 1
        self.frames += 1
        self.newest, self.over = frame.pts, frame.pts + frame.duration

    def _is_long_enough(self, frame: Frame) -> bool:
        seconds = (frame.pts - self.began) * self.part.time_base
        return (frame.is_key and seconds >= SECONDS) or self.inside >= FRAMES

    def _keep(self, *, begin: int | None) -> None:
        """The piece is whole. begin: of the next one; None if there is none."""
        assert self.encoder is not None
        self.encoder.close()
        self.encoder = None
        self.whole += 1
        self.pieces.keep(Place(self.whole, begin, self.over, self.frames, begin is None), self.memory)

    def end(self, *, is_over: bool) -> None:
        """The last piece is as long as it is. is_over: the film is."""
        if self.encoder is not None:
            self._keep(begin=None if is_over else self.newest + 1)


def _to_pixels(picture: Floats, source: Pixels) -> Pixels:
    """As many bits as the source, and its opacity."""
    white = np.iinfo(source.dtype).max
    pixels = np.rint(picture.clip(0, 1) * white).astype(source.dtype)
    return np.concatenate([pixels, source[..., 3:]], 2) if source.shape[2] == 4 else pixels

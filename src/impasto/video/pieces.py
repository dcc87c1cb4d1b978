"""What is painted of a film so far, on disk: whole pieces, and all that the next frame depends on."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from impasto import weights
from impasto.errors import CheckpointError, WeightsError
from impasto.files import make_folder
from impasto.video.clips import ClipPart
from impasto.video.encoding import Encoding, VideoEncoder
from impasto.video.painters import Memory
from impasto.video.reading import Frame, Pixels

# A part of every fingerprint: what a state holds, and how frames follow from it.
FORMAT = 2

SECONDS, FRAMES = 2, 100
"""A piece ends with the next key frame after so many seconds, and at the latest after so many frames."""


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

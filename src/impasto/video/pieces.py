"""What is painted of a film so far, on disk: whole pieces, and all that the next frame depends on."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from impasto import weights
from impasto.errors import CheckpointError, WeightsError
from impasto.files import make_folder

# A part of every fingerprint: what a state holds, and how frames follow from it.
FORMAT = 2


@dataclass(frozen=True)
class Place:
    """How far a film is painted. pieces: that are whole. begin: the time of the next frame; end: when the last one is
    over. frames: that were painted. is_over: there is none left."""

    pieces: int = 0
    begin: int | None = None
    end: int = 0
    frames: int = 0
    is_over: bool = False


class Pieces:
    """A folder NAME.pieces beside the film NAME, for files that nobody else writes there."""

    def __init__(self, target: Path, container: str, depends_on: object) -> None:
        """depends_on: all that the frames do, as JSON can say it."""
        self.folder = target.with_name(f"{target.name}.pieces")
        self.container = container
        said = json.dumps([FORMAT, container, depends_on], sort_keys=True, default=str)
        self.fingerprint = hashlib.sha256(said.encode()).hexdigest()

    def resume(self) -> tuple[Place, dict[str, NDArray[Any]]]:
        """Where to go on, and the arrays that were kept; a new beginning where nothing was.

        Raises CheckpointError if what was kept is of another film, or painted otherwise.
        """
        if not self._state.exists():
            return Place(), {}
        try:
            arrays, config = weights.load_arrays(self._state)
            place = Place(**config["place"])
        except (WeightsError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{self.folder}: cannot be resumed from; delete it to begin again ({error})"
            ) from None
        if config.get("fingerprint") != self.fingerprint:
            raise CheckpointError(
                f"{self.folder}: belongs to another film or to other options; delete it, or leave --resume out"
            )
        missing = [path for path in map(self.path, range(place.pieces)) if not path.is_file()]
        if missing:
            raise CheckpointError(f"{missing[0]}: this piece of the film is gone; delete its folder to begin again")
        return place, arrays

    def begin(self) -> None:
        """An empty folder. Raises PictureError if there cannot be one."""
        self.remove()
        make_folder(self.folder)

    def path(self, number: int) -> Path:
        return self.folder / f"{number:05}.{self.container}"

    def part(self, number: int) -> Path:
        """Of a piece that is not whole yet."""
        return self.path(number).with_suffix(".part")

    def keep(self, place: Place, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The last one of so many pieces is whole."""
        self.part(place.pieces - 1).replace(self.path(place.pieces - 1))
        config = {"fingerprint": self.fingerprint, "place": vars(place)}
        weights.save_arrays(self._state, arrays, config)

    def remove(self) -> None:
        """All that is ours; the folder, too, unless somebody put something into it."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path == self._state or re.fullmatch(r"\d{5}\.(part|mp4|mov|nut)", path.name):
                path.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    @property
    def _state(self) -> Path:
        return self.folder / "state.safetensors"

"""What workers are told, once and with every painting, and what they tell of it, wherever they run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from impasto import addresses, image
from impasto.batch.inputs import Input
from impasto.decoding import Decoded
from impasto.errors import ImpastoError
from impasto.files import in_unicode
from impasto.gallery import style_file
from impasto.options import Options
from impasto.record import Record

SHARD = ".tar"
State = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Carried:
    """A file that travels with the settings, as workers need not see the disk that it lies on; or, without data, one
    that comes with impasto."""

    name: str
    data: bytes | None = field(default=None, repr=False)

    @cached_property
    def digest(self) -> str:
        """Tells it from others."""
        return f"impasto's {self.name}" if self.data is None else hashlib.sha256(self.data).hexdigest()

    def unpacked(self, path: Path) -> Path:
        """The file at this path, which is made; or what the name means to impasto."""
        if self.data is None:
            return Path(self.name)
        path.write_bytes(self.data)
        return path


def carried_style(word: str) -> Carried:
    """A style by address, or by the name of one of impasto's own. Raises PictureError if it is nowhere."""
    if addresses.is_remote(word):
        return Carried(word.rpartition("/")[2], addresses.read(word))
    path = style_file(word)
    return Carried(word) if path != Path(word) else Carried(path.name, addresses.read(word))


def carried_weights(path: Path) -> Carried:
    """Weights by path, or by the name of some that come with impasto."""
    return Carried(path.name, addresses.read(str(path))) if path.exists() else Carried(str(path))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """styles: {word: style} of all words that tasks use. weights: a file of them; None for the usual ones. threads: of
    each worker, on a CPU. bits: per channel of what is written, None for the content's own. overwrite: replace what
    lies where a painting goes, unless it is that very painting.
    """

    styles: Mapping[str, Carried] = field(default_factory=dict)
    device: str = "cpu"
    weights: Carried | None = None
    pixel_limit: int
    threads: int = 1
    bits: int | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an input: a row of the ledger.

    key: sha256 of the content's file; empty if it was not read. seconds: of painting, without reading and writing.
    bytes: of the file that was written. is_final: whether every painting by these settings would meet the same error.
    """

    number: int
    input: str
    output: str
    state: State
    reason: str = ""
    seconds: float = 0.0
    attempt: int = 1
    key: str = ""
    version: str = ""
    tag: str = ""
    bytes: int = 0
    is_final: bool = False

    def to_json(self) -> dict[str, Any]:
        """The row, for programs."""
        return {name: in_unicode(value) for name, value in asdict(self).items() if name != "is_final"}


@dataclass(frozen=True, slots=True)
class Task:
    """One painting.

    number: of the input, from 0. place: the folder or the shard that it goes to. name: its path there. version: of
    everything besides the content that decides its pixels. attempt: how often it was tried, this time included.
    is_there: whether something lies there already.
    """

    number: int
    input: Input
    place: str
    name: str
    styles: tuple[str, ...]
    options: Options
    version: str
    attempt: int = 1
    is_there: bool = False

    @property
    def output(self) -> str:
        """Where it goes, for people."""
        return f"{self.place}: {self.name}" if self.is_packed else addresses.joined(self.place, self.name)

    @property
    def is_packed(self) -> bool:
        """Whether it goes into a shard."""
        return self.place.endswith(SHARD)

    def outcome(self, state: State, **facts: Any) -> Outcome:
        """What became of it."""
        return Outcome(
            self.number, str(self.input), self.output, state, attempt=self.attempt, version=self.version,
            tag=self.input.tag, **facts,
        )  # fmt: skip

    def failure(self, error: Exception | str, **facts: Any) -> Outcome:
        """That it failed."""
        if isinstance(error, Exception) and not isinstance(error, ImpastoError):
            error = f"something went wrong inside impasto ({type(error).__name__}: {error})"
        return self.outcome("failed", reason=str(error), **facts)


Chunk = Sequence[Task]
"""Tasks that one worker does one after the other: those of a shard, or a few."""


@dataclass(slots=True, eq=False)
class Work:
    """A task on its way, and as such the source of its content.

    key: sha256 of the content's file. content: until it is painted. pixels: (H, W, 3 or 4) of uint8 or uint16, from
    then on. data: of the painting's file, once there is one. outcome: once nothing is left to do.
    """

    task: Task
    key: str = ""
    content: Decoded | None = None
    pixels: NDArray[Any] | None = None
    record: Record = field(default_factory=dict)
    seconds: float = 0.0
    data: bytes = b""
    outcome: Outcome | None = None

    @property
    def name(self) -> str:
        """Of the content, in the painting's record."""
        return self.task.input.name.rpartition("/")[2]

    def read(self, pixel_limit: int) -> image.Picture:
        """What was decoded before, which is let go of."""
        content, self.content = self.content, None
        assert content
        return image.from_decoded(content)

    def fail(self, error: Exception, *, is_final: bool = False) -> None:
        """It ends here."""
        self.outcome = self.task.failure(error, key=self.key, is_final=is_final)

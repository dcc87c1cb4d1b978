"""What is to be done with one input, and what became of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from impasto import addresses
from impasto.batch.inputs import Input
from impasto.decoding import Decoded
from impasto.errors import ImpastoError
from impasto.files import in_unicode
from impasto.options import Options
from impasto.record import Record

SHARD = ".tar"
State = Literal["done", "skipped", "failed"]


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


Chunk = Sequence[Task]
"""Tasks that one worker does one after the other: those of a shard, or a few."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the ledger.

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


@dataclass(slots=True)
class Work:
    """A task on its way. content: until it is painted. pixels: (H, W, 3 or 4) of uint8 or uint16, from then on. data:
    of a file that was there. outcome: once nothing is left to do."""

    task: Task
    key: str = ""
    content: Decoded | None = None
    pixels: NDArray[Any] | None = None
    record: Record = field(default_factory=dict)
    seconds: float = 0.0
    data: bytes = b""
    outcome: Outcome | None = None


def outcome(task: Task, state: State, **facts: Any) -> Outcome:
    """What became of a task."""
    one = task.input
    return Outcome(
        task.number, str(one), task.output, state, attempt=task.attempt, version=task.version, tag=one.tag, **facts
    )


def failure(task: Task, error: Exception | str, **facts: Any) -> Outcome:
    """That it failed."""
    if isinstance(error, Exception) and not isinstance(error, ImpastoError):
        error = f"something went wrong inside impasto ({type(error).__name__}: {error})"
    return outcome(task, "failed", reason=str(error), **facts)

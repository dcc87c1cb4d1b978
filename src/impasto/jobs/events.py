"""What a run tells of, as plain records."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from impasto.errors import Cancelled, OptionError, WeightsError
from impasto.jobs.job import PaintJob

if TYPE_CHECKING:
    from impasto.image import Picture
    from impasto.record import Record

# What every further job would meet, too; a broken pipe is that of whoever listens.
FINAL = (OptionError, WeightsError, BrokenPipeError)


@dataclass(frozen=True)
class Started:
    """Everything has been read, and painting begins; not told of pictures that are painted several at once."""

    job: PaintJob


@dataclass(frozen=True)
class Painted:
    """The painting is where its target is. seconds: of painting alone, without reading and writing."""

    job: PaintJob
    picture: "Picture"
    record: "Record"
    seconds: float


@dataclass(frozen=True)
class Skipped:
    """The painting was there already."""

    job: PaintJob


@dataclass(frozen=True)
class Failed:
    """The error keeps these jobs from being done, which are several if their content cannot be read."""

    jobs: tuple[PaintJob, ...]
    error: Exception

    @property
    def is_final(self) -> bool:
        """Whether nothing more is painted after it."""
        return isinstance(self.error, FINAL)


@dataclass(frozen=True)
class Stopped:
    """Somebody wished the run to stop, and nothing more is painted after it.

    error: what to raise; its `best` is the picture so far. record: of that picture; None unless it is where the job's
    target is.
    """

    job: PaintJob
    error: Cancelled
    record: "Record | None" = None


Event = Started | Painted | Skipped | Failed | Stopped

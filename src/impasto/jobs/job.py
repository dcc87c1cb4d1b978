"""What is to be painted, where its pictures come from, where it goes and what is told of it, as plain records.

PyTorch is imported when a picture is read.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from impasto.errors import Cancelled, OptionError, WeightsError
from impasto.gallery import is_encoded
from impasto.methods import Saving
from impasto.options import Options
from impasto.progress import Progress

if TYPE_CHECKING:
    from impasto.image import Picture
    from impasto.record import Record


class PictureSource(Protocol):
    """A picture that can be read, wherever it lies."""

    @property
    def name(self) -> str:
        """What the records of paintings call it."""

    @property
    def key(self) -> Hashable:
        """Tells it from other sources, to find what is kept of it."""

    def read(self, pixel_limit: int) -> "Picture":
        """Raises PictureError, also for a picture of more pixels than the limit."""


@dataclass(frozen=True)
class FileSource:
    """A picture file; as a style also one that holds an encoded style. packaged: it lies inside the installation."""

    path: Path
    name: str
    packaged: bool = False

    @property
    def key(self) -> Hashable:
        return self.path, self.name

    @property
    def is_encoded(self) -> bool:
        """Whether it holds a style, and no picture."""
        return is_encoded(self.path)

    def read(self, pixel_limit: int) -> "Picture":
        from impasto import image

        return image.read(self.path, pixel_limit=pixel_limit)


@dataclass(frozen=True)
class BytesSource:
    """A picture file in memory. title: what messages call it."""

    data: bytes = field(repr=False)
    title: str
    name: str = ""

    @property
    def key(self) -> Hashable:
        return hashlib.sha256(self.data).digest()

    def read(self, pixel_limit: int) -> "Picture":
        from impasto import image
        from impasto.record import Named

        return image.read(Named(self.data, self.title), pixel_limit=pixel_limit)


@dataclass(frozen=True)
class Mask:
    """Where a style goes: where a picture is white, or, inverted, where it is black; without a source, what other masks
    leave. name: what the records of paintings call it."""

    name: str
    source: PictureSource | None = None
    inverted: bool = False


class PaintingTarget(Protocol):
    """What keeps a painting, wherever it goes. Classes that are derived from it need no more than `write`."""

    @abstractmethod
    def write(self, picture: "Picture", record: "Record") -> None:
        """Keep a picture, finished or the best so far, all of it or nothing. Raises PictureError."""

    def is_done(self, job: "PaintJob") -> bool:
        """Whether the job need not be done, because its painting is there."""
        return False

    def check_size(self, height: int, width: int) -> None:
        """Raises PictureError if it cannot keep a picture of so many pixels."""
        return

    def begin(self) -> Saving | None:
        """Where the state of the painting that begins now is kept, if it is."""
        return None

    def keep_step(self, progress: Progress, record: "Callable[[Picture], Record]") -> None:
        """Keep an intermediate picture, if it is wished for. record: how one was made."""
        return


@dataclass(frozen=True)
class PaintJob:
    """One painting. target: None if it stays in memory. facts: what its record says besides how it was painted."""

    content: PictureSource
    styles: tuple[PictureSource, ...]
    options: Options
    masks: tuple[Mask, ...] = ()
    target: PaintingTarget | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """'photo.jpg in swirls + ink'."""
        styles = " + ".join(style.name for style in self.styles)
        return f"{self.content.name} in {styles}" if styles else self.content.name


# --- what is told of it ----------------------------------------------------------------------------------------------

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

"""A job of the service, as the service knows it and as it shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from impasto.service.request import FORMATS, VIDEO_FORMATS, PaintRequest, VideoRequest

VISIT = " visit "
"""In a user's name, before which of several visits of one key or address it is."""
CLIP, PAINTED = "clip", "painted"
"""In the folder of a film's job: what was sent, and, with the suffix of its format, what becomes of it."""


def owner(user: str) -> str:
    """The key or address of a user, whose visits take from one share."""
    return user.partition(VISIT)[0]


class Status(StrEnum):
    """The stations of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True)
class Failure:
    """Why a job has failed. code: for programs; the name of an error of impasto's, "internal", "time-limit",
    "worker-died", "stopping" or "lost"."""

    code: str
    message: str


@dataclass(frozen=True)
class JobResult:
    """A finished picture as a file, or a film. path: of a film, which stays on the disk as long as its job is kept;
    data is empty then. copies: {format: file} of those that were asked for."""

    data: bytes = field(repr=False)
    format: str
    path: Path | None = None
    copies: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def media_type(self) -> str:
        return (FORMATS if self.path is None else VIDEO_FORMATS)[self.format]


@dataclass(frozen=True)
class JobProgress:
    """How far a job is. preview: a small JPEG file."""

    step: int
    total: int
    seconds_left: float | None
    preview: bytes | None = None


@dataclass(frozen=True)
class JobOutcome:
    """What became of a job. result: the picture, or the best so far of a painting that was stopped. cache: {what:
    (hits, misses)} of the process that painted."""

    result: JobResult | None = None
    failure: Failure | None = None
    stopped: bool = False
    cache: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What there is to know of a job at one moment.

    kind: "paint", "look" or "video". position: jobs that are painted before it; None once it is not waiting, and where
    it waits for the server to come back.
    wait_seconds: until it begins, and seconds_left: until it is done, as far as can be said. step, total: as in
    `Progress`, of a film frames; 0 before the first report. fps: frames of a film that are painted in a second.
    previews: how many there were. seconds: that painting took. has_result: also of a job that was stopped and had
    something to show. failure: of a failed job.
    """

    id: str
    status: Status
    method: str
    kind: str = "paint"
    position: int | None = None
    wait_seconds: float | None = None
    seconds_left: float | None = None
    step: int = 0
    total: int = 0
    fps: float | None = None
    previews: int = 0
    seconds: float | None = None
    has_result: bool = False
    failure: Failure | None = None


@dataclass(eq=False)
class ServiceJob:
    """Belongs to the service, under its lock. pixels: of the painting, or of all frames. limit: seconds that it may
    take, and expected: that it will. stop: why it shall end early, if it shall. dropped: whether nobody will ask for it
    any more. folder: of a film, in which it is painted. is_kept: whether it shall outlive the server. is_put_off:
    whether it waits for the server after this one."""

    user: str
    request: PaintRequest | VideoRequest | None
    pixels: int
    expected: float
    limit: float = float("inf")
    kind: str = "paint"
    folder: Path | None = None
    id: str = ""
    status: Status = Status.QUEUED
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    step: int = 0
    total: int = 0
    seconds_left: float | None = None
    preview: bytes | None = None
    previews: int = 0
    result: JobResult | None = None
    failure: Failure | None = None
    stop: str = ""
    dropped: bool = False
    is_kept: bool = False
    is_put_off: bool = False
    listeners: list[Callable[[], None]] = field(default_factory=list)
    method: str = ""
    num_bytes: int = 0

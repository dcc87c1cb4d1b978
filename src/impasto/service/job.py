"""A job of the service, as the service knows it and as it shows it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from impasto.service.request import FORMATS, PaintRequest

VISIT = " visit "
"""In a user's name, before which of several visits of one key or address it is."""


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
    "worker-died" or "stopping"."""

    code: str
    message: str


@dataclass(frozen=True)
class JobResult:
    """A finished picture as a file."""

    data: bytes = field(repr=False)
    format: str

    @property
    def media_type(self) -> str:
        return FORMATS[self.format]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What there is to know of a job at one moment.

    position: jobs that are painted before it; None once it is not waiting. wait_seconds: until it begins, and
    seconds_left: until it is done, as far as can be said. step, total: as in `Progress`; 0 before the first report.
    previews: how many there were. seconds: that painting took. has_result: also of a job that was stopped and had
    something to show. failure: of a failed job.
    """

    id: str
    status: Status
    method: str
    position: int | None = None
    wait_seconds: float | None = None
    seconds_left: float | None = None
    step: int = 0
    total: int = 0
    previews: int = 0
    seconds: float | None = None
    has_result: bool = False
    failure: Failure | None = None


@dataclass(eq=False)
class ServiceJob:
    """Belongs to the service, under its lock. pixels: of the painting. stop: why it shall end early, if it shall.
    dropped: whether nobody will ask for it any more."""

    user: str
    request: PaintRequest | None
    pixels: int
    expected: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
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
    listeners: list[Callable[[], None]] = field(default_factory=list)
    method: str = ""
    num_bytes: int = 0

"""Why the service does not do what it was asked."""

from typing import Literal

from impasto.errors import ImpastoError

Code = Literal[
    "queue-full",  # so many jobs wait already that another one would wait too long, or its pictures find no room
    "too-many-jobs",  # this user has as many unfinished jobs as one user may have
    "stopping",  # the service is shutting down
    "unavailable",  # no painting process starts
    "too-large",  # a picture or a film has more bytes or pixels than this server takes, or its painting would have
    "not-a-picture",  # an upload is of no format that can be read
    "not-a-video",  # a film that was sent is none that can be read
    "too-long",  # a film has more seconds than this server paints
    "no-videos",  # this server paints no films
    "no-torch",  # this server lacks PyTorch
    "no-such-upload",  # there is none, or no longer, or it is another user's
    "no-such-job",  # likewise
    "other-replica",  # the job is another server's
    "not-finished",  # the job has no result yet
]


class RefusedError(ImpastoError):
    """The service refuses, in one line for a person.

    code: for a program. retry_after: seconds after which asking again makes sense; None if it never does. replica: of
    "other-replica", which one has the job.
    """

    code: str

    def __init__(self, code: Code, message: str, *, retry_after: float | None = None, replica: str = "") -> None:
        super().__init__(message)
        self.code, self.retry_after, self.replica = code, retry_after, replica


class NoSuchJobError(RefusedError):
    """There is no such job, or no longer, or it is another user's."""

    def __init__(self) -> None:
        super().__init__("no-such-job", "there is no such job, or its result has expired")


class JobFailedError(RefusedError):
    """The job ended without a result. code: why, as in its `Failure`."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__("not-finished", message)
        self.code = code

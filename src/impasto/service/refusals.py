"""Why the service does not do what it was asked. Each is one line for a person, and a code for a program."""

from impasto.errors import ImpastoError


class RefusedError(ImpastoError):
    """The service refuses. retry_after: seconds after which asking again makes sense; None if it never does."""

    code = "refused"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueFullError(RefusedError):
    """So many jobs wait already that another one would wait too long, or its pictures find no room."""

    code = "queue-full"


class UserBusyError(RefusedError):
    """This user has as many unfinished jobs as one user may have."""

    code = "too-many-jobs"


class StoppingError(RefusedError):
    """The service is shutting down."""

    code = "stopping"


class UnavailableError(RefusedError):
    """No painting process starts."""

    code = "unavailable"


class TooLargeError(RefusedError):
    """A picture has more bytes or pixels than this server takes, or its painting would have."""

    code = "too-large"


class NotAPictureError(RefusedError):
    """An upload is of no format that can be read."""

    code = "not-a-picture"


class NotAVideoError(RefusedError):
    """A film that was sent is none that can be read."""

    code = "not-a-video"


class TooLongError(RefusedError):
    """A film has more seconds than this server paints."""

    code = "too-long"


class NoVideosError(RefusedError):
    """This server paints no films."""

    code = "no-videos"


class NoTorchError(RefusedError):
    """This server lacks PyTorch. what: that needs it, as the beginning of a sentence that goes on with "but"."""

    code = "no-torch"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}, but this server cannot do that: it lacks the extra 'torch'")


class NoSuchUploadError(RefusedError):
    """There is no such upload, or no longer, or it is another user's."""

    code = "no-such-upload"


class NoSuchJobError(RefusedError):
    """There is no such job, or no longer, or it is another user's."""

    code = "no-such-job"


class OtherReplicaError(RefusedError):
    """The job is another server's. replica: which one."""

    code = "other-replica"

    def __init__(self, replica: str) -> None:
        super().__init__(f"the job is not on this server, but on {replica}")
        self.replica = replica


class NotFinishedError(RefusedError):
    """The job has no result yet."""

    code = "not-finished"


class JobFailedError(RefusedError):
    """The job ended without a result. code: why, as in its `Failure`."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code

"""Why a painting did not come about, as a sentence for its user."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from impasto.bot.sending import DOWNLOAD_BYTES, FILE_BYTES
from impasto.bot.texts import duration, say
from impasto.errors import ImpastoError, PictureError
from impasto.service import Failure, Limits
from impasto.service.limits import MEGA
from impasto.service.refusals import NotAPictureError, RefusedError

PHOTO, STYLE = "broken-photo", "broken-style"

SENTENCES: Mapping[str, str] = {
    # Codes of refusals.
    "queue-full": "full", "too-many-jobs": "busy", "stopping": "stopping", "unavailable": "unavailable",
    "too-large": "too-large", "no-such-job": "failed",
    # Codes of failures.
    "OutOfMemoryError": "no-memory", "time-limit": "time-limit", "cancelled": "stopped",
}  # fmt: skip
"""{code: sentence}; for any other code it is "failed", and the log says more."""
_ONCE_MORE = {"full", "busy", "unavailable", "no-memory", "time-limit", "failed", "no-telegram", "too-often-killed"}


@dataclass(eq=False)
class Trouble(Exception):  # noqa: N818  (it is no error of the bot's)
    """key: of the sentence. wait: seconds until trying again makes sense. values: for other places of the sentence."""

    key: str
    wait: float = 1.0
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_passing(self) -> bool:
        """Whether the same again may go well."""
        return self.key in _ONCE_MORE

    def sentence(self, language: str, limits: Limits) -> str:
        """For the user."""
        places = {
            "wait": duration(language, self.wait),
            "limit": f"{limits.upload_mb:g}",
            "megapixels": f"{limits.megapixels:g}",
        }
        if self.key == "time-limit":
            places["limit"] = duration(language, limits.job_seconds)
        elif self.key == "too-large-file":
            places["limit"] = f"{DOWNLOAD_BYTES / MEGA:g}"
        elif self.key == "too-large-result":
            places["limit"] = f"{FILE_BYTES / MEGA:g}"
        return say(language, self.key, **{**places, **self.values})


def of_refusal(error: ImpastoError) -> Trouble:
    """What `Service.submit` raised."""
    if isinstance(error, NotAPictureError | PictureError):
        return Trouble(_culprit(str(error)))
    if isinstance(error, RefusedError):
        return Trouble(SENTENCES.get(error.code, "failed"), error.retry_after or 1.0)
    return Trouble("failed")


def of_failure(failure: Failure) -> Trouble:
    """What became of a job."""
    if failure.code == "PictureError":
        return Trouble(_culprit(failure.message))
    return Trouble(SENTENCES.get(failure.code, "failed"))


def _culprit(message: str) -> str:
    # Messages about pictures begin with what the request calls them.
    return PHOTO if message.startswith("content") else STYLE

"""What a user reads about an order: the one message that tells how far it is, and why a painting did not come about."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from telegram import Bot, InlineKeyboardMarkup
from telegram.error import BadRequest, NetworkError, RetryAfter

from impasto.bot import keyboards
from impasto.bot.texts import duration, say
from impasto.errors import ImpastoError, PictureError
from impasto.service.job import Snapshot, Status
from impasto.service.limits import MEGA, Limits
from impasto.service.refusals import RefusedError

logger = logging.getLogger("impasto.bot")

DOWNLOAD_BYTES = 20 * MEGA
"""The largest file that Telegram's getFile gives."""
FILE_BYTES = 50 * MEGA
"""The largest file that Telegram's sendDocument takes."""
RETRY_PAUSES = (1.0, 4.0)
"""Seconds between tries to reach Telegram."""

BROKEN_PHOTO, BROKEN_VIDEO, BROKEN_STYLE = "broken-photo", "broken-video", "broken-style"

FAILURE_TEXTS: Mapping[str, str] = {
    # Codes of refusals.
    "queue-full": "full", "too-many-jobs": "busy", "stopping": "stopping", "unavailable": "unavailable",
    "too-large": "too-large", "no-such-job": "failed",
    "not-a-video": "broken-video", "too-long": "too-long", "no-videos": "not-video",
    # Codes of failures.
    "OutOfMemoryError": "no-memory", "time-limit": "time-limit", "cancelled": "stopped",
}  # fmt: skip
"""{code: key of the sentence}; for any other code it is "failed", and the log says more."""
_PASSING = {"full", "busy", "unavailable", "no-memory", "time-limit", "failed", "no-telegram", "too-often-killed"}

T = TypeVar("T")


@dataclass(eq=False)
class OrderFailed(Exception):  # noqa: N818  (it is no error of the bot's)
    """key: of the sentence. wait: seconds until trying again makes sense."""

    key: str
    wait: float = 1.0

    @property
    def is_passing(self) -> bool:
        """Whether the same again may go well."""
        return self.key in _PASSING

    def sentence(self, language: str, limits: Limits) -> str:
        limit = {
            "time-limit": duration(language, limits.job_seconds),
            "too-long": duration(language, limits.video_seconds),
            "too-large-film": f"{limits.video_mb:g}",
            "too-large-file": f"{DOWNLOAD_BYTES / MEGA:g}",
            "too-large-clip": f"{DOWNLOAD_BYTES / MEGA:g}",
            "too-large-result": f"{FILE_BYTES / MEGA:g}",
        }.get(self.key, f"{limits.upload_mb:g}")
        of_frames = self.key == "too-large-film"
        megapixels = f"{limits.video_megapixels if of_frames else limits.megapixels:g}"
        wait = duration(language, self.wait)
        return say(language, self.key, wait=wait, limit=limit, megapixels=megapixels)


def failure_of(error: OrderFailed | ImpastoError, *, is_film: bool = False) -> OrderFailed:
    """What the service raised about an order, or a job of it ended with."""
    match error:
        case OrderFailed():
            return error
        case PictureError() | RefusedError(code="not-a-picture" | "PictureError"):
            return OrderFailed(_broken(str(error)))
        case RefusedError(code="too-large") if is_film:
            return OrderFailed("too-large-film")
        case RefusedError():
            return OrderFailed(FAILURE_TEXTS.get(error.code, "failed"), error.retry_after or 1.0)
    return OrderFailed("failed")


def _broken(message: str) -> str:
    # Messages about pictures begin with what the request calls them, those about films with the name of the file.
    if message.startswith("clip"):
        return BROKEN_VIDEO
    return BROKEN_PHOTO if message.startswith("content") else BROKEN_STYLE


async def with_retries(call: Callable[[], Awaitable[T]]) -> T:
    """Call again when the network fails. Raises OrderFailed once that helps no longer, and what Telegram refuses."""
    for pause in (*RETRY_PAUSES, None):
        try:
            return await call()
        except BadRequest:
            raise
        except (NetworkError, RetryAfter) as error:
            if pause is None or isinstance(error, RetryAfter):
                raise OrderFailed("no-telegram") from error
            logger.warning("Telegram cannot be reached, and is tried again: %s", error)
            await asyncio.sleep(pause)
    raise AssertionError


class ProgressMessage:
    """A message of the bot's with a button to stop. Edited no oftener than every `seconds`, and only to say something
    else; an edit that does not get through is left out, as the next one says more."""

    def __init__(self, bot: Bot, user: int, message: int, language: str, seconds: float) -> None:
        self._bot, self.user, self.message, self._language = bot, user, message, language
        self._seconds = seconds
        self._text, self._edited = "", time.monotonic() - seconds
        # Which picture it is about, from 1, of how many.
        self.picture = 0, 0

    async def show(self, key: str, **values: object) -> None:
        text = say(self._language, key, **values)
        number, count = self.picture
        if count > 1:
            text = say(self._language, "of-several", number=number, count=count, text=text)
        if text == self._text or time.monotonic() - self._edited < self._seconds:
            return
        self._text, self._edited = text, time.monotonic()
        with contextlib.suppress(NetworkError, RetryAfter):
            await self._edit(text, keyboards.single(self._language, "button-cancel", keyboards.CANCEL))

    async def show_job(self, job: Snapshot) -> None:
        if job.status is Status.QUEUED:
            wait = duration(self._language, job.wait_seconds or 0)
            await self.show("waiting" if job.position else "next", before=job.position, wait=wait)
        elif job.fps and job.total:
            left = duration(self._language, job.seconds_left or 0)
            await self.show("painting-film", step=job.step, total=job.total, fps=f"{job.fps:.1f}", left=left)
        elif job.step and job.total:
            await self.show("painting-part", percent=min(99, 100 * job.step // job.total))
        else:
            await self.show("painting")

    async def end(self, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
        """Say how it ended, in a message of its own if the user has deleted this one."""
        try:
            await with_retries(lambda: self._edit(text, keyboard))
        except BadRequest:
            await with_retries(lambda: self._bot.send_message(self.user, text, reply_markup=keyboard))

    async def delete(self) -> None:
        """There is nothing more to say."""
        with contextlib.suppress(NetworkError, RetryAfter):
            await self._bot.delete_message(self.user, self.message)

    async def _edit(self, text: str, keyboard: InlineKeyboardMarkup | None) -> None:
        try:
            await self._bot.edit_message_text(text, self.user, self.message, reply_markup=keyboard)
        except BadRequest as error:
            if "not modified" not in str(error).lower():
                raise

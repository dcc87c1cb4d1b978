"""The one message that tells a user how far a commission is."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from telegram import Bot, InlineKeyboardMarkup
from telegram.error import BadRequest, NetworkError, RetryAfter

from impasto.bot import keyboards
from impasto.bot.texts import duration, say
from impasto.bot.troubles import Trouble
from impasto.service import Snapshot, Status

logger = logging.getLogger("impasto.bot")

PAUSES = (1.0, 4.0)
"""Seconds between tries to reach Telegram."""

T = TypeVar("T")


async def surely(call: Callable[[], Awaitable[T]]) -> T:
    """Call again when the network fails. Raises Trouble once that helps no longer, and what Telegram refuses."""
    for pause in PAUSES:
        try:
            return await call()
        except BadRequest:
            raise
        except NetworkError as error:
            logger.warning("Telegram cannot be reached, and is tried again: %s", error)
            await asyncio.sleep(pause)
    try:
        return await call()
    except BadRequest:
        raise
    except (NetworkError, RetryAfter) as error:
        raise Trouble("no-telegram") from error


class Report:
    """A message of the bot's with a button to stop. Edited no oftener than every `seconds`, and only to say something
    else; a report that does not get through is left out, as the next one says more."""

    def __init__(self, bot: Bot, user: int, message: int, language: str, seconds: float) -> None:
        self._bot, self._user, self.message, self._language = bot, user, message, language
        self._seconds = seconds
        self._shown, self._at = "", time.monotonic() - seconds
        self._several = (0, 0)

    def turn_to(self, number: int, count: int) -> None:
        """From now on about one picture of several, counted from 1."""
        self._several = (number, count)

    async def show(self, key: str, **values: object) -> None:
        text = say(self._language, key, **values)
        number, count = self._several
        if count > 1:
            text = say(self._language, "of-several", number=number, count=count, text=text)
        if text == self._shown or time.monotonic() - self._at < self._seconds:
            return
        self._shown, self._at = text, time.monotonic()
        with contextlib.suppress(NetworkError, RetryAfter):
            await self._edit(text, keyboards.one(self._language, "button-cancel", keyboards.CANCEL))

    async def follow(self, job: Snapshot) -> None:
        """How a job of the service is."""
        if job.status is Status.QUEUED:
            wait = duration(self._language, job.wait_seconds or 0)
            await self.show("waiting" if job.position else "next", before=job.position, wait=wait)
        elif job.step and job.total:
            await self.show("painting-part", percent=min(99, 100 * job.step // job.total))
        else:
            await self.show("painting")

    async def end(self, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
        """Say how it ended, in a message of its own if the user has deleted this one."""
        try:
            await surely(lambda: self._edit(text, keyboard))
        except BadRequest:
            await surely(lambda: self._bot.send_message(self._user, text, reply_markup=keyboard))

    async def vanish(self) -> None:
        """There is nothing more to say."""
        with contextlib.suppress(NetworkError, RetryAfter):
            await self._bot.delete_message(self._user, self.message)

    async def _edit(self, text: str, keyboard: InlineKeyboardMarkup | None) -> None:
        try:
            await self._bot.edit_message_text(text, self._user, self.message, reply_markup=keyboard)
        except BadRequest as error:
            if "not modified" not in str(error).lower():
                raise

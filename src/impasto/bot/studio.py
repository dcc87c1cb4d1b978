"""Commissions from their beginning to their end: pictures fetched, queued, painted and sent; any number at a time."""

import asyncio
import contextlib
import logging
from dataclasses import replace
from io import BytesIO
from typing import Any

from telegram.error import BadRequest, Forbidden
from telegram.ext import Application

from impasto.bot import keyboards, troubles
from impasto.bot.conversation import Commission, Conversation, Picture
from impasto.bot.delivery import Delivery
from impasto.bot.manners import Manners
from impasto.bot.report import Report, surely
from impasto.bot.room import Room, most_bytes
from impasto.bot.sending import DOWNLOAD_BYTES, Painting, Way, fitting_size, format_for, size_of, way_of
from impasto.bot.texts import say
from impasto.bot.troubles import Trouble
from impasto.bot.turns import Turns
from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.service import Request, Service, Snapshot, Status, changes
from impasto.service.refusals import NoSuchJobError, QueueFullError, RefusedError, UnavailableError, UserBusyError

logger = logging.getLogger("impasto.bot")

ATTEMPTS = 2
"""Times that a commission is begun by itself; one that kills the bot each time must not do so for ever."""
LONGEST_PAUSE = 60.0
"""Seconds until the queue is asked again for the next picture of an album."""

Bot = Application[Any, Any, Conversation, Any, Any, Any]


class Studio:
    """Paints for all users; the service's queue decides whose turn it is."""

    def __init__(self, application: Bot, service: Service, turns: Turns, manners: Manners) -> None:
        self._application, self._service, self._turns, self._manners = application, service, turns, manners
        self._room = Room(service.limits)
        self._tasks: dict[tuple[int, int], asyncio.Task[None]] = {}

    async def save(self, user: int) -> None:
        """Put on the disk what is remembered of a user, now."""
        self._application.mark_data_for_update_persistence(user_ids=user)
        await self._application.update_persistence()

    async def begin(self, user: int, commission: Commission, message: int | None = None) -> None:
        """message: the one that reports on it, if there is one already, from before a restart."""
        talk = self._application.user_data[user]
        if message is None:
            keyboard = keyboards.one(talk.language, "button-cancel", keyboards.CANCEL)
            text = say(talk.language, "one-moment")
            sent = await surely(lambda: self._application.bot.send_message(user, text, reply_markup=keyboard))
            message = sent.message_id
        talk.running[message] = replace(commission, attempts=commission.attempts + 1)
        await self.save(user)
        task = self._application.create_task(self._run(user, message))
        self._tasks[user, message] = task
        task.add_done_callback(lambda _: self._tasks.pop((user, message), None))

    async def resume(self) -> None:
        """Begin again what was interrupted when the bot ended the last time."""
        for user, talk in list(self._application.user_data.items()):
            for message, commission in list(talk.running.items()):
                report = self._report(user, message)
                if commission.attempts >= ATTEMPTS:
                    await self._end(user, report, Trouble("too-often-killed"))
                    continue
                with contextlib.suppress(Forbidden):
                    await report.show("again-after-restart")
                    await self.begin(user, commission, message)

    async def cancel(self, user: int, message: int | None = None) -> None:
        """One commission, or all of a user's. Nothing of it is remembered."""
        tasks = [task for (whose, which), task in self._tasks.items() if whose == user and message in (None, which)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        talk = self._application.user_data[user]
        for which in list(talk.running):
            if message in (None, which):
                del talk.running[which]
                with contextlib.suppress(Trouble, Forbidden):
                    await self._report(user, which).end(say(talk.language, "stopped"))

    def is_busy(self, user: int) -> bool:
        """Whether something of this user's is painted."""
        return any(whose == user for whose, _ in self._tasks)

    async def finish(self, seconds: float) -> None:
        """Wait until everything has ended, as it does once the service has stopped; what has not in time, is begun
        again after the restart."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=seconds)
        for task in list(self._tasks.values()):
            task.cancel()

    # --- one commission -----------------------------------------------------------------------------------------------

    def _report(self, user: int, message: int) -> Report:
        language = self._application.user_data[user].language
        return Report(self._application.bot, user, message, language, self._manners.edit_seconds)

    async def _run(self, user: int, message: int) -> None:
        report = self._report(user, message)
        try:
            with self._room.of(user, self._application.user_data[user].running[message]):
                await self._paint(user, report)
        except Trouble as trouble:
            await self._end(user, report, trouble)
        except Forbidden:
            # The user has blocked the bot, and will not ask for anything of this.
            self._application.user_data[user].let_go()
            await self.save(user)
        except Exception:
            logger.exception("a commission failed")
            await self._end(user, report, Trouble("failed"))

    async def _end(self, user: int, report: Report, trouble: Trouble) -> None:
        """Tell what went wrong, and keep what the user can go on with."""
        talk = self._application.user_data[user]
        commission = talk.running.pop(report.message, None)
        if commission is None:
            return
        keyboard = None
        if trouble.key == "stopping":
            # It goes on after the restart, which was no fault of its own.
            talk.running[report.message] = replace(commission, attempts=commission.attempts - 1)
        if trouble.is_passing:
            talk.keep(report.message, replace(commission, attempts=0))
            keyboard = keyboards.one(talk.language, "retry", keyboards.RETRY)
        # The picture that was good need not be sent again.
        if trouble.key in (troubles.STYLE, "no-such-style", "needs-painting") and not talk.contents:
            talk.contents = commission.contents
        elif trouble.key == troubles.PHOTO and talk.style is None:
            talk.style = commission.style
        await self.save(user)
        with contextlib.suppress(Trouble, Forbidden):
            await report.end(trouble.sentence(talk.language, self._service.limits), keyboard)

    async def _paint(self, user: int, report: Report) -> None:
        talk = self._application.user_data[user]
        commission, count = talk.running[report.message], len(talk.running[report.message].contents)
        delivery = Delivery(self._application.bot, user, talk.language, commission, self._service.limits)
        self._check_room(user, most_bytes(commission))
        await report.show("fetching")
        style = await self._style(commission)
        for number in range(commission.done, count):
            report.turn_to(number + 1, count)
            try:
                made = await self._painting(user, commission, number, style, report)
            except Trouble as trouble:
                if trouble.key == troubles.PHOTO and count > 1:
                    delivery.broken.append(number + 1)
                    continue
                if await delivery.flush():
                    talk.running[report.message] = replace(commission, done=number)
                raise
            await report.show("sending")
            if await delivery.take(made):
                talk.running[report.message] = replace(commission, done=number + 1)
                await self.save(user)
        # Buttons may be pressed as soon as they are there, and wait until it is known what they are about.
        async with self._turns.of(user):
            buttons = await delivery.finish()
            talk.running.pop(report.message, None)
            talk.keep(buttons, replace(commission, done=0, attempts=0))
            await self.save(user)
        await report.vanish()

    def _check_room(self, user: int, num_bytes: int) -> None:
        """Before anything is fetched for nothing."""
        try:
            self._service.check_room(_known_as(user), num_bytes)
        except RefusedError as refused:
            raise troubles.of_refusal(refused) from refused

    async def _style(self, commission: Commission) -> str | bytes:
        if isinstance(commission.style, Picture):
            data = await self._fetched(commission.style)
            await _size(data, troubles.STYLE)
            return data
        if commission.style not in self._service.offer.styles:
            raise Trouble("no-such-style")
        try:
            self._service.offer.check_style(commission.style, commission.options())
        except OptionError as error:
            raise Trouble("needs-painting") from error
        return commission.style

    async def _painting(
        self, user: int, commission: Commission, number: int, style: str | bytes, report: Report
    ) -> Painting:
        picture = commission.contents[number]
        data = await self._fetched(picture)
        width, height = await _size(data, troubles.PHOTO)
        size = fitting_size(width, height, self._service.limits.result_megapixels)
        kind = format_for(width, height, as_file=picture.is_file)
        wish = Request(content=data, styles=(style,), options=commission.options(size=size), format=kind)
        # Whoever was let in with the first picture of an album waits for the others.
        job = await self._submitted(wish, user, is_patient=number > 0)
        del data, wish
        try:
            async for snapshot in changes(self._service, job.id, heartbeat=self._manners.edit_seconds):
                job = snapshot or self._service.status(job.id)
                if not job.status.is_final:
                    await report.follow(job)
            made = await self._made(job, kind, as_file=picture.is_file)
            return made if made.note or size is None else replace(made, note="smaller")
        finally:
            # Stops it, if it is not over.
            with contextlib.suppress(NoSuchJobError):
                self._service.forget(job.id)

    async def _made(self, job: Snapshot, kind: str, *, as_file: bool) -> Painting:
        is_halfway = job.failure is not None and job.failure.code == "time-limit" and job.has_result
        if job.failure is not None and not is_halfway:
            raise troubles.of_failure(job.failure)
        if job.status is Status.CANCELLED:
            raise Trouble("stopped")
        data = self._service.result(job.id).data
        way = await asyncio.to_thread(way_of, data, as_file=as_file)
        if way is Way.NOT_AT_ALL:
            raise Trouble("too-large-result")
        return Painting(data, kind, way, "halfway" if is_halfway else "")

    async def _submitted(self, wish: Request, user: int, *, is_patient: bool) -> Snapshot:
        while True:
            try:
                return await asyncio.to_thread(self._service.submit, wish, _known_as(user))
            except (QueueFullError, UserBusyError, UnavailableError) as refused:
                if not is_patient:
                    raise troubles.of_refusal(refused) from refused
                await asyncio.sleep(min(refused.retry_after or 1.0, LONGEST_PAUSE))
            except ImpastoError as error:
                raise troubles.of_refusal(error) from error

    async def _fetched(self, picture: Picture) -> bytes:
        if picture.num_bytes > DOWNLOAD_BYTES:
            raise Trouble("too-large-file")

        async def fetch() -> bytes:
            file = await self._application.bot.get_file(picture.file)
            if (file.file_size or 0) > DOWNLOAD_BYTES:
                raise Trouble("too-large-file")
            stream = BytesIO()
            await file.download_to_memory(stream)
            return stream.getvalue()

        try:
            return await surely(fetch)
        except BadRequest as error:
            too_big = "too big" in str(error).lower()
            raise Trouble("too-large-file" if too_big else "no-file") from error


async def _size(data: bytes, if_broken: str) -> tuple[int, int]:
    try:
        return await asyncio.to_thread(size_of, data)
    except PictureError as error:
        raise Trouble(if_broken) from error


def _known_as(user: int) -> str:
    """To the service, whose other doors have users of their own."""
    return f"telegram {user}"

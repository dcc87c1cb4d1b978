"""Orders from their beginning to their end: pictures fetched, queued, painted and sent; any number at a time."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

from telegram.error import BadRequest, Forbidden
from telegram.ext import Application

from impasto.bot import keyboards
from impasto.bot.config import BotOptions
from impasto.bot.conversation import Conversations, Order, SentPicture
from impasto.bot.messages import (
    BROKEN_PHOTO,
    BROKEN_STYLE,
    BROKEN_VIDEO,
    DOWNLOAD_BYTES,
    OrderFailed,
    ProgressMessage,
    failure_of,
    with_retries,
)
from impasto.bot.sending import Delivery, Finished, finished_film, finished_painting, fitting_size, format_for, sendable
from impasto.bot.texts import say
from impasto.errors import ImpastoError, OptionError
from impasto.service.job import Snapshot, Status
from impasto.service.limits import MEGA
from impasto.service.refusals import JobFailedError, NoSuchJobError, RefusedError
from impasto.service.request import PaintRequest, VideoRequest, largest_size, size_of
from impasto.service.service import Service, changes
from impasto.sizes import fit

logger = logging.getLogger("impasto.bot")

AnyApplication = Application[Any, Any, Any, Any, Any, Any]

ATTEMPTS = 2
"""Times that an order is begun by itself; one that kills the bot each time must not do so for ever."""
LONGEST_PAUSE = 60.0
"""Seconds until the queue is asked again for the next picture of an album."""
NO_ROOM = ("queue-full", "too-many-jobs", "unavailable")
"""Codes of refusals that it waits for the end of."""
_WANTS_ANOTHER = (BROKEN_PHOTO, BROKEN_VIDEO, "too-long", "too-large-film", "too-large-clip")
"""Failures after which the style still counts."""
USER_SHARE = 4
"""One user's orders hold at most one part in so many of all the memory."""
ROOM_SECONDS = 30.0
"""Until somebody's order may have ended."""


class Orders:
    """Those of all users that are worked on; the service's queue decides whose turn it is."""

    def __init__(
        self, application: AnyApplication, service: Service, conversations: Conversations, options: BotOptions
    ) -> None:
        self._application, self._bot, self._service = application, application.bot, service
        self._conversations, self._options = conversations, options
        # (user, bytes) of every order that is worked on.
        self._reserved: list[tuple[int, int]] = []
        self._tasks: dict[tuple[int, int], asyncio.Task[None]] = {}

    async def begin(self, user: int, order: Order, message: int | None = None) -> None:
        """message: the one that reports on it, if there is one already, from before a restart."""
        conversation = self._conversations[user]
        if message is None:
            keyboard = keyboards.single(conversation.language, "button-cancel", keyboards.CANCEL)
            text = say(conversation.language, "one-moment")
            sent = await with_retries(lambda: self._bot.send_message(user, text, reply_markup=keyboard))
            message = sent.message_id
        conversation.running[message] = replace(order, attempts=order.attempts + 1)
        self._conversations.save(user)
        task = self._application.create_task(self._run(user, message))
        self._tasks[user, message] = task
        task.add_done_callback(lambda _: self._tasks.pop((user, message), None))

    async def resume(self) -> None:
        """Begin again what was interrupted when the bot ended the last time."""
        for user, conversation in self._conversations.items():
            for message, order in list(conversation.running.items()):
                progress = self._progress_message(user, message)
                if order.attempts >= ATTEMPTS:
                    await self._end(progress, OrderFailed("too-often-killed"))
                    continue
                with contextlib.suppress(Forbidden):
                    await progress.show("again-after-restart")
                    await self.begin(user, order, message)

    async def cancel(self, user: int, message: int | None = None) -> None:
        """One order, or all of a user's. Nothing of it is remembered."""
        tasks = [task for (owner, number), task in self._tasks.items() if owner == user and message in (None, number)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        conversation = self._conversations[user]
        for number in list(conversation.running):
            if message in (None, number):
                del conversation.running[number]
                with contextlib.suppress(OrderFailed, Forbidden):
                    await self._progress_message(user, number).end(say(conversation.language, "stopped"))

    @property
    def takes_films(self) -> bool:
        return not self._service.videos.problem

    def is_busy(self, user: int) -> bool:
        return any(owner == user for owner, _ in self._tasks)

    async def finish(self, seconds: float) -> None:
        """Wait until everything has ended, as it does once the service has stopped; what has not in time, is begun
        again after the restart."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=seconds)
        for task in list(self._tasks.values()):
            task.cancel()

    # --- one order ----------------------------------------------------------------------------------------------------

    def _progress_message(self, user: int, message: int) -> ProgressMessage:
        language = self._conversations[user].language
        return ProgressMessage(self._bot, user, message, language, self._options.edit_seconds)

    async def _run(self, user: int, message: int) -> None:
        progress = self._progress_message(user, message)
        try:
            with self._memory(user, memory_of(self._conversations[user].running[message])):
                await self._paint(progress)
        except (OrderFailed, ImpastoError) as error:
            await self._end(progress, failure_of(error))
        except Forbidden:
            # The user has blocked the bot, and will not ask for anything of this.
            self._conversations[user].forget_pictures()
            self._conversations.save(user)
        except Exception:
            logger.exception("an order failed")
            await self._end(progress, OrderFailed("failed"))

    @contextmanager
    def _memory(self, user: int, num_bytes: int) -> Iterator[None]:
        """Held while an order is fetched, painted and sent. Bounded in orders and bytes for one user, and in bytes for
        all of them. Raises OrderFailed at once if there is none."""
        limits = self._service.limits
        most = limits.waiting_mb * MEGA
        of_user = [held for owner, held in self._reserved if owner == user]
        of_all = sum(held for _, held in self._reserved)
        if len(of_user) >= limits.per_user or (of_user and sum(of_user) + num_bytes > most / USER_SHARE):
            raise OrderFailed("busy", ROOM_SECONDS)
        if of_all and of_all + num_bytes > most:
            raise OrderFailed("full", ROOM_SECONDS)
        self._reserved.append((user, num_bytes))
        try:
            yield
        finally:
            self._reserved.remove((user, num_bytes))

    async def _end(self, progress: ProgressMessage, failure: OrderFailed) -> None:
        """Tell what went wrong, and keep what the user can go on with."""
        user = progress.user
        conversation = self._conversations[user]
        order = conversation.running.pop(progress.message, None)
        if order is None:
            return
        keyboard = None
        if failure.key == "stopping":
            # It goes on after the restart, which was no fault of its own.
            conversation.running[progress.message] = replace(order, attempts=order.attempts - 1)
        if failure.is_passing:
            conversation.keep_painted(progress.message, replace(order, attempts=0))
            keyboard = keyboards.single(conversation.language, "retry", keyboards.RETRY)
        # The picture that was good need not be sent again.
        if failure.key in (BROKEN_STYLE, "no-such-style", "needs-painting") and not conversation.contents:
            conversation.contents = order.contents
        elif failure.key in _WANTS_ANOTHER and conversation.style is None:
            conversation.style = order.style
        self._conversations.save(user)
        with contextlib.suppress(OrderFailed, Forbidden):
            await progress.end(failure.sentence(conversation.language, self._service.limits), keyboard)

    async def _paint(self, progress: ProgressMessage) -> None:
        user = progress.user
        conversation = self._conversations[user]
        order = conversation.running[progress.message]
        count = len(order.contents)
        delivery = Delivery(self._bot, user, conversation.language, order)
        # Before anything is fetched for nothing.
        self._service.check_room(_service_user(user), memory_of(order))
        await progress.show("fetching")
        style = await self._style(order)
        for number in range(order.done, count):
            progress.picture = number + 1, count
            is_film = bool(order.contents[number].video)
            paint = self._film if is_film else self._painting
            try:
                painting = await paint(order, number, style, progress)
            except (OrderFailed, ImpastoError) as error:
                failure = failure_of(error, is_film=is_film)
                if failure.key in (BROKEN_PHOTO, BROKEN_VIDEO) and count > 1:
                    delivery.broken.append(number + 1)
                    continue
                if await delivery.flush():
                    conversation.running[progress.message] = replace(order, done=number)
                raise failure from error
            await progress.show("sending")
            if await delivery.add(painting):
                conversation.running[progress.message] = replace(order, done=number + 1)
                self._conversations.save(user)
        # Buttons may be pressed as soon as they are there, and wait until it is known what they are about.
        async with self._conversations.lock(user):
            buttons = await delivery.finish()
            conversation.running.pop(progress.message, None)
            conversation.keep_painted(buttons, replace(order, done=0, attempts=0))
            self._conversations.save(user)
        await progress.delete()

    async def _style(self, order: Order) -> str | bytes:
        if isinstance(order.style, SentPicture):
            data = await self._fetched(order.style)
            await asyncio.to_thread(size_of, data, "style", self._service.limits)
            return data
        if order.style not in self._service.offer.styles:
            raise OrderFailed("no-such-style")
        try:
            self._service.offer.check_style(order.style, order.options())
        except OptionError as error:
            raise OrderFailed("needs-painting") from error
        return order.style

    async def _painting(self, order: Order, number: int, style: str | bytes, progress: ProgressMessage) -> Finished:
        picture, limits = order.contents[number], self._service.limits
        data = await self._fetched(picture)
        width, height = await asyncio.to_thread(size_of, data, "content", limits)
        size = fitting_size(width, height, limits.result_megapixels)
        kind = format_for(width, height, as_file=picture.is_file)
        request = PaintRequest(content=data, styles=(style,), options=order.options(size=size), format=kind)
        painted, note = await self._painted(request, progress, is_patient=number > 0)
        note = note or ("" if size is None else "smaller")
        return finished_painting(painted, kind, note, limits.job_seconds, as_file=picture.is_file)

    async def _film(self, order: Order, number: int, style: str | bytes, progress: ProgressMessage) -> Finished:
        clip, limits, videos = order.contents[number], self._service.limits, self._service.videos
        if clip.seconds > limits.video_seconds + 1:
            raise OrderFailed("too-long")
        data = await self._fetched(clip)
        name, path = videos.receive(_service_user(progress.user), len(data))
        try:
            await asyncio.to_thread(path.write_bytes, data)
            del data
            about = await asyncio.to_thread(videos.keep, name)
            size = largest_size(about, limits)
            request = VideoRequest(clip=name, styles=(style,), options=order.options(size=size))
            painted, note = await self._painted(request, progress, is_patient=number > 0)
        finally:
            videos.discard(name)
        note = note or ("smaller" if size < max(about.height, about.width) else "")
        shape = fit(about.height, about.width, size)
        return finished_film(painted, clip.video, shape, note, limits.video_job_seconds)

    async def _painted(
        self, request: PaintRequest | VideoRequest, progress: ProgressMessage, *, is_patient: bool
    ) -> tuple[bytes, str]:
        """The file that a request ends with, and "halfway" if it took too long. is_patient: as who was let in with the
        first picture of an album is for the others. Raises OrderFailed, and what the service does."""
        job = await self._submitted(request, progress.user, is_patient=is_patient)
        try:
            async for snapshot in changes(self._service, job.id, heartbeat=self._options.edit_seconds):
                job = snapshot or self._service.status(job.id)
                if not job.status.is_final:
                    await progress.show_job(job)
            note = _note(job)
            return await asyncio.to_thread(sendable, self._service.result(job.id)), note
        finally:
            # Stops it, if it is not over.
            with contextlib.suppress(NoSuchJobError):
                self._service.forget(job.id, entirely=True)

    async def _submitted(self, request: PaintRequest | VideoRequest, user: int, *, is_patient: bool) -> Snapshot:
        while True:
            try:
                return await asyncio.to_thread(self._service.submit, request, _service_user(user))
            except RefusedError as refused:
                if not is_patient or refused.code not in NO_ROOM:
                    raise
                await asyncio.sleep(min(refused.retry_after or 1.0, LONGEST_PAUSE))

    async def _fetched(self, picture: SentPicture) -> bytes:
        too_large = "too-large-clip" if picture.video else "too-large-file"
        if picture.num_bytes > DOWNLOAD_BYTES:
            raise OrderFailed(too_large)

        async def fetch() -> bytes:
            file = await self._bot.get_file(picture.file)
            if (file.file_size or 0) > DOWNLOAD_BYTES:
                raise OrderFailed(too_large)
            stream = BytesIO()
            await file.download_to_memory(stream)
            return stream.getvalue()

        try:
            return await with_retries(fetch)
        except BadRequest as error:
            too_big = "too big" in str(error).lower()
            raise OrderFailed(too_large if too_big else "no-file") from error


def _note(job: Snapshot) -> str:
    """ "halfway" of what took too long, and has something to show.

    Raises OrderFailed or JobFailedError if there is nothing to send.
    """
    is_halfway = job.failure is not None and job.failure.code == "time-limit" and job.has_result
    if job.failure is not None and not is_halfway:
        raise JobFailedError(job.failure.message, job.failure.code)
    if job.status is Status.CANCELLED:
        raise OrderFailed("stopped")
    return "halfway" if is_halfway else ""


def _service_user(user: int) -> str:
    """To the service, whose other doors have users of their own."""
    return f"telegram {user}"


def memory_of(order: Order) -> int:
    """Bytes that its pictures take at a time: those of an album come one after the other, the style stays."""
    style = _download_bytes(order.style) if isinstance(order.style, SentPicture) else 0
    return style + max(map(_download_bytes, order.contents))


def _download_bytes(picture: SentPicture) -> int:
    # A larger one is not fetched.
    return min(picture.num_bytes or DOWNLOAD_BYTES, DOWNLOAD_BYTES)

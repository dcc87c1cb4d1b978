"""The bot from its start to its graceful end."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from telegram import BotCommand, Update
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import AIORateLimiter, Application, ContextTypes

from impasto.bot.conversation import Conversation
from impasto.bot.gallery import Gallery
from impasto.bot.manners import Manners
from impasto.bot.persistence import Persistence
from impasto.bot.store import Store
from impasto.bot.studio import Bot, Studio
from impasto.bot.talk import COMMANDS, Talk
from impasto.bot.texts import LANGUAGES, USUAL, say
from impasto.bot.turns import Turns
from impasto.errors import ImpastoError
from impasto.progress import ECHO_SECONDS
from impasto.service import Service

logger = logging.getLogger("impasto.bot")

TELEGRAM = "https://api.telegram.org"
POLL_SECONDS = 30
"""That Telegram waits for news before it says that there are none."""
RETRIES = 5
"""Times that a request is sent again which Telegram found too much (429), each after the pause that it asks for."""
LONGEST_PAUSE = 30.0
SEND_SECONDS = 60.0
"""That paintings which are done are given to reach their users when the bot stops."""
WANTED = ("message", "callback_query", "my_chat_member")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """token: of the bot. base_url: of a Bot API server. allowed: the only users, by number; none: everybody."""

    token: str
    base_url: str = TELEGRAM
    allowed: Collection[int] = ()
    manners: Manners = Manners()


def run(settings: Settings, service: Service, store: Store, ready: Callable[[str], None]) -> None:
    """Until SIGINT or SIGTERM. ready: called with the bot's name once it listens. Raises ImpastoError."""
    asyncio.run(_with_signals(settings, service, store, ready))


async def _with_signals(settings: Settings, service: Service, store: Store, ready: Callable[[str], None]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end(number: int) -> None:
        stop.set()
        # Another time it is not graceful.
        loop.call_later(ECHO_SECONDS, loop.remove_signal_handler, number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    await serve(settings, service, store, ready, stop)


async def serve(
    settings: Settings, service: Service, store: Store, ready: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Until `stop` is set. The service is stopped then; store and service are the caller's to close."""
    # Otherwise every 429 comes with a warning of python-telegram-bot's.
    os.environ.setdefault("PTB_TIMEDELTA", "true")

    async def save() -> None:
        await application.update_persistence()

    turns = Turns(save)
    application = _application(settings, store, turns)
    studio = Studio(application, service, turns, settings.manners)
    gallery = Gallery({name: service.offer.picture(name) for name in service.offer.styles})
    talk = Talk(application, studio, gallery, turns, settings.manners, settings.allowed)
    try:
        await application.initialize()
    except InvalidToken:
        await application.bot.shutdown()
        # Telegram's message, and what caused it, hold the token.
        raise ImpastoError("Telegram does not know this token; @BotFather says which it is") from None
    except TelegramError as error:
        await application.bot.shutdown()
        raise ImpastoError(f"{settings.base_url}: the bot cannot reach Telegram: {error}") from error
    try:
        await application.start()
        await _introduce(application)
        await talk.go_on()
        ready(application.bot.username)
        await _listen(application, studio, settings.manners, stop)
    finally:
        await _end(application, studio, talk, service)


def _application(settings: Settings, store: Store, turns: Turns) -> Bot:
    base = settings.base_url.rstrip("/")
    builder: Any = (
        Application.builder()
        .token(settings.token)
        .base_url(f"{base}/bot")
        .base_file_url(f"{base}/file/bot")
        .rate_limiter(AIORateLimiter(max_retries=RETRIES))
        .persistence(Persistence(store))
        .context_types(ContextTypes(user_data=Conversation))
        .concurrent_updates(turns)
        # Its updater goes on for ever with a token that has been taken away.
        .updater(None)
        .job_queue(None)
        .connection_pool_size(64)
        .connect_timeout(15)
        .read_timeout(30)
        .write_timeout(30)
        .media_write_timeout(120)
        .pool_timeout(60)
    )
    return builder.build()  # type: ignore[no-any-return]


async def _introduce(application: Bot) -> None:
    """Fill the menu of commands, in every language; without it the bot works as well."""
    for language in LANGUAGES:
        commands = [BotCommand(name, say(language, f"command-{name}")) for name in COMMANDS]
        try:
            # Without a language it is for everybody whose own is not there.
            await application.bot.set_my_commands(commands, language_code=None if language == USUAL else language)
        except TelegramError as error:
            logger.warning("the menu of commands could not be set: %s", error)


async def _listen(application: Bot, studio: Studio, manners: Manners, stop: asyncio.Event) -> None:
    """Deal with updates, and confirm each only then, so that none is lost when the bot is killed."""
    stopping = asyncio.create_task(stop.wait())
    sweeping = asyncio.create_task(_sweep(application, studio, 3600 * manners.keep_hours))
    offset, pause = None, 1.0
    try:
        while not stop.is_set():
            news = asyncio.create_task(
                application.bot.get_updates(offset, timeout=POLL_SECONDS, allowed_updates=WANTED)
            )  # fmt: skip
            await asyncio.wait((news, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not news.done():
                news.cancel()
                break
            try:
                updates: tuple[Update, ...] = news.result()
            except InvalidToken:
                raise ImpastoError("Telegram does not know the bot's token any more") from None
            except (Conflict, NetworkError, RetryAfter) as error:
                logger.warning("no news from Telegram, and %g s until the next try: %s", pause, error)
                await asyncio.wait((stopping,), timeout=pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = 1.0
            for update in updates:
                await application.update_queue.put(update)
                offset = update.update_id + 1
            await application.update_queue.join()
    finally:
        stopping.cancel()
        sweeping.cancel()
        if offset is not None:
            with contextlib.suppress(TelegramError):
                await application.bot.get_updates(offset, timeout=0, allowed_updates=WANTED)


async def _sweep(application: Bot, studio: Studio, keep_seconds: float) -> None:
    """Forget what nobody speaks of any more."""
    while True:
        for user, talk in list(application.user_data.items()):
            if talk.expire(time.time() - keep_seconds):
                application.mark_data_for_update_persistence(user_ids=user)
            if talk.is_empty and not studio.is_busy(user):
                application.drop_user_data(user)
        await application.update_persistence()
        await asyncio.sleep(min(600.0, keep_seconds / 4))


async def _end(application: Bot, studio: Studio, talk: Talk, service: Service) -> None:
    """What is painted is finished or handed back, and users are told which."""
    talk.stop_waiting()
    await asyncio.to_thread(service.close)
    await studio.finish(SEND_SECONDS)
    await application.stop()
    await application.shutdown()

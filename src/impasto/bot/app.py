"""The bot from its start to its graceful end."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import BotCommand, Update
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import AIORateLimiter, Application, SimpleUpdateProcessor

from impasto.bot.config import BotConfig
from impasto.bot.conversation import Conversations
from impasto.bot.handlers import COMMANDS, Handlers
from impasto.bot.keyboards import StyleGallery
from impasto.bot.orders import AnyApplication, Orders
from impasto.bot.texts import FALLBACK_LANGUAGE, LANGUAGES, say
from impasto.errors import ImpastoError
from impasto.progress import interrupt, stoppable
from impasto.service.service import Service

logger = logging.getLogger("impasto.bot")

POLL_SECONDS = 30
"""That Telegram waits for news before it says that there are none."""
RETRIES = 5
"""Times that a request is sent again which Telegram found too much (429), each after the pause that it asks for."""
LONGEST_PAUSE = 30.0
SEND_SECONDS = 60.0
"""That paintings which are done are given to reach their users when the bot stops."""
UPDATES_AT_ONCE = 256
UPDATE_KINDS = ("message", "callback_query", "my_chat_member")


def run(config: BotConfig, service: Service, conversations: Conversations, ready: Callable[[str], None]) -> None:
    """Until SIGINT or SIGTERM. ready: called with the bot's name once it listens. Raises ImpastoError."""

    async def serve_until_told() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def end() -> None:
            if stop.is_set():
                # Another time it is not graceful.
                interrupt()
            loop.call_soon_threadsafe(stop.set)

        # Not the loop's own way, which Windows does not have.
        with stoppable(end):
            await serve(config, service, conversations, ready, stop)

    asyncio.run(serve_until_told())


async def serve(
    config: BotConfig, service: Service, conversations: Conversations, ready: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Until `stop` is set. The service is stopped then; conversations and service are the caller's to close."""
    # Durations are timedeltas; otherwise every 429 comes with a warning of python-telegram-bot's.
    os.environ["PTB_TIMEDELTA"] = "true"

    application = _application(config, conversations)
    orders = Orders(application, service, conversations, config.options)
    gallery = StyleGallery({name: service.offer.picture(name) for name in service.offer.styles})
    handlers = Handlers(application, orders, gallery, conversations, config)
    try:
        await application.initialize()
    except InvalidToken:
        await application.bot.shutdown()
        # Telegram's message, and what caused it, hold the token.
        raise ImpastoError("Telegram does not know this token; @BotFather says which it is") from None
    except TelegramError as error:
        await application.bot.shutdown()
        raise ImpastoError(f"{config.base_url}: the bot cannot reach Telegram: {error}") from error
    try:
        await application.start()
        await _introduce(application)
        await handlers.resume()
        ready(application.bot.username)
        await _listen(application, orders, conversations, config.options.keep_hours, stop)
    finally:
        # What is painted is finished or handed back, and users are told which.
        handlers.close()
        await asyncio.to_thread(service.close)
        await orders.finish(SEND_SECONDS)
        await application.stop()
        await application.shutdown()


def _application(config: BotConfig, conversations: Conversations) -> AnyApplication:
    base = config.base_url.rstrip("/")
    builder: Any = (
        Application.builder()
        .token(config.token)
        .base_url(f"{base}/bot")
        .base_file_url(f"{base}/file/bot")
        .rate_limiter(AIORateLimiter(max_retries=RETRIES))
        .concurrent_updates(_OneByOne(conversations))
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


async def _introduce(application: AnyApplication) -> None:
    """Fill the menu of commands, in every language; without it the bot works as well."""
    for language in LANGUAGES:
        commands = [BotCommand(name, say(language, f"command-{name}")) for name in COMMANDS]
        try:
            # Without a language it is for everybody whose own is not there.
            code = None if language == FALLBACK_LANGUAGE else language
            await application.bot.set_my_commands(commands, language_code=code)
        except TelegramError as error:
            logger.warning("the menu of commands could not be set: %s", error)


async def _listen(
    application: AnyApplication, orders: Orders, conversations: Conversations, keep_hours: float, stop: asyncio.Event
) -> None:
    """Deal with updates, and confirm each only then, so that none is lost when the bot is killed."""
    stopping = asyncio.create_task(stop.wait())
    sweeping = asyncio.create_task(_sweep(orders, conversations, 3600 * keep_hours))
    offset, pause = None, 1.0
    try:
        while not stop.is_set():
            news = asyncio.create_task(
                application.bot.get_updates(offset, timeout=POLL_SECONDS, allowed_updates=UPDATE_KINDS)
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
                await application.bot.get_updates(offset, timeout=0, allowed_updates=UPDATE_KINDS)


async def _sweep(orders: Orders, conversations: Conversations, keep_seconds: float) -> None:
    """Forget what nobody speaks of any more."""
    while True:
        for user, conversation in conversations.items():
            if conversation.expire(time.time() - keep_seconds):
                conversations.save(user)
            if conversation.is_empty and not orders.is_busy(user):
                conversations.forget(user)
        await asyncio.sleep(min(600.0, keep_seconds / 4))


class _OneByOne(SimpleUpdateProcessor):
    """Users at once, and each of them one message after the other, with what is remembered put on the disk between."""

    def __init__(self, conversations: Conversations) -> None:
        super().__init__(UPDATES_AT_ONCE)
        self._conversations = conversations

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        user = update.effective_user if isinstance(update, Update) else None
        if user is None:
            await coroutine
            return
        async with self._conversations.lock(user.id):
            await coroutine
            self._conversations.save(user.id)

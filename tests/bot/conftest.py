"""The bot against a Telegram of this machine, with a painting process that gives back the photo."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from fake_service import faked, go
from fake_telegram import TOKEN, Telegram, User, telegram

from impasto.service.offer import Offer
from impasto.service.service import Service

__all__ = ["go"]

QUICK = {"edit_seconds": 0.05, "album_seconds": 0.1}


class Running:
    """A bot in a thread of its own. failed: what it ended with, if it was an error."""

    def __init__(self, server: Telegram, service: Service, memory: Path, **more: Any) -> None:
        from impasto.bot.config import BotConfig, BotOptions

        options = BotOptions(**{**QUICK, **more.pop("options", {})})
        self.config = BotConfig(**{"token": TOKEN, "base_url": server.url, "options": options, **more})
        self.service, self.memory = service, memory
        self.failed: BaseException | None = None
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self._listens.wait(20)

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  (for the test to look at)
            self.failed = error
        finally:
            self._listens.set()

    async def _serve(self) -> None:
        from impasto.bot.app import serve
        from impasto.bot.conversation import Conversations

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with closing(Conversations(self.memory)) as conversations:
            await serve(self.config, self.service, conversations, lambda name: self._listens.set(), self._stop)

    def stop(self) -> None:
        """As SIGTERM does."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def server() -> Iterator[Telegram]:
    with telegram() as state:
        yield state


@pytest.fixture
def user(server: Telegram) -> User:
    return server.user()


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "bot.sqlite"


@pytest.fixture
def start(server: Telegram, memory: Path, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts bots, each with a service of its own, which end with the test. limits: {name: value} of the service."""
    with ExitStack() as stack:

        def make(limits: dict[str, Any] | None = None, offer: Offer | None = None, **more: Any) -> Running:
            service = stack.enter_context(faked(tmp_path, offer=offer, echo=True, **(limits or {})))
            running = Running(server, service, memory, **more)
            stack.callback(running.stop)
            return running

        yield make


@pytest.fixture
def bot(start: Callable[..., Running]) -> Running:
    return start()


@pytest.fixture
def tasks(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """What the painting process was asked for, so far."""

    def read() -> list[dict[str, Any]]:
        path = tmp_path / "tasks.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return read

"""uvicorn with an end that is graceful."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from impasto.progress import ECHO_SECONDS
from impasto.service import Service
from impasto.serving.server import configured


class Server(uvicorn.Server):
    """On the first signal, jobs that wait are handed back, so that only what is being painted is waited for."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit
        self._heard = float("-inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not uvicorn's own, which sends itself the signal again once it is done, before the service is closed.
        now = time.monotonic()
        if now - self._heard < ECHO_SECONDS:
            return
        self._heard = now
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        # A handler interrupts whatever the main thread does, which may hold the lock that this needs.
        threading.Thread(target=self._on_exit, daemon=True).start()


def make_server(app: Any, service: Service, *, proxy: str = "") -> Server:
    """proxy: as `configured` takes it."""

    config = configured(
        app, app.state.http, proxy=proxy, lifespan="on",
        timeout_graceful_shutdown=int(service.limits.stop_seconds) + 10,
    )  # fmt: skip
    return Server(config, service.stop)

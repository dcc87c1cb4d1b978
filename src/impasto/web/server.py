"""uvicorn with an end that is graceful."""

import logging
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

logger = logging.getLogger("impasto.serving")

LAST_SECONDS = 5.0
"""That the server still answers when nothing is painted any more, so that results can be fetched."""
GRACEFUL_SECONDS = 10
"""That answers on their way are given after that."""


class Server(uvicorn.Server):
    """From the first signal on new jobs are refused, and everything else is answered until the last job is over."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        """on_exit: returns when there is nothing to answer any more."""
        super().__init__(config)
        self._on_exit = on_exit
        self._is_ending = False
        self._heard = float("-inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not uvicorn's own, which sends itself the signal again once it is done, before the service is closed.
        now = time.monotonic()
        if now - self._heard < ECHO_SECONDS:
            return
        self._heard = now
        if self._is_ending:
            self.should_exit = True
            self.force_exit = sig == signal.SIGINT
            return
        self._is_ending = True
        # A handler interrupts whatever the main thread does, which may hold the lock that this needs.
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        logger.info("stopping")
        try:
            self._on_exit()
        finally:
            self.should_exit = True


def make_server(app: Any, service: Service, *, proxy: str = "") -> Server:
    """proxy: as `configured` takes it."""

    config = configured(
        app, app.state.http, proxy=proxy, lifespan="on",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )  # fmt: skip

    def finish() -> None:
        if service.drain():
            time.sleep(LAST_SECONDS)

    return Server(config, finish)

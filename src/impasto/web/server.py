"""uvicorn, with patience that ends, and an end that is graceful."""

import asyncio
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from impasto.errors import ImpastoError
from impasto.progress import ECHO_SECONDS
from impasto.service import Service
from impasto.web.patience import HEADER_SECONDS


class Patient(H11Protocol):
    """Closes a connection whose client takes too long to say what it wants; uvicorn by itself waits for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # For the guard, which knows of a client that reads nothing.
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """From the first moment without a request that is being answered to the next with one."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


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


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any that is free. Raises ImpastoError if that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ImpastoError(f"{host}, port {port}: the server cannot listen there: {reason}") from error


def make_server(app: Any, service: Service, *, proxy: str = "") -> Server:
    """proxy: address of a reverse proxy, whose word on where a request came from is believed."""

    def leave() -> None:
        service.stop()
        app.state.hang_up()

    config = uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level=logging.WARNING,
        server_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        timeout_graceful_shutdown=int(service.limits.stop_seconds) + 10,
    )
    return Server(config, leave)

"""uvicorn with time limits, for clients that say nothing, or not enough."""

import asyncio
import logging
import socket
from collections import Counter
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from impasto.errors import ImpastoError, reason_of
from impasto.serving.http_limits import HEADER_SECONDS, HttpLimits

LEAST_EACH = 16
"""Connections that one address may have open without asking anything, at least: browsers open some in advance."""
CROWDED_SECONDS = 1.0
"""That a client may take to say what it wants while there are too many that say nothing."""


class TimeoutProtocol(H11Protocol):
    """Closes a connection whose client takes too long to say what it wants; uvicorn by itself waits for ever.

    idle: {address: its connections on which no request is being answered}. most, each: so many in all, and of one
    address, there may be for longer than a moment.
    """

    idle: Counter[str]
    most: int
    each: int
    _timers: tuple[asyncio.TimerHandle, ...] = ()

    @property
    def address(self) -> str:
        return str(self.client[0]) if self.client else ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # For the guard, which knows of a client that reads nothing.
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._start_timers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._start_timers()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._start_timers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        super().connection_lost(exc)

    def _start_timers(self) -> None:
        """From the first moment without a request that is being answered to the next with one."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timers()
        elif not self._timers and not self.transport.is_closing():
            self.idle[self.address] += 1
            self._timers = (
                self.loop.call_later(CROWDED_SECONDS, self._close_if_crowded),
                self.loop.call_later(HEADER_SECONDS, self.transport.abort),
            )

    def _close_if_crowded(self) -> None:
        if self.idle[self.address] > self.each or self.idle.total() > self.most:
            # At once, so that only as many go as are too many.
            self._stop_timers()
            self.transport.abort()

    def _stop_timers(self) -> None:
        if self._timers:
            self.idle[self.address] -= 1
            if not self.idle[self.address]:
                del self.idle[self.address]
        for timer in self._timers:
            timer.cancel()
        self._timers = ()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any that is free. Raises ImpastoError if that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ImpastoError(f"{host}, port {port}: the server cannot listen there: {reason_of(error)}") from error


def configured(app: Any, limits: HttpLimits, *, proxy: str = "", **how: Any) -> uvicorn.Config:
    """proxy: address of a reverse proxy, whose word on where a request came from is believed. how: as for uvicorn."""
    most = max(4 * LEAST_EACH, limits.connections // 2)
    # All connections of a proxy have one address.
    each = most if proxy else max(LEAST_EACH, limits.share)
    return uvicorn.Config(
        app,
        http=type("Counted", (TimeoutProtocol,), {"idle": Counter(), "most": most, "each": each}),
        ws="none",
        # A line for each request would hold addresses of people and, in the path, keys.
        access_log=False,
        log_level=logging.WARNING,
        # Its own would have no dates.
        log_config=None,
        server_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        **how,
    )

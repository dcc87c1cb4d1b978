"""What stands before the app: bodies without end, clients without haste, and pages of other sites."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from impasto.service.limits import MEGA, Limits
from impasto.service.metrics import Metrics
from impasto.web.patience import Patience
from impasto.web.problems import Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Boundaries and the names of fields come on top of the pictures.
FORM_BYTES = 100_000


class Guard:
    """ASGI middleware. Counts what it lets through, so that uploads on their way are bounded, too."""

    def __init__(self, app: App, limits: Limits, patience: Patience, metrics: Metrics, *, local: bool) -> None:
        """local: the server is for this machine; names of other machines mean that a page tries to reach it."""
        self.app, self.limits, self.patience, self.metrics, self.local = app, limits, patience, metrics, local
        self.active = 0
        self.arriving = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Raises nothing of its own once the answer has begun; a client that does not read loses its connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        passage = _Passage(self, scope, receive, send)
        self.active += 1
        try:
            self._check(scope)
            await self.app(scope, passage.receive, passage.send)
        except TimeoutError:
            if not passage.is_unread:
                raise
            # A connection that is closed would first wait for the client to read what is on its way.
            scope["state"]["abort"]()
        except Problem as problem:
            await problem.response()(dict(scope), receive, passage.send)
        finally:
            self.active -= 1
            self.arriving -= passage.count
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.count(
                "impasto_http_requests_total", "Answers to requests.",
                method=scope["method"] if route != "other" else "other", route=route, status=str(passage.status),
            )  # fmt: skip

    def _check(self, scope: MutableMapping[str, Any]) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if self.active > self.patience.connections:
            raise Problem(503, "queue-full", "the server answers as many requests as it can", retry_after=2)
        if self.local and not _is_local(headers.get(b"host", "")):
            raise Problem(403, "other-site", "this server is for its own machine only")
        site = headers.get(b"sec-fetch-site", "none")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and site not in ("none", "same-origin"):
            raise Problem(403, "other-site", "pages of other sites cannot use this server")
        length = headers.get(b"content-length", "0")
        if not length.isdigit() or int(length) > self.most_bytes:
            raise self.too_large()

    @property
    def most_bytes(self) -> float:
        return self.limits.upload_mb * MEGA + FORM_BYTES

    def too_large(self) -> Problem:
        # What else the client sends is not read, so nothing else can be said over this connection.
        return Problem(
            413,
            "too-large",
            f"a request has at most {self.limits.upload_mb:g} MB here",
            headers={"Connection": "close"},
        )


class _Passage:
    """One request on its way in and one answer on its way out."""

    def __init__(self, guard: Guard, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.guard, self._receive, self._send = guard, receive, send
        self.count = 0
        self.status = 0
        self.is_unread = False
        self._complete = False
        self._deadline = asyncio.get_running_loop().time() + guard.patience.upload_seconds

    async def receive(self) -> Message:
        if self._complete:
            # From here on only the end of the connection is waited for, and that may take as long as it likes.
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise Problem(
                408, "too-slow", f"a request has {self.guard.patience.upload_seconds:g} s to arrive",
                headers={"Connection": "close"},
            ) from None  # fmt: skip
        size = len(message.get("body", b""))
        self.count += size
        self.guard.arriving += size
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        if self.count > self.guard.most_bytes:
            raise self.guard.too_large()
        if self.guard.arriving > self.guard.limits.waiting_mb * MEGA:
            raise Problem(503, "queue-full", "too many pictures are being sent at this moment", retry_after=2)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        try:
            async with asyncio.timeout(self.guard.patience.unread_seconds):
                await self._send(message)
        except TimeoutError:
            self.is_unread = True
            raise


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False

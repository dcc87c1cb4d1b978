"""What stands before the app: bodies without end, clients without haste, and pages of other sites."""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from impasto.serving.hosts import Hosts, is_called
from impasto.serving.http_limits import BODY_BYTES, BODY_SECONDS, HttpLimits
from impasto.serving.problem import Problem

logger = logging.getLogger("impasto.serving")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "x-content-type-options": "nosniff",
    # Not `no-referrer`, with which browsers send no Origin along with a form of the server's own.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HEALTH = "/healthz"
"""Is answered however much else is asked."""
TOLD_SECONDS = 60.0
"""Between two lines in the log about the same, which strangers could make happen more often."""
MOST_TOLD = 1000
"""Things that are remembered for that."""


@dataclass(frozen=True)
class UploadLimits:
    """The requests that may be large and slow. paths: where to. most_bytes: of one. together_bytes: of all that are on
    their way. on_disk: {path: most bytes} of those that do not stay in memory, and may take longer as they are larger.
    """

    paths: Collection[str] = ()
    most_bytes: float = 0
    together_bytes: float = float("inf")
    on_disk: Mapping[str, float] = field(default_factory=dict)


class Seldom:
    """Says whether a line in the log is due. Safe in one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: OrderedDict[Hashable, float] = OrderedDict()

    def is_due(self, what: Hashable) -> bool:
        """Whether nothing was said about it lately; from now on, something was."""
        now = self._clock()
        if now - self._told.get(what, float("-inf")) < TOLD_SECONDS:
            return False
        self._told[what] = now
        self._told.move_to_end(what)
        if len(self._told) > MOST_TOLD:
            self._told.popitem(last=False)
        return True


class GuardMiddleware:
    """ASGI middleware. Counts what it lets through, so that requests and uploads on their way are bounded."""

    def __init__(
        self,
        app: App,
        limits: HttpLimits,
        *,
        hosts: Hosts = None,
        uploads: UploadLimits = UploadLimits(),
        most_bytes: int = BODY_BYTES,
        count: Callable[[Scope, int], None] = lambda *_: None,
        answer: Callable[[Scope, Problem], Response] = lambda _, problem: problem.response(),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """hosts: names by which requests may call the server. most_bytes: of a body that is no upload. count: called
        with each request and the status of its answer. answer: that a refusal is. headers: of every answer that does
        not say otherwise itself, beside those of the guard."""
        self.app, self.limits, self.hosts, self.uploads, self.most_bytes = app, limits, hosts, uploads, most_bytes
        self.headers, self._count, self._answer = {**HEADERS, **headers}, count, answer
        self.active: Counter[str] = Counter()
        self.arriving = 0
        self._told = Seldom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises nothing of its own once the answer has begun; a client that does not read loses its connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        try:
            self._check(scope, exchange)
            with self._counted(scope):
                await self.app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            # Nobody is left to answer.
            return
        except TimeoutError:
            if not exchange.is_unread:
                raise
            # A connection that is closed would first wait for the client to read what is on its way.
            scope["state"]["abort"]()
        except Problem as problem:
            await self._answer(scope, problem)(dict(scope), receive, exchange.send)
        finally:
            self.arriving -= exchange.arrived
            self._count(scope, exchange.status)

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator[None]:
        if scope["path"] == HEALTH:
            yield
            return
        address = scope["client"][0] if scope.get("client") else ""
        if self.active[address] >= self.limits.share:
            detail = f"one address may ask for {self.limits.share} things at a time here"
            raise Problem(429, "too-many-requests", detail, retry_after=2)
        if self.active.total() >= self.limits.connections:
            raise Problem(503, "queue-full", "the server answers as many requests as it can", retry_after=2)
        self.active[address] += 1
        try:
            yield
        finally:
            self.active[address] -= 1
            if not self.active[address]:
                del self.active[address]

    def _check(self, scope: Scope, exchange: "_Exchange") -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not is_called(headers.get(b"host", ""), self.hosts):
            raise Problem(403, "other-site", "this server is not called so; --allow-host names it")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and _is_foreign(headers):
            self._tell_origin(headers)
            raise Problem(403, "other-site", "pages of other sites cannot use this server")
        length = headers.get(b"content-length", "0")
        if not length.isdigit() or int(length) > exchange.most_bytes:
            raise exchange.too_large()

    def _tell_origin(self, headers: dict[bytes, str]) -> None:
        """For the operator of a proxy that hands on another `Host` than the browser was told."""
        site, origin, host = (headers.get(name, "") for name in (b"sec-fetch-site", b"origin", b"host"))
        if site in ("", "same-origin") and self._told.is_due((origin, host)):
            logger.warning("Origin %.200a is not Host %.200a; check the proxy's Host header", origin, host)


class _Exchange:
    """One request on its way in and one answer on its way out."""

    def __init__(self, guard: GuardMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard, self._receive, self._send = guard, receive, send
        self.count = self.arrived = 0
        self.status = 0
        self.is_unread = False
        self._complete = False
        uploads, seconds = guard.uploads, guard.limits.upload_seconds
        self._is_on_disk = scope["path"] in uploads.on_disk
        if self._is_on_disk:
            self.most_bytes = uploads.on_disk[scope["path"]]
            self._seconds = seconds * max(1.0, self.most_bytes / uploads.most_bytes)
        elif scope["path"] in uploads.paths:
            self.most_bytes, self._seconds = uploads.most_bytes, seconds
        else:
            self.most_bytes, self._seconds = guard.most_bytes, min(BODY_SECONDS, seconds)
        self._deadline = asyncio.get_running_loop().time() + self._seconds

    async def receive(self) -> Message:
        if self._complete:
            # From here on only the end of the connection is waited for, and that may take as long as it likes.
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            detail = f"a request has {self._seconds:g} s to arrive"
            raise Problem(408, "too-slow", detail, headers={"Connection": "close"}) from None
        size = len(message.get("body", b""))
        self.count += size
        if not self._is_on_disk:
            self.arrived += size
            self.guard.arriving += size
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        if self.count > self.most_bytes:
            raise self.too_large()
        if self.guard.arriving > self.guard.uploads.together_bytes:
            raise Problem(503, "queue-full", "too many pictures are being sent at this moment", retry_after=2)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self.guard.headers.items():
                headers.setdefault(name, value)
        try:
            async with asyncio.timeout(self.guard.limits.unread_seconds):
                await self._send(message)
        except TimeoutError:
            self.is_unread = True
            raise

    def too_large(self) -> Problem:
        # What else the client sends is not read, so nothing else can be said over this connection.
        detail = f"this request may have at most {self.most_bytes:,.0f} bytes"
        return Problem(413, "too-large", detail, headers={"Connection": "close"})


def _is_foreign(headers: dict[bytes, str]) -> bool:
    """Whether a page of another site has its visitor's browser ask this."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site not in (None, "none", "same-origin"):
        return True
    if origin is None:
        return False
    here = f"{origin.partition(':')[0]}://{headers.get(b'host', '')}"
    return _place(origin) is None or _place(origin) != _place(here)


def _place(address: str) -> tuple[str, int] | None:
    """(name, port); None for what has none."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname else None

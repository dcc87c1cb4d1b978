"""Who a request comes from, and whether it may."""

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from impasto.errors import CheckpointError
from impasto.service import Service
from impasto.service.job import VISIT, owner
from impasto.service.refusals import UserBusyError
from impasto.serving.hosts import is_loopback
from impasto.serving.problem import Problem
from impasto.serving.seldom import Seldom
from impasto.web.keys import Key, Keys

logger = logging.getLogger("impasto.serving")

MOST_USERS = 10_000
"""Users whose rate is remembered."""
COOKIE = "impasto_key"
"""Holds the key of who has signed in with a browser."""
VISIT_COOKIE = "impasto_visit"
"""Tells visitors of one address apart."""
SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

_VISIT = re.compile(r"[A-Za-z0-9_-]{22}")


def is_encrypted(request: Request) -> bool:
    """Whether the browser speaks with this server, or the proxy in front of it, over HTTPS."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def is_visit(text: str) -> bool:
    """Whether this is what a visit is called."""
    return _VISIT.fullmatch(text) is not None


@dataclass(frozen=True)
class Visitor:
    """user: as the service knows it; its `owner` is the key or address. rate: paintings a minute; 0 is any number."""

    user: str
    rate: float


class Access:
    """Tells visitors apart: by key, or, on a server without keys, by address, and in browsers by visit.

    Each has a token bucket: a minute's worth of paintings may be asked for at once, then one after the other.
    """

    def __init__(self, keys: Keys | None, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._rate, self._told, self._clock = keys, rate, Seldom(), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def wants_keys(self) -> bool:
        return self._keys is not None

    def visitor(self, request: Request, scope: str = "") -> Visitor:
        """Who asks. Raises Problem 401 without a key that is known, 403 for a key that has not this scope, and for a
        change that a cookie vouches for, but no `Origin`."""
        if self._keys is None:
            address = f"address {request.client.host if request.client else ''}"
            visit = request.cookies.get(VISIT_COOKIE, "")
            return Visitor(f"{address}{VISIT}{visit}" if is_visit(visit) else address, self._rate)
        key = self.key_of(self._text(request), scope, request)
        return Visitor(f"key {key.name}", self._rate if key.rate is None else key.rate)

    def check_share(self, visitor: Visitor, service: Service) -> None:
        """However many visits one address pretends to be, it gets no more than half of the queue.

        Raises UserBusyError.
        """
        address = owner(visitor.user).removeprefix("address ")
        share = max(service.limits.per_user, service.limits.queue // 2)
        if self.wants_keys or is_loopback(address):
            return
        jobs = service.unfinished(owner(visitor.user))
        if len(jobs) >= share:
            soon = min((job.wait_seconds or 0.0) + (job.seconds_left or 0.0) for job in jobs)
            raise UserBusyError(f"your address has {len(jobs)} unfinished jobs, its share", retry_after=max(1.0, soon))

    def spend(self, visitor: Visitor) -> None:
        """Raises Problem 429 with the time until the next painting may be asked for."""
        if not visitor.rate:
            return
        now, full = self._clock(), max(1.0, visitor.rate)
        left, since = self._buckets.pop(owner(visitor.user), (full, now))
        left = min(full, left + (now - since) * visitor.rate / 60)
        allowed = left >= 1
        self._buckets[owner(visitor.user)] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MOST_USERS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = (1 - left) * 60 / visitor.rate
            raise Problem(429, "too-often", f"you may ask for {visitor.rate:g} paintings a minute", retry_after=wait)

    def key_of(self, text: str, scope: str, request: Request) -> Key:
        """Whose key this is. Raises Problem 401, 403, and 503 if the keys cannot be read."""
        assert self._keys is not None
        try:
            key = self._keys.find(text) if text else None
        except CheckpointError as error:
            raise Problem(503, "unavailable", "the server's keys cannot be read") from error
        if key is None:
            detail = "this server wants an API key, as Authorization: Bearer KEY"
            if text:
                detail = "this key is not known here: it was removed, or is none of this server's"
                address = request.client.host if request.client else ""
                if self._told.is_due(address):
                    logger.warning("refused a key that is not known, from %s", address)
            raise Problem(401, "no-key", detail, headers={"WWW-Authenticate": 'Bearer realm="impasto"'})
        if scope and scope not in key.scopes:
            raise Problem(403, "wrong-scope", f"this key is not for {scope}")
        return key

    @staticmethod
    def _text(request: Request) -> str:
        """A key as it was sent. A browser sends cookies along whoever asks it to, but always says who did: what came
        with another `Origin`, the guard has refused."""
        if "authorization" in request.headers:
            scheme, _, text = request.headers["authorization"].partition(" ")
            return text.strip() if scheme.lower() == "bearer" else ""
        text = request.cookies.get(COOKIE, "")
        if text and request.method not in SAFE and "origin" not in request.headers:
            raise Problem(403, "other-site", "a change with a cookie needs an Origin")
        return text

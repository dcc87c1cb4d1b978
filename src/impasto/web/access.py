"""Who a request comes from, and whether it may."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from impasto.errors import CheckpointError
from impasto.serving.problem import Problem
from impasto.web.keys import Key, Keys

MOST_USERS = 10_000
"""Users whose rate is remembered."""
COOKIE = "impasto_key"
"""Holds the key of who has signed in to the page."""


@dataclass(frozen=True)
class Visitor:
    """user: as the service knows it. rate: paintings a minute; 0 is any number."""

    user: str
    rate: float


class Rates:
    """A token bucket for every user: a minute's worth may come at once, then one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, visitor: Visitor) -> None:
        """Raises Problem 429 with the time until the next one."""
        if not visitor.rate:
            return
        now, full = self._clock(), max(1.0, visitor.rate)
        left, since = self._buckets.pop(visitor.user, (full, now))
        left = min(full, left + (now - since) * visitor.rate / 60)
        allowed = left >= 1
        self._buckets[visitor.user] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MOST_USERS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = (1 - left) * 60 / visitor.rate
            raise Problem(429, "too-often", f"you may ask for {visitor.rate:g} paintings a minute", retry_after=wait)


class Access:
    """Tells visitors apart: by key, or, on a server without keys, by address."""

    def __init__(self, keys: Keys | None, rate: float) -> None:
        self._keys, self._rate = keys, rate

    @property
    def wants_keys(self) -> bool:
        return self._keys is not None

    def visitor(self, request: Request, scope: str = "") -> Visitor:
        """Who uses the API. Raises Problem 401 without a key that is known, 403 for a key that has not this scope."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        return self._visitor(request, text.strip() if scheme.lower() == "bearer" else "", scope)

    def guest(self, request: Request) -> Visitor:
        """Who looks at the page, by the key that signing in left in a cookie. Raises as `visitor` does.

        The API does not take the cookie, which a browser sends along whoever asks it to.
        """
        return self._visitor(request, request.cookies.get(COOKIE, ""), "stylize")

    def owner(self, text: str, scope: str) -> Key:
        """Whose key this is. Raises Problem 401, 403, and 503 if the keys cannot be read."""
        assert self._keys is not None
        try:
            key = self._keys.find(text) if text else None
        except CheckpointError as error:
            raise Problem(503, "unavailable", "the server's keys cannot be read") from error
        if key is None:
            raise Problem(
                401, "no-key", "this server wants an API key, as Authorization: Bearer KEY",
                headers={"WWW-Authenticate": 'Bearer realm="impasto"'},
            )  # fmt: skip
        if scope and scope not in key.scopes:
            raise Problem(403, "wrong-scope", f"this key is not for {scope}")
        return key

    def _visitor(self, request: Request, text: str, scope: str) -> Visitor:
        if self._keys is None:
            return Visitor(f"address {request.client.host if request.client else ''}", self._rate)
        key = self.owner(text, scope)
        return Visitor(f"key {key.name}", self._rate if key.rate is None else key.rate)

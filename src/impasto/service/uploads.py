"""What users send once and name in requests from then on: pictures, which stay in memory, and what this has in common
with films, which `videos` has on the disk."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from impasto.service.job import owner
from impasto.service.limits import MEGA, Limits
from impasto.service.refusals import RefusedError

PREFIX = "upload:"
"""How ids of uploads begin, which tells them from the names of styles."""
LEAST_BYTES = 65_536
"""That an upload counts for, so that none are too many."""

T = TypeVar("T")


@dataclass
class Item(Generic[T]):
    """size: bytes that are reserved for it, or that it has. used: when it was sent, or last named in a request; None as
    long as a job needs its place. value: None while it arrives."""

    user: str
    size: float
    used: float | None = None
    value: T | None = None


class BoundedStore(Generic[T]):
    """Bounded in bytes for each key or address and for all of them, and in age. Safe between threads.

    Of what is too much of one, the longest unused goes first; nobody's goes for another's.
    """

    def __init__(
        self, what: str, each_mb: float, together_mb: float, keep_seconds: float, clock: Callable[[], float]
    ) -> None:
        """what: messages call one of them."""
        self._what, self._each, self._together = what, each_mb * MEGA, together_mb * MEGA
        self._keep_seconds, self._clock = keep_seconds, clock
        self._lock = threading.RLock()
        self._items: dict[str, Item[T]] = {}

    @property
    def num_bytes(self) -> float:
        """With what is reserved."""
        with self._lock:
            return sum(item.size for item in self._items.values())

    def named(self, name: str, user: str) -> T:
        """Its time begins anew. Raises RefusedError "no-such-upload" if it is gone, or another user's."""
        with self._lock:
            self.sweep()
            item = self._items.get(name)
            if item is None or item.value is None or item.user != user:
                raise RefusedError("no-such-upload", f"there is no such {self._what}, or no longer; send it again")
            item.used = self._clock()
            return item.value

    def forget(self, name: str, user: str) -> None:
        """Jobs that were begun with it go on. Raises what `named` raises."""
        self.named(name, user)
        self.discard(name)

    def discard(self, name: str) -> None:
        with self._lock:
            self._items.pop(name, None)

    def sweep(self) -> None:
        """Let go of what was not used for `keep_seconds`."""
        oldest = self._clock() - self._keep_seconds
        with self._lock:
            for name in [name for name, item in self._items.items() if item.used is not None and item.used <= oldest]:
                self.discard(name)

    def _reserve(self, name: str, user: str, size: float) -> Item[T]:
        """Raises RefusedError "too-large" and "queue-full", and then everything stays."""
        with self._lock:
            self.sweep()
            if size > min(self._each, self._together):
                raise RefusedError("too-large", f"the {self._what} needs more room than this server gives to one user")
            own = {key: item for key, item in self._items.items() if owner(item.user) == owner(user)}
            # Those of one moment in the order in which they came.
            idle = sorted((key for key in own if own[key].used is not None), key=lambda key: own[key].used or 0.0)
            of_user, of_all, going = sum(item.size for item in own.values()), self.num_bytes, []
            while of_user + size > self._each or of_all + size > self._together:
                if not idle:
                    raise self._full()
                going.append(idle.pop(0))
                of_user, of_all = of_user - own[going[-1]].size, of_all - own[going[-1]].size
            for key in going:
                self.discard(key)
            return self._items.setdefault(name, Item(user, size))

    def _full(self) -> RefusedError:
        now = self._clock()
        oldest = min((item.used for item in self._items.values() if item.used is not None), default=now)
        detail = f"the {self._what}s on this server leave no room for another one; let go of yours, or come again later"
        return RefusedError("queue-full", detail, retry_after=self._keep_seconds - (now - oldest))


class Uploads(BoundedStore[bytes]):
    """Pictures."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("upload", limits.uploads_each_mb, limits.uploads_mb, limits.keep_seconds, clock)

    def put(self, data: bytes, user: str) -> str:
        """Its id. Raises RefusedError "too-large" and "queue-full"."""
        name = PREFIX + secrets.token_urlsafe(16)
        with self._lock:
            item = self._reserve(name, user, max(LEAST_BYTES, len(data)))
            item.used, item.value = self._clock(), data
        return name

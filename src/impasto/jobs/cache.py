"""Values that are kept from one job to the next, within bounds."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """The most recently used values, at most `size` of them; counts how often it had what was asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.hits = self.misses = 0
        self._kept: OrderedDict[Any, tuple[T, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Any, make: Callable[[], T], *, keep: Callable[[T], bool] | None = None) -> T:
        """The value of a key, made if it is not there. keep: whether one that was made is kept; by default all are."""
        if key in self._kept:
            self.hits += 1
            value, _ = self._kept.pop(key)
        else:
            self.misses += 1
            value = make()
            if keep is not None and not keep(value):
                return value
        self._kept[key] = value, time.monotonic()
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return value

    def forget(self, seconds: float) -> None:
        """Let go of what was not asked for so long."""
        oldest = time.monotonic() - seconds
        while self._kept and next(iter(self._kept.values()))[1] < oldest:
            self._kept.popitem(last=False)

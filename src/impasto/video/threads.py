"""Work beside the work of the caller: an iterator that is ahead, a function that is behind."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """The items in order, made in another thread, which is at most `depth` of them ahead and ends with the caller.

    What making one raises is raised where it is taken.
    """
    end: Any = object()
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(next, items, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, items, end))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)


class Behind(Generic[T]):
    """Calls a function with each item, in order, in another thread, at most `depth` items behind.

    What the function raises is raised by a later call, or by `close`; later items are dropped then.
    """

    def __init__(self, function: Callable[[T], None], depth: int) -> None:
        self.function, self.depth = function, depth
        self.pool = ThreadPoolExecutor(1)
        self.calls: deque[Future[None]] = deque()

    def __call__(self, item: T) -> None:
        before = self.calls[-1] if self.calls else None
        self.calls.append(self.pool.submit(self._call, item, before))
        if len(self.calls) > self.depth:
            self.calls.popleft().result()

    def close(self) -> None:
        """Waits until everything is done."""
        self.pool.shutdown()
        for call in self.calls:
            call.result()

    def abandon(self) -> None:
        """Drops what waits, and ends."""
        self.pool.shutdown(cancel_futures=True)

    def _call(self, item: T, before: Future[None] | None) -> None:
        if before is not None:
            before.result()  # raises what it raised: nothing is written after a frame that could not be
        self.function(item)

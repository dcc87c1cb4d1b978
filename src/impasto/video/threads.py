"""Work beside the work of the caller: an iterator that is ahead, a function that is behind."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

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


@contextmanager
def behind(function: Callable[[T], None], depth: int) -> Iterator[Callable[[T], None]]:
    """Calls a function with each item, in order, in another thread, at most `depth` items behind, and waits for it.

    What the function raises is raised by a later call, or at the end; later items are dropped then.
    """
    pool = ThreadPoolExecutor(1)
    calls: deque[Future[None]] = deque()

    def call(item: T, before: Future[None] | None) -> None:
        if before is not None:
            before.result()  # raises what it raised: nothing is written after a frame that could not be
        function(item)

    def submit(item: T) -> None:
        calls.append(pool.submit(call, item, calls[-1] if calls else None))
        if len(calls) > depth:
            calls.popleft().result()

    try:
        yield submit
        for last in calls:
            last.result()
    finally:
        pool.shutdown(cancel_futures=True)

"""Work beside the work of the caller: an iterator that is ahead, a function that is behind."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# Seconds after which a thread that waits looks whether it is still wanted.
LOOK = 0.1


def ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """The items in order, made in another thread, which is at most `depth` of them ahead and ends with the caller.

    What making one raises is raised where it is taken.
    """
    ready: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue(depth)
    is_over = threading.Event()

    def put(kind: str, value: T | BaseException | None) -> bool:
        while not is_over.is_set():
            try:
                ready.put((kind, value), timeout=LOOK)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            put("error", error)

    thread = threading.Thread(target=work, name="impasto-ahead", daemon=True)
    thread.start()
    try:
        while (taken := ready.get())[0] == "item":
            yield taken[1]  # type: ignore[misc]
        if isinstance(taken[1], BaseException):
            raise taken[1]
    finally:
        is_over.set()
        thread.join()


class Behind(Generic[T]):
    """Calls a function with each item, in order, in another thread, at most `depth` items behind.

    What the function raises is raised by the next call, and by `close`; later items are dropped then.
    """

    def __init__(self, function: Callable[[T], None], depth: int) -> None:
        self.function = function
        self.waiting: queue.Queue[T | None] = queue.Queue(depth)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._work, name="impasto-behind", daemon=True)
        self.thread.start()

    def __call__(self, item: T) -> None:
        self._raise()
        self.waiting.put(item)

    def close(self) -> None:
        """Waits until everything is done."""
        self.waiting.put(None)
        self.thread.join()
        self._raise()

    def abandon(self) -> None:
        """Drops what waits, and ends."""
        self.error = self.error or RuntimeError("abandoned")
        self.waiting.put(None)
        self.thread.join()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _work(self) -> None:
        while (item := self.waiting.get()) is not None:
            if self.error is None:
                try:
                    self.function(item)
                except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
                    self.error = error

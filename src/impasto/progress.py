"""How long work tells how far it is, and how a caller stops it."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One report.

    step, total: finished and expected steps of the whole job. loss: of the best picture so far at this scale.
    losses: {term: weighted value} of the picture of this very step, where a method has terms; best_losses: of the best
    one, which after the last step is the finished one.
    retreats: how often the loss exploded so far, where a method goes back to its best picture then.
    size: (height, width) that is being worked on. seconds_left: an estimate; None until there is one.
    preview: the best picture so far, (1, 3, h, w) in [0, 1], as it is painted; a function because making it costs time.
    """

    step: int
    total: int
    loss: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    best_losses: Mapping[str, float] = field(default_factory=dict)
    retreats: int = 0
    size: tuple[int, int] | None = None
    seconds_left: float | None = None
    preview: Callable[[], Any] | None = field(default=None, repr=False)


# Called with each report. Raising errors.Cancelled stops the job; its best picture so far is kept.
ProgressCallback = Callable[[Progress], None]


ECHO_SECONDS = 1.0
"""After a signal, within which another one is the same wish: terminals, launchers and containers send it twice."""


@contextmanager
def stoppable(stop: Callable[[], None]) -> Iterator[None]:
    """While it lasts, Ctrl-C and SIGTERM call `stop`, and again only if they come again after ECHO_SECONDS.

    Outside the main thread, which alone can have handlers, nothing changes; what is ignored stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = float("-inf")

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal heard
        now = time.monotonic()
        if now - heard >= ECHO_SECONDS:
            heard = now
            stop()

    numbers = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def ignore() -> None:
    """For whoever has nothing to say to a wish to stop."""


def interrupt() -> None:
    """What Ctrl-C does in Python, for `stoppable`."""
    raise KeyboardInterrupt

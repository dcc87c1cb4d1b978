"""What goes into the log, but not as often as strangers make it happen."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

SECONDS = 60.0
"""Between two lines about the same."""
MOST = 1000
"""Things that are remembered."""


class Seldom:
    """Says whether a line is due. Safe in one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: OrderedDict[Hashable, float] = OrderedDict()

    def is_due(self, what: Hashable) -> bool:
        """Whether nothing was said about it lately; from now on, something was."""
        now = self._clock()
        if now - self._told.get(what, float("-inf")) < SECONDS:
            return False
        self._told[what] = now
        self._told.move_to_end(what)
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        return True

"""Memory for pictures of Telegram's, given before a byte of them is fetched."""

from collections.abc import Iterator
from contextlib import contextmanager

from impasto.bot.conversation import Commission, Picture
from impasto.bot.sending import DOWNLOAD_BYTES
from impasto.bot.troubles import Trouble
from impasto.service import Limits
from impasto.service.limits import MEGA

SHARE = 4
"""One user's commissions hold at most one part in so many of all the memory."""
RETRY_SECONDS = 30.0
"""Until somebody's commission may have ended."""


class Room:
    """Bounded in commissions and bytes for one user, and in bytes for all of them."""

    def __init__(self, limits: Limits) -> None:
        self._per_user, self._most = limits.per_user, limits.waiting_mb * MEGA
        self._taken: dict[int, list[int]] = {}

    @contextmanager
    def of(self, user: int, commission: Commission) -> Iterator[None]:
        """Held while a commission is fetched, painted and sent. Raises Trouble at once if there is none."""
        num_bytes = most_bytes(commission)
        own = self._taken.get(user, [])
        if len(own) >= self._per_user or (own and sum(own) + num_bytes > self._most / SHARE):
            raise Trouble("busy", RETRY_SECONDS)
        everything = sum(map(sum, self._taken.values()))
        if everything and everything + num_bytes > self._most:
            raise Trouble("full", RETRY_SECONDS)
        own = self._taken.setdefault(user, own)
        own.append(num_bytes)
        try:
            yield
        finally:
            own.remove(num_bytes)
            if not own:
                del self._taken[user]


def most_bytes(commission: Commission) -> int:
    """That its pictures take at a time: those of an album come one after the other, the style stays."""
    style = _size(commission.style) if isinstance(commission.style, Picture) else 0
    return style + max(map(_size, commission.contents))


def _size(picture: Picture) -> int:
    # A larger one is not fetched.
    return min(picture.num_bytes or DOWNLOAD_BYTES, DOWNLOAD_BYTES)

"""Other files of a picture: small, or in another format. For the operator's styles and what impasto painted, not for
uploads: these are decoded by the painting process alone."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from impasto import image
from impasto.decoding import read_shown
from impasto.record import find_record
from impasto.report.sheets import jpeg, reduced
from impasto.service.limits import MEGA

THUMBNAIL_SIDE = 256
"""Pixels of a thumbnail's longer side."""
KEPT_MB = 64
"""Of copies that were asked for lately."""


class Copies:
    """The latest copies of paintings, so that each is encoded once. Belongs to the event loop."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """seconds: that one is kept at most, as its painting is."""
        self._seconds, self._clock = seconds, clock
        self._kept: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()
        self._making: dict[tuple[str, str], asyncio.Task[bytes]] = {}

    @property
    def num_bytes(self) -> int:
        return sum(len(data) for data, _ in self._kept.values())

    async def get(self, job: str, format: str, make: Callable[[], bytes]) -> bytes:  # noqa: A002
        """A job's painting in a format, made in a thread if it is not there, once for all who ask meanwhile.

        Raises what `make` raises.
        """
        key = job, format
        if key in self._kept:
            return self._kept[key][0]
        if key not in self._making:
            self._making[key] = asyncio.create_task(self._made(key, make))
        # Whoever goes away does not take it from the others.
        return await asyncio.shield(self._making[key])

    async def _made(self, key: tuple[str, str], make: Callable[[], bytes]) -> bytes:
        try:
            data = await run_in_threadpool(make)
        finally:
            del self._making[key]
        self._kept[key] = data, self._clock()
        while len(self._kept) > 1 and self.num_bytes > KEPT_MB * MEGA:
            self._kept.popitem(last=False)
        return data

    def forget(self, job: str) -> None:
        """All of a job's."""
        for key in [key for key in self._kept if key[0] == job]:
            del self._kept[key]

    def sweep(self) -> None:
        """Let go of what is too old."""
        oldest = self._clock() - self._seconds
        for key in [key for key, (_, since) in self._kept.items() if since <= oldest]:
            del self._kept[key]


@lru_cache(maxsize=256)
def thumbnail(path: Path) -> bytes:
    """A small JPEG file of a picture of the operator's. Raises PictureError."""
    return jpeg(reduced(read_shown(path, side=THUMBNAIL_SIDE), THUMBNAIL_SIDE), 85)


def copy(painting: bytes, format: str) -> bytes:  # noqa: A002
    """A painting of impasto's as JPEG or WebP, with its record. Raises PictureError."""
    # The best so far of a painting that was stopped has no record.
    return image.encode(image.on_white(image.read(painting)), format, record=find_record(painting))

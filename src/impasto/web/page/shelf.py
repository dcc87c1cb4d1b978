"""Pictures of those who look at the page, in memory: what they upload, and the paintings that they fetch."""

import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from impasto.errors import PictureError
from impasto.service import Service
from impasto.service.limits import MEGA
from impasto.service.refusals import QueueFullError, RefusedError
from impasto.web.copies import jpeg, thumbnail

MEDIA_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "bmp": "image/bmp", "avif": "image/avif", "zip": "application/zip",
}  # fmt: skip
"""What is sent as what it is; anything else goes as bytes without a meaning, so that no browser runs it."""
LONGEST_NAME = 60
GONE = "a picture is no longer on the server; drop it again"


@dataclass(frozen=True)
class File:
    """What a browser is sent."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Copies:
    """Paths of one painting: as it was painted, for those who want a JPEG file, and small."""

    png: str
    jpeg: str
    small: str


@dataclass
class _Kept:
    """data: of an upload. job: whose painting it is. used: when it was last asked for, or the painting was made."""

    used: float
    data: bytes = b""
    job: str = ""


class Shelf:
    """Bounded in bytes and age by the service's limits for results. Safe between threads.

    gradio knows pictures by paths. These are paths of no file: below `root`, which need not exist, a word that nobody
    guesses and a name. Nothing is ever read from or written to the disk.
    """

    def __init__(self, service: Service, root: str, clock: Callable[[], float] = time.monotonic) -> None:
        """root: gradio's own folder, where it takes paths as they are."""
        self._service, self._clock = service, clock
        self._root = f"{root.rstrip('/')}/impasto"
        self._path = re.compile(rf"{re.escape(self._root)}/([\w-]{{22}})/([\w.-]{{1,{LONGEST_NAME + 10}}})")
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def put(self, data: bytes, name: str) -> str:
        """Keep a file; returns its path. Raises QueueFullError."""
        with self._lock:
            now = self._clock()
            self._sweep(now)
            if self._bytes + len(data) > self._service.limits.results_mb * MEGA:
                oldest = next(iter(self._kept.values()), None)
                wait = self._service.limits.keep_seconds - (now - oldest.used if oldest else 0)
                raise QueueFullError("there are too many pictures on the server now", retry_after=max(1.0, wait))
            return self._add(_Kept(now, data=data), called(name))

    def show(self, job: str, stem: str) -> Copies:
        """Paths of a finished job's painting, which stays where it is."""
        with self._lock:
            token = self._add(_Kept(self._clock(), job=job), "").rstrip("/")
        name = called(stem, suffix="")
        return Copies(*(f"{token}/{name}{suffix}" for suffix in (".png", ".jpg", ".small.jpg")))

    def holds(self, path: str) -> bool:
        """Whether a path is of the kind that `put` and `show` give; what it leads to may be gone."""
        return self._path.fullmatch(path) is not None

    def read(self, path: str) -> bytes:
        """An upload, whose time begins anew. Raises PictureError if it is gone."""
        with self._lock:
            kept = self._find(path)
            if kept is None or kept.job:
                raise PictureError(GONE)
            kept.used = self._clock()
            self._kept.move_to_end(self._token(path))
            return kept.data

    def file(self, path: str) -> File:
        """Anything by its path. Raises PictureError if it is gone."""
        with self._lock:
            kept = self._find(path)
        if kept is None:
            raise PictureError(GONE)
        suffix = PurePath(path).suffix.lstrip(".").lower()
        media_type = MEDIA_TYPES.get(suffix, "application/octet-stream")
        return File(self._copy(kept.job, path) if kept.job else kept.data, media_type)

    @property
    def num_bytes(self) -> int:
        with self._lock:
            self._sweep(self._clock())
            return self._bytes

    def _copy(self, job: str, path: str) -> bytes:
        try:
            data = self._service.result(job).data
        except RefusedError as error:
            raise PictureError(GONE) from error
        if path.endswith(".small.jpg"):
            return thumbnail(data)
        return jpeg(data) if path.endswith(".jpg") else data

    def _add(self, kept: _Kept, name: str) -> str:
        token = secrets.token_urlsafe(16)
        self._kept[token] = kept
        self._bytes += len(kept.data)
        return f"{self._root}/{token}/{name}"

    def _token(self, path: str) -> str:
        match = self._path.fullmatch(path)
        return match[1] if match else ""

    def _find(self, path: str) -> _Kept | None:
        self._sweep(self._clock())
        return self._kept.get(self._token(path))

    def _sweep(self, now: float) -> None:
        while self._kept:
            token, oldest = next(iter(self._kept.items()))
            if now - oldest.used < self._service.limits.keep_seconds:
                return
            del self._kept[token]
            self._bytes -= len(oldest.data)


def called(name: str, suffix: str | None = None) -> str:
    """A name for a file from what a visitor called it: the letters, digits, - and _ of it. suffix: instead
    of its own."""
    pure = PurePath(name.replace("\\", "/").rpartition("/")[2])
    stem = re.sub(r"[^\w-]+", "-", pure.stem if suffix is None else name).strip("-")
    ending = re.sub(r"[^\w.]+", "", pure.suffix.lower(), flags=re.ASCII)[:8] if suffix is None else suffix
    return (stem[:LONGEST_NAME] or "picture") + ending

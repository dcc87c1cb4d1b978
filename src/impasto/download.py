"""Files from the network: continued where they broke off, checked, and put in place only when they are whole."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from requests import Response

TIMEOUT_SECONDS = 30.0
CHUNK_BYTES = 1 << 18
ATTEMPTS = 5
"""How often one call goes on with a server that breaks off, as long as each time brings more of the file."""

SETTLED_SECONDS = 5.0
"""After which a file that is written again has other times, however coarse the clock of its file system."""

Report = Callable[[int, int], None]


class DownloadError(Exception):
    """No address gave the file. The message is each server's name with the reason, on one line."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file in the network.

    urls: addresses of the same file, in the order in which they are tried.
    sha256: 64 hex digits, or None if nobody published it: then the length that the server announces is all that is
        checked.
    num_bytes: size of the file, None where it is not known; only for `progress`.
    """

    urls: Sequence[str]
    sha256: str | None = None
    num_bytes: int | None = None


def download(wanted: Wanted, path: Path, *, progress: Report | None = None) -> str:
    """Bring a file to `path` and return its SHA-256; what stood at `path` stays until the new file is whole.

    progress: called with (bytes so far, bytes in total); the total is 0 while nobody knows it. What it raises stops
        the download.

    What was transferred when a download stops, is killed or breaks off lies hidden beside `path`, and the next call
    goes on with it (RFC 9110, section 14.2: Range with If-Range), where the server can and its file is still the same.
    Two processes that want the same file do not disturb each other. Raises DownloadError if no address gives the file,
    OSError (ENOSPC) before anything is transferred that would not find room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _claimed(path, is_checked=wanted.sha256 is not None) as part:
        failures = []
        for url in wanted.urls:
            reason = _tried(url, wanted, part, progress)
            if reason is None:
                digest = part.sha256()
                part.put(path)
                return digest
            failures.append(f"{urlsplit(url).netloc}: {reason}")
    raise DownloadError("; ".join(failures))


def is_offline() -> bool:
    """Whether the environment's IMPASTO_OFFLINE forbids the network."""
    return os.environ.get("IMPASTO_OFFLINE", "").lower() not in ("", "0", "false", "no")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file of any size, in 64 hex digits; a file that stays as it is is read for it only once."""
    about = path.stat()
    if time.time() - max(about.st_mtime, about.st_ctime) < SETTLED_SECONDS:
        return _read_sha256(path)
    state = about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
    return _known_sha256(path.absolute(), state)


@lru_cache(maxsize=1024)
def _known_sha256(path: Path, state: tuple[int, ...]) -> str:  # noqa: ARG001
    """Of a file in this state, as far as its file system tells states apart."""
    return _read_sha256(path)


def _read_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_WRONG = "what it sent is not the published file (wrong SHA-256) and has been removed"


class _Part:
    """The file so far, and in a note beside it what tells whether it is still the server's.

    file: unbuffered, so that what has come is there after a kill. note: None if nothing may be continued later.
    """

    def __init__(self, path: Path, file: FileIO, note: Path | None) -> None:
        self.path, self.file, self.note = path, file, note
        self.is_continuable = False  # whether the server that last answered sends parts

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def begin(self) -> None:
        """From nothing."""
        self.file.seek(0)
        self.file.truncate()
        if self.note:
            self.note.unlink(missing_ok=True)

    def append(self, data: bytes) -> None:
        self.file.seek(0, os.SEEK_END)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self.file.write(rest) :]
        except OSError:
            self.begin()  # on a full disk, it would be in the way
            raise

    def remember(self, url: str, validator: str) -> None:
        if self.note and validator:
            self.note.write_text(json.dumps({"url": url, "validator": validator}))

    def validator(self, url: str) -> str:
        """What If-Range names to go on with this part from the address, or ''."""
        try:
            known = json.loads(self.note.read_text()) if self.note else {}
            return str(known["validator"]) if known["url"] == url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def sha256(self) -> str:
        self.file.seek(0)
        return hashlib.file_digest(self.file, "sha256").hexdigest()

    def put(self, path: Path) -> None:
        os.fsync(self.file.fileno())
        self.path.replace(path)
        if self.note:
            self.note.unlink(missing_ok=True)


@contextmanager
def _claimed(path: Path, *, is_checked: bool) -> Iterator[_Part]:
    """The part of `path`, of this process alone; while another process holds it, one that lives as long as this.

    is_checked: whether there is a SHA-256, so that even a part without a validator may be continued later.
    """
    stable = path.with_name(f".{path.name}.partial")
    file = _locked(stable)
    if file is None:
        own = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
        part = _Part(own, own.open("x+b", buffering=0), None)
    else:
        part = _Part(stable, file, stable.with_name(f"{stable.name}.json"))
    try:
        yield part
    finally:
        # Before it is closed, and with that unlocked. After success there is nothing left at this path.
        if part.note is None or not part.size or not (is_checked or part.note.exists()):
            part.path.unlink(missing_ok=True)
            if part.note:
                part.note.unlink(missing_ok=True)
        part.file.close()


def _locked(path: Path) -> FileIO | None:
    """The file, open and locked until it is closed or the process ends; None if another process has it."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows cannot rename an open file, so there parts do not last
        return None
    while True:
        # Neither "w", which would empty it, nor "a", which would write at the end whatever the position.
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        with contextlib.suppress(FileNotFoundError):
            # Between opening and locking, its owner may have finished and moved it away.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def _tried(url: str, wanted: Wanted, part: _Part, progress: Report | None) -> str | None:
    """None when the whole file is there, else why it is not."""
    from requests import RequestException

    reason = ""
    for _ in range(ATTEMPTS):
        before = part.size
        try:
            continued = _transfer(url, wanted, part, progress)
        except RequestException as error:
            reason = _reason(error)
            if part.is_continuable and part.size > before:
                continue
            return reason
        if wanted.sha256 is None or part.sha256() == wanted.sha256:
            return None
        reason = _WRONG
        part.begin()
        if not continued:  # otherwise the server's file may have become another one behind the part's back
            break
    return reason


def _transfer(url: str, wanted: Wanted, part: _Part, progress: Report | None) -> bool:
    """Fill the part up, and return whether what was there of it stayed."""
    import requests

    part.is_continuable = False
    validator = part.validator(url)
    headers = {"Accept-Encoding": "identity"}  # ranges are those of the file itself
    # Without a SHA-256, only the same address with the same validator is sure to send the rest of the same file.
    if part.note and part.size and (validator or wanted.sha256):
        headers |= {"Range": f"bytes={part.size}-"} | ({"If-Range": validator} if validator else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable and "Range" in headers:
            # Nothing comes after the part: it is all there is, or has nothing to do with what is there now.
            if wanted.sha256 is not None and part.sha256() == wanted.sha256:
                return True
            part.begin()
            return _transfer(url, wanted, part, progress)
        answer.raise_for_status()
        continued = answer.status_code == 206 and _first_byte(answer) == part.size
        if not continued:
            part.begin()
            part.remember(url, _validator(answer))
        part.is_continuable = continued or answer.headers.get("Accept-Ranges") == "bytes"
        _receive(answer, part, wanted, progress)
        return continued


def _receive(answer: "Response", part: _Part, wanted: Wanted, progress: Report | None) -> None:
    from requests.exceptions import ChunkedEncodingError

    announced = answer.headers.get("Content-Length", "")
    is_plain = "Content-Encoding" not in answer.headers
    total = part.size + int(announced) if announced.isdigit() and is_plain else 0
    if shutil.disk_usage(part.path.parent).free < total - part.size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    known = total or wanted.num_bytes or 0
    done = part.size
    for chunk in answer.iter_content(CHUNK_BYTES):
        part.append(chunk)
        done += len(chunk)
        if progress:
            progress(done, max(known, done) if known else 0)
    if done < total:
        raise ChunkedEncodingError  # which older versions of urllib3 leave to their callers


def _first_byte(answer: "Response") -> int:
    """Where the part begins that a server sends; -1 if it does not say."""
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _validator(answer: "Response") -> str:
    """What If-Range may name: a strong ETag, else the time of the last change, else ''."""
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _reason(error: Exception) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code} {error.response.reason}"
    # The first that fits counts: the later kinds include some of the earlier ones.
    reasons = {
        exceptions.SSLError: "its certificate was not accepted",
        exceptions.Timeout: f"it did not answer within {TIMEOUT_SECONDS:g} seconds",
        exceptions.ChunkedEncodingError: "the transfer broke off",
        exceptions.ConnectionError: "the connection failed or was lost",
    }
    for kind, reason in reasons.items():
        if isinstance(error, kind):
            return reason
    return f"the request failed ({type(error).__name__})"

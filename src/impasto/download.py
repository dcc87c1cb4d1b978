"""Files from the network: continued where they broke off, checked, and put in place only when they are whole."""

import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

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
class RemoteFile:
    """A file in the network.

    urls: addresses of the same file, in the order in which they are tried.
    sha256: 64 hex digits, or None if nobody published it: then the length that the server announces is all that is
        checked, and a download that breaks off goes on only where the server says that the file is the same still.
    num_bytes: size of the file, None where it is not known; only for `progress`.
    """

    urls: Sequence[str] = ()
    sha256: str | None = None
    num_bytes: int | None = None


def download(file: RemoteFile, path: Path, *, progress: Report | None = None) -> str:
    """Bring a file to `path` and return its SHA-256; what stood at `path` stays until the new file is whole.

    progress: called with (bytes so far, bytes in total); the total is 0 while nobody knows it. What it raises stops
        the download.

    What was transferred when a download stops, is killed or breaks off lies hidden beside `path`, and the next call
    goes on with it where the server can. Two processes that want the same file do not disturb each other. Raises
    DownloadError if no address gives the file, OSError (ENOSPC) before anything is transferred that would not find
    room.
    """
    from requests import RequestException

    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    with _partial_file(path, has_hash=file.sha256 is not None) as part:
        for url in file.urls:
            try:
                sha256 = _fetch(url, file, part, progress)
            except RequestException as error:
                failures.append(f"{urlsplit(url).netloc}: {_reason(error)}")
                continue
            if file.sha256 in (None, sha256):
                part.replace(path)
                return sha256
            part.unlink()
            reason = "what it sent is not the published file (wrong SHA-256) and has been removed"
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


def _fetch(url: str, file: RemoteFile, part: Path, progress: Report | None) -> str:
    """Fill the part up from one address, and return its SHA-256. Raises RequestException."""
    from requests import RequestException

    is_continued = _size(part) > 0
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            _transfer(url, file, part, progress)
            break
        except RequestException:
            if attempt == ATTEMPTS or _size(part) <= before or not (file.sha256 or _version(part)):
                raise
    sha256 = _read_sha256(part)
    if is_continued and file.sha256 not in (None, sha256):
        # It was the part of another file.
        part.unlink()
        _transfer(url, file, part, progress)
        sha256 = _read_sha256(part)
    return sha256


def _transfer(url: str, file: RemoteFile, part: Path, progress: Report | None) -> None:
    """Go on with the part, or begin anew where the server cannot, or neither a hash nor its own word tells that the
    part is one of this file."""
    import requests
    from requests.exceptions import ChunkedEncodingError

    version = _version(part)
    done = _size(part) if file.sha256 or version else 0
    headers = {"Accept-Encoding": "identity"}  # ranges are those of the file itself
    if done:
        headers["Range"] = f"bytes={done}-"
        if not file.sha256:
            headers["If-Range"] = version
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        is_other = bool(done) and not file.sha256 and _told_version(answer.headers) not in ("", version)
        if is_other and answer.status_code != requests.codes.ok:
            part.unlink()  # a server that does not know of If-Range
            return _transfer(url, file, part, progress)
        if done and answer.status_code == requests.codes.requested_range_not_satisfiable:
            return None  # nothing comes after the part
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            done = 0
        announced = answer.headers.get("Content-Length", "")
        is_plain = "Content-Encoding" not in answer.headers
        total = done + int(announced) if announced.isdigit() and is_plain else 0
        if shutil.disk_usage(part.parent).free < total - done:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if not file.sha256:
            _version_file(part).write_text(_told_version(answer.headers))
        expected = total or file.num_bytes or 0
        with part.open("ab" if done else "wb") as stream:
            for chunk in answer.iter_content(CHUNK_BYTES):
                stream.write(chunk)
                done += len(chunk)
                if progress:
                    progress(done, max(expected, done) if expected else 0)
            stream.flush()
            os.fsync(stream)
        if done < total:
            raise ChunkedEncodingError  # which older versions of urllib3 leave to their callers
        return None


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _told_version(headers: Mapping[str, str]) -> str:
    """By which the server tells whether the file has changed since: a strong ETag or a time; or ''."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified", "")


def _version(part: Path) -> str:
    """Of the file that the part is of, or '' where the server gave none."""
    try:
        return _version_file(part).read_text()
    except OSError:
        return ""


def _version_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


@contextmanager
def _partial_file(path: Path, *, has_hash: bool) -> Iterator[Path]:
    """Where what has come of `path` lies, for this process alone; while another process has the place, one that lives
    as long as this. has_hash: it may be continued whatever the server says of it."""
    from filelock import FileLock, Timeout

    is_kept = True
    part = path.with_name(f".{path.name}.partial")
    lock = FileLock(f"{part}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        part, is_kept = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial"), False
    try:
        yield part
    except OSError as error:
        # On a full disk, it would be in the way.
        is_kept = is_kept and error.errno != errno.ENOSPC
        raise
    finally:
        if not is_kept or not _size(part) or not (has_hash or _version(part)):
            part.unlink(missing_ok=True)
            _version_file(part).unlink(missing_ok=True)
        if lock.is_locked:
            # Two that both have it, one of them by a file that is gone, would be found out by the hash.
            Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()


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

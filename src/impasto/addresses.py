"""Files anywhere that fsspec reaches: paths of this machine, s3://, gs://, az://, http:// and others."""

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from impasto.errors import ImpastoError, OptionError, PictureError, reason_of
from impasto.files import replace_file

# What another attempt does not change.
LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
TRIES = 4
FIRST_PAUSE = 0.5
"""Seconds, doubled before every further try."""
# Where a file that is written is there as a whole or not at all. Elsewhere it is written beside its place, and moved.
AT_ONCE = {"abfs", "az", "gcs", "gs", "memory", "oci", "oss", "s3", "s3a"}
READ_ONLY = ("http", "https")

T = TypeVar("T")


def is_remote(address: str) -> bool:
    """Whether it is no plain path of this machine."""
    return "://" in address


def file_system(address: str) -> tuple[Any, str]:
    """(its fsspec file system, the path there). Raises OptionError where there is none for it."""
    if not is_remote(address):
        return LocalFileSystem(), os.path.abspath(address)  # noqa: PTH100  (links stay, as names come from them)
    try:
        resolved: tuple[Any, str] = fsspec.url_to_fs(address)
    except ImportError as error:
        raise OptionError(f"{address}: {error}") from error
    except (ValueError, OSError) as error:
        raise OptionError(f"{address}: this address cannot be used: {error}") from error
    return resolved


def in_full(files: Any, path: str) -> str:
    """The address of a path of a file system."""
    return path if isinstance(files, LocalFileSystem) else str(files.unstrip_protocol(path))


def joined(folder: str, name: str) -> str:
    """The address of what has this name below a folder."""
    return f"{folder.rstrip('/')}/{name}" if folder.rstrip("/") else f"/{name}"


def read(address: str, start: int | None = None, size: int | None = None) -> bytes:
    """What a file holds, or a part of it. Raises PictureError; what may pass is tried again before."""
    end = None if start is None or size is None else start + size

    def once() -> bytes:
        files, path = file_system(address)
        data: bytes = files.cat_file(path, start=start, end=end)
        return data

    data = explained(address, once, "read")
    if size is not None and len(data) != size:
        raise PictureError(f"{address}: its shard has changed since it was listed")
    return data


def write(address: str, data: bytes) -> None:
    """Put a file there, all of it or nothing. Raises PictureError."""
    files, path = file_system(address)

    def once() -> None:
        if isinstance(files, LocalFileSystem):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            replace_file(Path(path), data)
        elif _protocol(files) in AT_ONCE:
            files.pipe_file(path, data)
        else:
            files.makedirs(files._parent(path), exist_ok=True)
            part = f"{path}.{random.getrandbits(64):016x}.part"
            files.pipe_file(part, data)
            files.mv(part, path)

    explained(address, once, "written")


def check_writable(address: str) -> None:
    """Raises OptionError for a place that can only be read."""
    if _protocol(file_system(address)[0]) in READ_ONLY:
        raise OptionError(f"{address}: http is for reading; choose a folder or an object store for the output")


def listed(address: str, *, deep: bool = True) -> dict[str, Mapping[str, Any]]:
    """{path of its file system: what that says of it} of the files in a folder, or none. deep: and of those below."""
    files, path = file_system(address)

    def once() -> dict[str, Mapping[str, Any]]:
        files.invalidate_cache()
        listed: dict[str, Mapping[str, Any]] = files.find(path, maxdepth=None if deep else 1, detail=True)
        return listed

    try:
        return explained(address, once, "listed")
    except PictureError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return {}
        raise


def tag_of(about: Mapping[str, Any]) -> str:
    """Tells a file from what it was before it changed, without reading it; empty where its system does not say."""
    marks = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")
    mark = next((about[name] for name in marks if about.get(name)), None)
    return "" if mark is None else f"{about.get('size')} {mark}"


def explained(address: str, work: Callable[[], T], what: str) -> T:
    """Do it, again if what kept it from being done may pass. Raises PictureError that names the address."""
    for attempt in range(TRIES):
        try:
            return work()
        except ImpastoError:
            raise
        except LASTING as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else reason_of(error)
            raise PictureError(f"{address}: it cannot be {what}: {reason}") from error
        # Every system has errors of its own for a connection that broke; few are an OSError.
        except Exception as error:
            if attempt == TRIES - 1 or (not is_remote(address) and isinstance(error, OSError)):
                detail = " ".join(str(error).split())[:200] or type(error).__name__
                raise PictureError(f"{address}: it cannot be {what}: {detail}") from error
        time.sleep(FIRST_PAUSE * 2**attempt)
    raise AssertionError


def _protocol(files: Any) -> str:
    return files.protocol if isinstance(files.protocol, str) else files.protocol[0]

"""The file around the pixels: opening it, and the record in it of how the picture was made.

A record is a flat or slightly nested JSON object: software, version, method, options, seed, weights ({name: sha256}),
content, style, seconds. PNG carries it in a text chunk with the keyword "impasto"; JPEG, WebP and TIFF carry it as
"impasto " and the JSON in the EXIF tag ImageDescription.
"""

import io
import json
import mmap
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from impasto import exif
from impasto.errors import PictureError, reason_of
from impasto.files import in_unicode
from impasto.libvips import reason_of as library_reason
from impasto.picture_file import PictureFile, TooManyPixelsError, UnknownFormatError, identified

Record = dict[str, Any]
Source = str | os.PathLike[str] | bytes | BinaryIO

DEFAULT_PIXEL_LIMIT = 178_956_970
"""Pixels of the largest picture read unless the caller says otherwise; the size at which Pillow refuses, too."""

KEYWORD = "impasto"
_NO_RECORD = "it carries no record of how it was made: it was not painted by impasto, or its metadata were stripped"

_LONGEST_RECORD = 2**20
_DEEPEST_RECORD = 32

MAPPED = 2**26
"""Bytes of the largest file that is held in memory while its picture is read."""


# --- opening ---------------------------------------------------------------------------------------------------------


def name_of(source: Source) -> str:
    """What messages call a picture: its path, or how it was given."""
    if isinstance(source, bytes):
        return "the picture given as bytes"
    if isinstance(source, str | os.PathLike):
        return os.fspath(source).replace("\0", "\\0") or "''"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the picture given as a stream"


class Named(io.BytesIO):
    """A picture file in memory, with the name that messages about it begin with."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def check_path(path: str | os.PathLike[str]) -> None:
    """Raises PictureError for what no file can be called; the file itself is not looked for."""
    if not os.fspath(path):
        raise PictureError("the path is empty")
    if "\0" in os.fspath(path):
        raise PictureError("a path holds no NUL character")


@contextmanager
def opened(source: Source, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Iterator[PictureFile]:
    """Open a picture, its header read and its size within the limit, its pixels not decoded.

    Whatever goes wrong inside the with block too becomes a PictureError that names the source.
    """
    with explained(name_of(source), pixel_limit):
        data = _bytes_of(source, 16 * pixel_limit + 2**26)
        file = identified(data, name_of(source) if isinstance(data, mmap.mmap) else "")
        if file.width * file.height > pixel_limit:
            raise TooManyPixelsError
        yield file


@contextmanager
def explained(name: str, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Iterator[None]:
    """Turn every failure of reading into one line for a person.

    Damaged files make decoders raise nearly anything, so everything is caught.
    """
    try:
        yield
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from error
    except Exception as error:
        raise PictureError(f"{name}: {_reason(error, pixel_limit)}") from error


def _reason(error: Exception, pixel_limit: int) -> str:
    if isinstance(error, TooManyPixelsError):
        return f"it has more than {pixel_limit:,} pixels; make it smaller, or raise the pixel limit"
    if isinstance(error, UnknownFormatError):
        known = (
            "it is not a picture, or damaged, or of an unknown format; known are JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF"
        )
        return f"it is {error}, which cannot be read; save it as JPEG" if error.args else known
    if isinstance(error, MemoryError):
        return "there is too little memory to decode it"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read: {reason_of(error)}"
    reason = " ".join(library_reason(error).split())[:200]
    is_whole = re.search("not (supported|configured)", reason)
    return f"it is {'of a kind that cannot be read' if is_whole else 'cut short or damaged'} ({reason})"


def _bytes_of(source: Source, limit: int) -> Any:
    """All of it: in memory, or a map of a large file."""
    if isinstance(source, bytes):
        data: Any = source
    elif isinstance(source, str | os.PathLike):
        check_path(source)
        path = Path(source)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise PictureError("it is a folder, not a picture")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise PictureError("it is a device, not a picture")
        with path.open("rb") as file:
            if stat.S_ISREG(mode) and path.stat().st_size > MAPPED:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            else:
                data = file.read(limit + 1)
    else:
        data = source.read(limit + 1)
    if not data:
        raise PictureError("it is empty (0 bytes)")
    if len(data) > limit:
        raise PictureError(f"it has more than {limit:,} bytes, too many for a picture within the pixel limit")
    return data


# --- writing and reading the record ----------------------------------------------------------------------------------


def to_text(record: Record) -> str:
    """The record as JSON in plain ASCII, safe in every metadata field. Raises PictureError if it is not JSON."""
    try:
        text = json.dumps(in_unicode(record), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PictureError(f"the record of how the picture was made cannot be written as JSON: {error}") from error
    _checked(text)
    return text


def to_description(record: Record) -> str:
    """The record as it stands in the tag ImageDescription of EXIF and TIFF (ASCII)."""
    return f"{KEYWORD} {to_text(record)}"


def to_exif(record: Record) -> bytes:
    """The record as an EXIF block that holds nothing else."""
    return exif.described(to_description(record))


def read_record(source: Source) -> Record:
    """How a picture was made, as impasto wrote it into the file.

    Raises PictureError if the source is not a picture, carries no record, or carries one that cannot be trusted:
    invalid JSON, not an object, more than 1 MiB, nested deeper than 32, text that is not Unicode.
    """
    with opened(source) as file:
        text = file.text(KEYWORD)
        if text is None:
            raise PictureError(_NO_RECORD)
        return _checked(text) if file.format == "PNG" else from_description(text)


def find_record(source: Source) -> Record | None:
    """The same; None where there is none, for whatever reason."""
    try:
        return read_record(source)
    except PictureError:
        return None


def from_description(description: str) -> Record:
    """What `to_description` said. Raises PictureError as `read_record`."""
    if not description.startswith(f"{KEYWORD} {{"):
        raise PictureError(_NO_RECORD)
    return _checked(description.removeprefix(f"{KEYWORD} "))


def _checked(text: str) -> Record:
    """Parse a record that may come from anybody."""
    if len(text) > _LONGEST_RECORD:
        raise PictureError(f"its record of how it was made is longer than {_LONGEST_RECORD:,} characters")
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        detail = " ".join(str(error).split())[:200]
        raise PictureError(f"its record of how it was made is damaged ({detail})") from error
    if not isinstance(record, dict):
        raise PictureError("its record of how it was made is damaged (not a JSON object)")
    if _is_deeper(record, _DEEPEST_RECORD):
        raise PictureError(f"its record of how it was made is nested deeper than {_DEEPEST_RECORD}")
    return record


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_deeper(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(member, depth - 1) for member in members)

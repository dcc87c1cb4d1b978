"""The file around the pixels: opening it, and the record in it of how the picture was made.

A record is a flat or slightly nested JSON object: software, version, method, options, seed, weights ({name: sha256}),
content, style, seconds. PNG carries it in a text chunk with the keyword "impasto"; JPEG, WebP and TIFF carry it as
"impasto " and the JSON in the EXIF tag ImageDescription.
"""

import io
import json
import logging
import os
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from impasto.errors import PictureError, reason_of
from impasto.files import in_unicode

Record = dict[str, Any]
Source = str | os.PathLike[str] | bytes | BinaryIO

DEFAULT_PIXEL_LIMIT = 178_956_970
"""Pixels of the largest picture read unless the caller says otherwise; the size at which Pillow refuses too."""

KEYWORD = "impasto"
_NO_RECORD = "it carries no record of how it was made: it was not painted by impasto, or its metadata were stripped"

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_IMAGE_DESCRIPTION = 0x010E
_LONGEST_RECORD = 2**20
_DEEPEST_RECORD = 32

_LONGEST_CHUNK = 2**24
"""Bytes of a text or a colour profile of a PNG at most, when it is unpacked; Pillow's own limit of a sixteenth of that
refuses profiles of real printers."""
_SAMPLE_KINDS = {1: "unsigned integers", 2: "signed integers", 3: "floating-point numbers"}

_pillow_lock = threading.Lock()
_pillow_state = ExitStack()
_limits_in_use: list[int] = []


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
def opened(source: Source, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Iterator[ImageFile.ImageFile]:
    """Open a picture in memory, its header read and its size within the limit, its pixels not decoded.

    Whatever goes wrong inside the with block too becomes a PictureError that names the source.
    """
    with explained(name_of(source)):
        data = _bytes_of(source, 16 * pixel_limit + 2**26)
    with explained(name_of(source), pixel_limit), _identified(data) as image:
        if image.width * image.height > pixel_limit:
            raise Image.DecompressionBombError
        yield image


def _identified(data: bytes) -> ImageFile.ImageFile:
    try:
        return Image.open(io.BytesIO(_without_long_texts(data)), formats=_FORMATS)
    except UnidentifiedImageError as error:
        if (kind := _kind_of_tiff(data)) is not None:
            raise PictureError(f"it is a TIFF of {kind}, which cannot be read; save it as 8- or 16-bit RGB") from error
        raise


@contextmanager
def explained(name: str, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Iterator[None]:
    """Turn every failure of reading into one line for a person, and keep Pillow quiet.

    Damaged files make Pillow raise nearly anything (SyntaxError, KeyError, struct.error ...), so everything is caught.
    """
    try:
        with _pillow(pixel_limit):
            yield
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from error
    except Exception as error:
        raise PictureError(f"{name}: {_reason(error, pixel_limit)}") from error


@contextmanager
def _pillow(pixel_limit: int) -> Iterator[None]:
    """Hold Pillow's limits, Python's warnings and Pillow's log lines while any thread reads, then put them back.

    All are global. The first thread in saves them, the last one out restores them, and reading runs in parallel.
    """
    with _pillow_lock:
        if not _limits_in_use:
            _pillow_state.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            _pillow_state.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            _pillow_state.callback(setattr, PngImagePlugin, "MAX_TEXT_CHUNK", PngImagePlugin.MAX_TEXT_CHUNK)
            PngImagePlugin.MAX_TEXT_CHUNK = _LONGEST_CHUNK
            logger, silence = logging.getLogger("PIL"), logging.NullHandler()
            logger.addHandler(silence)
            _pillow_state.callback(logger.removeHandler, silence)
        _limits_in_use.append(pixel_limit)
        _set_pillow_limit()
    try:
        yield
    finally:
        with _pillow_lock:
            _limits_in_use.remove(pixel_limit)
            if _limits_in_use:
                _set_pillow_limit()
            else:
                _pillow_state.close()


def _set_pillow_limit() -> None:
    # Pillow refuses what has more than twice as many pixels.
    Image.MAX_IMAGE_PIXELS = (max(_limits_in_use) + 1) // 2


def _reason(error: Exception, pixel_limit: int) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {pixel_limit:,} pixels; make it smaller, or raise the pixel limit"
    if isinstance(error, UnidentifiedImageError):
        return (
            "it is not a picture, or damaged, or of an unknown format; known are JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF"
        )
    if isinstance(error, MemoryError):
        return "there is too little memory to decode it"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read: {reason_of(error)}"
    detail = " ".join(str(error).split())[:200] or type(error).__name__
    return f"it is cut short or damaged ({detail})"


def _bytes_of(source: Source, limit: int) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | os.PathLike):
        check_path(source)
        path = Path(source)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise PictureError("it is a folder, not a picture")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise PictureError("it is a device, not a picture")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    else:
        data = source.read(limit + 1)
    if not data:
        raise PictureError("it is empty (0 bytes)")
    if len(data) > limit:
        raise PictureError(f"it has more than {limit:,} bytes, too many for a picture within the pixel limit")
    return data


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte, byte after the last) of the chunks of a PNG, with length, name and checksum; up to where they
    make sense no more, and none of another format."""
    start = 8 if data.startswith(b"\x89PNG\r\n\x1a\n") else len(data)
    while start + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield name, start, end
        start = end


def _without_long_texts(data: bytes) -> bytes:
    """A PNG without texts and colour profiles that are so long that Pillow would refuse the picture for them."""
    kept, place, room, profiles = [], 0, PngImagePlugin.MAX_TEXT_MEMORY, 0
    for name, start, end in _png_chunks(data):
        if name not in (b"iCCP", b"zTXt", b"iTXt", b"tEXt"):
            continue
        is_profile = name == b"iCCP"
        profiles += is_profile
        # What will be left out anyway is not unpacked: a file may hold any number of them.
        wanted = profiles < 2 if is_profile else room > 0
        size = _unpacked_bytes(name, data[start + 8 : end - 4]) if wanted else 0
        if not wanted or size > (_LONGEST_CHUNK if is_profile else min(room, _LONGEST_CHUNK)):
            kept.append(data[place:start])
            place = end
        if not is_profile:
            room -= size
    return b"".join([*kept, data[place:]]) if kept else data


def _unpacked_bytes(name: bytes, chunk: bytes) -> int:
    """Length of a text or a profile; what is longer than the limit counts as one more than it."""
    text = chunk.partition(b"\0")[2]
    packed = text[1:]
    if name == b"iTXt":
        packed = text[2:].split(b"\0", 2)[-1]
    if name == b"tEXt" or (name == b"iTXt" and text[:1] == b"\0"):
        return len(text)
    try:
        return len(zlib.decompressobj().decompress(packed, _LONGEST_CHUNK + 1))
    except zlib.error:
        return 0


def _kind_of_tiff(data: bytes) -> str | None:
    """What the samples of a TIFF are, for a person; None for what is none, or damaged."""
    try:
        header = data[:16] if data[2:3] == b"\x2b" or data[3:4] == b"\x2b" else data[:8]
        tags = TiffImagePlugin.ImageFileDirectory_v2(header)
        stream = io.BytesIO(data)
        stream.seek(tags.next)
        tags.load(stream)
        bits = tags[258]
        kind = _SAMPLE_KINDS.get(tags.get(339, (1,))[0], "numbers of an unknown kind")
        channels = tags.get(277, len(bits))
        return f"{channels} channel{'s' if channels > 1 else ''} of {max(bits)}-bit {kind}"
    except Exception:  # noqa: BLE001  (damaged tags raise nearly anything)
        return None


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
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = to_description(record)
    return exif.tobytes()


def read_record(source: Source) -> Record:
    """How a picture was made, as impasto wrote it into the file.

    Raises PictureError if the source is not a picture, carries no record, or carries one that cannot be trusted:
    invalid JSON, not an object, more than 1 MiB, nested deeper than 32, text that is not Unicode.
    """
    with opened(source) as image:
        text = image.info.get(KEYWORD) if image.format == "PNG" else _description(image)
        if not isinstance(text, str):
            raise PictureError(_NO_RECORD)
        return _checked(text)


def find_record(source: Source) -> Record | None:
    """The same; None where there is none, for whatever reason."""
    try:
        return read_record(source)
    except PictureError:
        return None


def _description(image: Image.Image) -> str | None:
    return _text_of(image.getexif().get(_IMAGE_DESCRIPTION))


def from_description(description: str) -> Record:
    """What `to_description` said. Raises PictureError as `read_record`."""
    if (text := _text_of(description)) is None:
        raise PictureError(_NO_RECORD)
    return _checked(text)


def _text_of(description: Any) -> str | None:
    if isinstance(description, str) and description.startswith(f"{KEYWORD} {{"):
        return description.removeprefix(f"{KEYWORD} ")
    return None


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

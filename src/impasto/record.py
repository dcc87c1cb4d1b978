"""The file around the pixels: opening it, replacing it, and the record in it of how the picture was made.

A record is a flat or slightly nested JSON object: software, version, method, options, seed, weights ({name: sha256}),
content, style, seconds. PNG carries it in a text chunk with the keyword "impasto"; JPEG, WebP and TIFF carry it as
"impasto " and the JSON in the EXIF tag ImageDescription.
"""

import io
import json
import logging
import os
import secrets
import stat
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from impasto.errors import PictureError, reason_of

Record = dict[str, Any]
Source = str | os.PathLike[str] | bytes | BinaryIO

DEFAULT_PIXEL_LIMIT = 178_956_970
"""Pixels of the largest picture read unless the caller says otherwise; the size at which Pillow refuses too."""

KEYWORD = "impasto"

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_IMAGE_DESCRIPTION = 0x010E
_LONGEST_RECORD = 2**20
_DEEPEST_RECORD = 32

_pillow_lock = threading.Lock()
_pillow_state = ExitStack()
_limits_in_use: list[int] = []


# --- opening ---------------------------------------------------------------------------------------------------------


def name_of(source: Source) -> str:
    """What messages call a picture: its path, or how it was given."""
    if isinstance(source, bytes):
        return "the picture given as bytes"
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the picture given as a stream"


@contextmanager
def opened(source: Source, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Iterator[ImageFile.ImageFile]:
    """Open a picture in memory, its header read and its size within the limit, its pixels not decoded.

    Whatever goes wrong inside the with block too becomes a PictureError that names the source.
    """
    with explained(name_of(source)):
        data = _bytes_of(source, 16 * pixel_limit + 2**26)
    with explained(name_of(source), pixel_limit), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > pixel_limit:
            raise Image.DecompressionBombError
        yield image


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
    """Hold Pillow's pixel limit, Python's warnings and Pillow's log lines while any thread reads, then put them back.

    All three are global. The first thread in saves them, the last one out restores them, and reading runs in parallel.
    """
    with _pillow_lock:
        if not _limits_in_use:
            _pillow_state.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            _pillow_state.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
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


# --- replacing -------------------------------------------------------------------------------------------------------


def is_same_file(target: Path, source: str | os.PathLike[str]) -> bool:
    """Whether two paths, which need not exist, lead to one file, over links of any kind."""
    try:
        return target.samefile(source)
    except (OSError, ValueError):
        return os.path.realpath(target) == os.path.realpath(source)


def check_output(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    sources: Sequence[Any] = (),
    makes_folder: bool = False,
) -> Path:
    """The file that writing to a path would put in place, with links followed.

    sources: files that are never overwritten; any other file is, if overwrite is set. What is no path counts for
        nothing. makes_folder: whether the writer makes a folder that is not there.
    Raises PictureError if the path could not be written, and so belongs before all work. Leaves nothing.
    """
    known = [one for one in sources if isinstance(one, str | os.PathLike)]
    try:
        target = Path(os.path.realpath(path))
        if makes_folder and not target.parent.exists():
            check_folder(target.parent)
        else:
            _check_file(Path(path), target, overwrite, known)
    except OSError as error:
        raise PictureError(f"{path}: it cannot be written: {reason_of(error)}") from error
    return target


def _check_file(path: Path, target: Path, overwrite: bool, sources: Sequence[str | os.PathLike[str]]) -> None:
    if not target.parent.is_dir():
        raise PictureError(f"{path}: the folder {target.parent} does not exist")
    if any(is_same_file(target, source) for source in sources):
        raise PictureError(f"{path}: this is an input, which is never overwritten; choose another name")
    if target.is_dir():
        raise PictureError(f"{path}: this is a folder; name a file")
    if target.exists() and not overwrite:
        raise PictureError(f"{path}: the file exists; choose another name, or allow overwriting")
    _try_to_write(target.parent)


def check_folder(folder: Path) -> None:
    """Raises PictureError if files could not be put into the folder, which need not be there yet. Leaves nothing."""
    try:
        place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if not place.is_dir():
            raise PictureError(f"{folder}: {'this' if place == folder else place} is a file, not a folder")
        _try_to_write(place)
    except OSError as error:
        raise PictureError(f"{folder}: this folder cannot be made or written to: {reason_of(error)}") from error


def make_folder(folder: Path) -> None:
    """Make a folder for results, if it is not there. Raises PictureError if files could not be put into it."""
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(f"{folder}: this folder cannot be made or written to: {reason_of(error)}") from error


def _try_to_write(folder: Path) -> None:
    """Raises OSError if no file can be made there. Permissions do not tell: disks are full, or mounted read-only."""
    with tempfile.TemporaryFile(dir=folder, prefix=".impasto-"):
        pass


def replace_file(target: Path, data: bytes | str) -> None:
    """Put data, text as UTF-8, where target is in one step, so that nobody ever meets half a file."""
    written = in_unicode(data).encode() if isinstance(data, str) else data
    part = target.with_name(f".impasto-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # The name of the part would tell nobody anything.
            error.filename = str(target)
        raise


# --- writing and reading the record ----------------------------------------------------------------------------------


def in_unicode(value: Any) -> Any:
    r"""The same where all text can be said: names of files need not be. A byte 0xE9 of a name becomes \xe9."""
    match value:
        case str():
            try:
                return value.encode(errors="surrogateescape").decode(errors="backslashreplace")
            except UnicodeEncodeError:
                return value.encode(errors="backslashreplace").decode()
        case Mapping():
            return {name: in_unicode(member) for name, member in value.items()}
        case list() | tuple():
            return [in_unicode(member) for member in value]
    return value


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
            raise PictureError(
                "it carries no record of how it was made: it was not painted by impasto, or its metadata were stripped"
            )
        return _checked(text)


def find_record(source: Source) -> Record | None:
    """The same; None where there is none, for whatever reason."""
    try:
        return read_record(source)
    except PictureError:
        return None


def _description(image: Image.Image) -> str | None:
    description = image.getexif().get(_IMAGE_DESCRIPTION)
    prefix = f"{KEYWORD} {{"
    if isinstance(description, str) and description.startswith(prefix):
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

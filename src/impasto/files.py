"""Files that are written: whether one can be, and then all of it or nothing; and JSON that is read, if it can be."""

import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impasto.errors import OR_OVERWRITE, PictureError, reason_of


def is_same_file(target: Path, source: str | os.PathLike[str]) -> bool:
    """Whether two paths, which need not exist, lead to one file, over links of any kind."""
    if "\0" in os.fspath(source):
        return False  # a name that no file can have
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
    # What is not there is no input; a folder of a thousand pictures has as many to compare with, for each of them.
    if target.exists() and any(is_same_file(target, source) for source in sources):
        raise PictureError(f"{path}: this is an input, which is never overwritten; choose another name")
    if target.is_dir():
        raise PictureError(f"{path}: this is a folder; name a file")
    if target.exists() and not overwrite:
        raise PictureError(f"{path}: the file exists; choose another name{OR_OVERWRITE}")
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


def read_json(path: Path) -> Any:
    """What a file says; None if it is missing or is no JSON."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def replace_file(target: Path, data: bytes | str) -> None:
    """Put data, text as UTF-8, where target is in one step, so that nobody ever meets half a file."""
    written = in_unicode(data).encode() if isinstance(data, str) else data
    with replacing(target) as part:
        part.write_bytes(written)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new path beside `target`: its file takes the place of the target if the block succeeds, and is removed else."""
    # A name of its own, because two processes may be writing the same file.
    part = target.with_name(f".impasto-{secrets.token_hex(8)}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        # The name of the part would tell nobody anything.
        error.filename = str(target)
        raise
    finally:
        part.unlink(missing_ok=True)


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

"""A folder for what a command leaves: whether it may be used, and then all of its files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto.errors import OR_OVERWRITE, PictureError, reason_of
from impasto.files import check_folder, check_output, make_folder, replace_file


def claim(
    folder: Path,
    files: Sequence[str],
    about: str,
    mark: tuple[str, str],
    whose: str,
    *,
    inputs: Sequence[Path] = (),
    asked: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make sure that files of these names can be written into the folder. Leaves nothing.

    The folder may hold an earlier outcome of the same kind, known by its file `about`, which is JSON: `mark` is a key
    of it and its value. whose: how the kind is called. Returns what that file says; {} if there is none.
    Raises PictureError if the folder holds somebody else's files by these names, or one of `inputs`, which are read; or
    an outcome that does not say the same as `asked`, if that is given; or if it cannot be made.
    """
    check_folder(folder)
    key, value = mark
    path = folder / about
    try:
        earlier = json.loads(path.read_bytes()) if path.exists() else {}
        is_ours = earlier.get(key) == value
    except (OSError, ValueError, AttributeError) as error:
        raise PictureError(f"{folder}: cannot be used: {getattr(error, 'strerror', None) or error}") from None
    taken = [file for file in files if (folder / file).exists()]
    for file in taken:
        check_output(folder / file, overwrite=True, sources=inputs)
    if taken and not is_ours:
        raise PictureError(f"{folder}: holds a {taken[0]} that is not of {whose}; choose another folder")
    if taken and asked is not None and any(earlier.get(name) != wanted for name, wanted in asked.items()):
        raise PictureError(
            f"{folder}: holds {whose} of other pictures or settings; choose another folder{OR_OVERWRITE}"
        )
    return dict(earlier)


def check_files(folder: Path, files: Sequence[str], *, overwrite: bool = True, inputs: Sequence[Path] = ()) -> None:
    """Raises PictureError, before all work, if `write_files` could not write these. Leaves nothing."""
    for name in files:
        check_output(folder / name, overwrite=overwrite, sources=inputs, makes_folder=True)


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    """Make the folder, and put the files there one after the other. Raises PictureError if that is not possible."""
    make_folder(folder)
    for name, data in files.items():
        try:
            replace_file(folder / name, data)
        except OSError as error:
            raise PictureError(f"{folder / name}: cannot be written: {reason_of(error)}") from None
    return [folder / name for name in files]

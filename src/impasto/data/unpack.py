"""Archives of others, unpacked without trusting them."""

import errno
import gzip
import os
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from impasto.errors import DataError

MOST_FILES = 1_000_000
MOST_GROWTH = 20
"""How many times its own size an archive of pictures may become; theirs do not shrink by packing at all."""
SMALL_BYTES = 1 << 26
"""What any archive may become."""

_COPY_BYTES = 1 << 20
# What the packing program of macOS adds: attributes of files, under the names of pictures.
_SKIPPED = ("__MACOSX", ".DS_Store")
_NO_PLAIN_FILE = "is a link, or no plain file"


def unpack_zip(archive: Path, folder: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the files of a zip into a new folder, which is left half-filled when something fails on the way.

    progress: called with (bytes so far, bytes in total).

    Nothing is written if any name is absolute, leads out of the folder, or is the same as another one where upper and
    lower case are not told apart; if anything is a link or no plain file, or encrypted; if it would become more than
    20 times as large as the archive, or larger than the free space (OSError). Raises DataError for all of these and
    for an archive that is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [member for member in packed.infolist() if not _is_skipped(member.filename)]
            contents = _Contents(archive)
            for member in members:
                contents.admit(member.filename, member.file_size, member.is_dir(), _refusal(member))
            folder.mkdir(parents=True)
            total, done = sum(member.file_size for member in members), 0
            if shutil.disk_usage(folder).free < total:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for member in members:
                if not member.is_dir():
                    # zipfile stops at the announced size and checks the CRC.
                    _copy(packed.open(member), folder / member.filename)
                    done += member.file_size
                    if progress:
                        progress(done, total)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError) as error:
        raise DataError(f"{archive}: is no zip, or is damaged: {error}") from error


def unpack_tar(archive: Path, folder: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """The same for a tar that is packed by gzip, which is read once, from its beginning to its end.

    progress: called with (bytes of the archive so far, and in total). Because nobody knows beforehand what is in it,
    what is refused is refused when its turn comes: the folder is left half-filled.
    """
    contents, total = _Contents(archive), archive.stat().st_size
    folder.mkdir(parents=True)
    try:
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as packed:
            for member in packed:
                if _is_skipped(member.name) or member.isdir():
                    continue
                name = member.name.removeprefix("./")
                contents.admit(name, member.size, False, None if member.isreg() else _NO_PLAIN_FILE)
                _copy(cast(IO[bytes], packed.extractfile(member)), folder / name)
                if progress:
                    progress(file.tell(), total)
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, UnicodeError) as error:
        raise DataError(f"{archive}: is no tar of gzip, or is damaged: {error}") from error


class _Contents:
    """What has been admitted of an archive so far."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.room = max(SMALL_BYTES, MOST_GROWTH * archive.stat().st_size)
        # By names that no file system tells apart: as it is written, and whether it is a folder.
        self.places: dict[str, tuple[str, bool]] = {}

    def admit(self, name: str, num_bytes: int, is_folder: bool, refusal: str | None) -> None:
        """refusal: why the member must not be unpacked, if that is known already. Raises DataError."""
        refusal = refusal or _refusal_of_name(name)
        parts = name.rstrip("/").split("/")
        for count in range(1, len(parts) + 1):
            place = "/".join(parts[:count])
            refusal = self._enter(place, is_folder or count < len(parts)) or refusal
        self.room -= num_bytes
        if self.room < 0:
            refusal = refusal or f"makes it more than {MOST_GROWTH} times the archive's size"
        if len(self.places) > MOST_FILES:
            refusal = refusal or f"comes after more than {MOST_FILES:,} files"
        if refusal:
            raise DataError(f"{self.archive}: is refused, because '{name}' in it {refusal}")

    def _enter(self, place: str, is_folder: bool) -> str | None:
        """Why it cannot be beside what is there."""
        # Equal for names that some file system takes for one.
        key = unicodedata.normalize("NFC", place).casefold()
        if key not in self.places:
            self.places[key] = place, is_folder
            return None
        known, is_known_folder = self.places[key]
        if is_known_folder != is_folder:
            return f"makes '{known}' a file and a folder"
        if not is_folder:
            return f"is there twice, or differs from '{known}' by upper and lower case alone"
        return None if known == place else f"differs from '{known}' by upper and lower case alone"


def _is_skipped(name: str) -> bool:
    return not set(_SKIPPED).isdisjoint(name.split("/"))


def _refusal(member: zipfile.ZipInfo) -> str | None:
    """Why this member alone must not be unpacked."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > member.is_dir():
        return _NO_PLAIN_FILE
    return "is encrypted" if member.flag_bits & 1 else None


def _refusal_of_name(name: str) -> str | None:
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or "\\" in name or ":" in name:
        return "has an absolute name, or one that is absolute elsewhere"
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of the folder"
    if any(ord(sign) < 32 for sign in name):
        return "has a name that cannot be said"
    return None


def _copy(source: IO[bytes], path: Path) -> None:
    """No permissions are taken over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with source, path.open("xb") as target:
        shutil.copyfileobj(source, target, _COPY_BYTES)

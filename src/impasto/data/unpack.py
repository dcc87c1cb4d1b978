"""Archives of others, unpacked without trusting them."""

import errno
import os
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from impasto.errors import DataError

MOST_FILES = 1_000_000
MOST_GROWTH = 20
"""How many times its own size an archive of pictures may become; theirs do not shrink by packing at all."""
SMALL_BYTES = 1 << 26
"""What any archive may become."""

_COPY_BYTES = 1 << 20
# What the packing program of macOS adds: attributes of files, under the names of pictures.
_SKIPPED = ("__MACOSX", ".DS_Store")


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
            members = [member for member in packed.infolist() if not set(_SKIPPED) & set(member.filename.split("/"))]
            total = _checked(archive, members)
            folder.mkdir(parents=True)
            if shutil.disk_usage(folder).free < total:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            done = 0
            for member in members:
                if not member.is_dir():
                    _write(packed, member, folder / member.filename)
                    done += member.file_size
                    if progress:
                        progress(done, total)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError) as error:
        raise DataError(f"{archive}: is no zip, or is damaged: {error}") from error


def _checked(archive: Path, members: list[zipfile.ZipInfo]) -> int:
    """How many bytes the members become."""
    if len(members) > MOST_FILES:
        raise DataError(f"{archive}: is refused, because it holds more than {MOST_FILES:,} files")
    total = sum(member.file_size for member in members)
    if total > max(SMALL_BYTES, MOST_GROWTH * archive.stat().st_size):
        raise DataError(f"{archive}: is refused, because it would become {total:,} bytes, too many for its own size")
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for member in members:
        reason = _refusal(member)
        parts = member.filename.rstrip("/").split("/")
        inner = [] if member.is_dir() else ["/".join(parts)]
        outer = ["/".join(parts[: count + 1]) for count in range(len(parts) - len(inner))]
        for name in inner:
            if _key(name) in files:
                reason = (
                    reason or f"is there twice, or differs from '{files[_key(name)]}' by upper and lower case alone"
                )
            files[_key(name)] = name
        for name in outer:
            if folders.setdefault(_key(name), name) != name:
                reason = reason or f"differs from '{folders[_key(name)]}' by upper and lower case alone"
        if reason:
            raise DataError(f"{archive}: is refused, because '{member.filename}' in it {reason}")
    for key in files.keys() & folders.keys():
        raise DataError(f"{archive}: is refused, because '{files[key]}' in it is a file and a folder")
    return total


def _refusal(member: zipfile.ZipInfo) -> str | None:
    """Why this member alone must not be unpacked."""
    name = member.filename
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or "\\" in name or ":" in name:
        return "has an absolute name, or one that is absolute elsewhere"
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of the folder"
    if any(ord(sign) < 32 for sign in name):
        return "has a name that cannot be said"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > member.is_dir():
        return "is a link, or no plain file"
    if member.flag_bits & 1:
        return "is encrypted"
    return None


def _key(name: str) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _write(packed: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # zipfile stops at the announced size and checks the CRC. No permissions are taken over.
    with packed.open(member) as source, path.open("xb") as target:
        shutil.copyfileobj(source, target, _COPY_BYTES)

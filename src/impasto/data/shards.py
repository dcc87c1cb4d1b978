"""Pictures inside tar shards, in the layout of webdataset: read in any order, without unpacking.

The headers of a shard are read once; from then on a picture in it is a range of bytes of a plain file.
"""

import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO

from impasto.errors import DataError
from impasto.gallery import is_hidden, is_picture_name

SUFFIX = ".tar"

_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
_FIRST_BYTES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, Zstandard
_BLOCK_BYTES = 512


@dataclass(frozen=True, order=True)
class PackedPicture:
    """A picture's file as it lies in a shard; used like the path of a file. start, size: bytes."""

    shard: Path
    member: str
    start: int
    size: int

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.member).name

    def read_bytes(self) -> bytes:
        """The file's contents. Raises OSError if the shard is gone or has become shorter."""
        with self.shard.open("rb") as file:
            file.seek(self.start)
            data = file.read(self.size)
        if len(data) < self.size:
            raise OSError("the shard ends within it")
        return data

    def __str__(self) -> str:
        return f"{self.shard}: {self.member}"


def is_shard(path: PurePath) -> bool:
    """Whether the name is that of a tar, compressed ones included."""
    return path.name.lower().endswith((SUFFIX, *_COMPRESSED))


def pictures_in(shard: Path) -> list[PackedPicture]:
    """The members that are pictures by their names, in the order in which they lie in the shard.

    Raises DataError for a shard that is compressed, cut short or damaged.
    """
    try:
        with shard.open("rb") as file:
            found = members_of(file, str(shard))
    except OSError as error:
        raise DataError(f"{shard}: is no tar, or is damaged: {error}") from error
    return [PackedPicture(shard, member.name, member.offset_data, member.size) for member in found]


def members_of(file: BinaryIO, title: str) -> list[tarfile.TarInfo]:
    """The same of an open shard, wherever it lies. title: what messages call it."""
    try:
        if title.lower().endswith(_COMPRESSED) or file.read(6).startswith(_FIRST_BYTES):
            raise DataError(
                f"{title}: is compressed, so that its pictures cannot be read in any order; unpack it to a plain"
                f" {SUFFIX}"
            )
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as tar:
            members = tar.getmembers()
            # To tarfile a damaged header is the end. The true end is a block of zeros.
            file.seek(tar.offset)
            end = file.read(_BLOCK_BYTES)
    except tarfile.TarError as error:
        raise DataError(f"{title}: is no tar, or is damaged: {error}") from error
    if not end or end.strip(b"\0"):
        raise DataError(f"{title}: is cut short or damaged after its first {len(members)} members")
    return [m for m in members if m.isreg() and _is_picture(PurePosixPath(m.name))]


def _is_picture(member: PurePosixPath) -> bool:
    return is_picture_name(member) and not any(is_hidden(folder) for folder in member.parts)

"""Pictures inside tar shards, in the layout of webdataset: read in any order, without unpacking.

The headers of a shard are read once; from then on a picture in it is a range of bytes of a file, on this machine or at
an address.
"""

import re
import tarfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO

from impasto import addresses
from impasto.errors import DataError, PictureError
from impasto.gallery import is_hidden, is_picture_name

SUFFIX = ".tar"

_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
_FIRST_BYTES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, Zstandard
_BLOCK_BYTES = 512
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")

AT_ONCE = 32
"""Shards whose headers are asked for at the same time."""

HEADER_BYTES = 2**16
"""Asked for at once where headers are read: what else lies beside a picture comes along."""


@dataclass(frozen=True, order=True, slots=True)
class PackedPicture:
    """A picture's file as it lies in a shard; used like the path of a file.

    shard: its file, or its address, if it is elsewhere. start, size: bytes.
    """

    shard: Path | str
    member: str
    start: int
    size: int

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.member).name

    def read_bytes(self) -> bytes:
        """The file's contents. Raises OSError or PictureError if the shard is gone or has become shorter."""
        if isinstance(self.shard, str):
            return addresses.read(self.shard, self.start, self.size)
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
            members = members_of(file, str(shard))
    except OSError as error:
        raise DataError(f"{shard}: is no tar, or is damaged: {error}") from error
    return [PackedPicture(shard, member.name, member.offset_data, member.size) for member in members]


def pictures_at(words: Sequence[str], progress: Callable[[int, int], None] | None = None) -> list[PackedPicture]:
    """The same of shards that stay where they are, in the order of their names' numbers.

    words: paths and addresses of shards, with numbers in braces as webdataset writes them, as
        s3://bucket/train-{000000..000117}.tar. progress: called with (shards done, of how many).
    Raises DataError also for what cannot be read and is no shard, OptionError for an address of no known kind.
    """
    shards = [shard for word in words for shard in _numbered(word)]
    packed: list[PackedPicture] = []
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for done, pictures in enumerate(pool.map(_pictures_at, shards), 1):
            packed += pictures
            if progress:
                progress(done, len(shards))
        return packed
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for the rest


def _numbered(word: str) -> list[str]:
    """'a-{08..10}.tar' -> ['a-08.tar', 'a-09.tar', 'a-10.tar']."""
    interval = _RANGE.search(word)
    if interval is None:
        return [word]
    first, last = interval.groups()
    before, after = word[: interval.start()], word[interval.end() :]
    numbers = range(int(first), int(last) + 1)
    if not numbers:
        raise DataError(f"{word}: {interval[0]} means no number")
    return [shard for number in numbers for shard in _numbered(f"{before}{number:0{len(first)}}{after}")]


def _pictures_at(shard: str) -> list[PackedPicture]:
    if addresses.is_remote(shard):
        files, path = addresses.file_system(shard)

        def members() -> list[tarfile.TarInfo]:
            with files.open(path, "rb", block_size=HEADER_BYTES, cache_type="readahead") as file:
                return members_of(file, shard)

        try:
            listed = addresses.explained(shard, members, "read")
        except PictureError as error:
            raise DataError(str(error)) from error
        pictures = [PackedPicture(shard, member.name, member.offset_data, member.size) for member in listed]
    else:
        pictures = pictures_in(Path(shard))
    if not pictures:
        raise DataError(f"{shard}: holds no pictures")
    return pictures


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

"""A picture's file as libvips opens it: its kind, what its header says, and its pixels where somebody asks for them."""

import logging
import os
import struct
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from impasto import exif, png_chunks

# Of a picture, so many bytes are decoded at a time.
_STRIP_BYTES = 2**22

_NUMBERS = {
    "uchar": np.uint8, "char": np.int8, "ushort": np.uint16, "short": np.int16,
    "uint": np.uint32, "int": np.int32, "float": np.float32,
}  # fmt: skip

# None other is ever called, whatever the bytes are.
_LOADERS = {
    "JPEG": "jpegload_source",
    "PNG": "pngload_source",
    "WEBP": "webpload_source",
    "TIFF": "tiffload_source",
    "GIF": "gifload_source",
    "AVIF": "heifload_source",
}

_TIFF_TAGS = (
    exif.WIDTH, exif.HEIGHT, exif.BITS, exif.PHOTOMETRIC, exif.CHANNELS, exif.EXTRA_SAMPLES, exif.SAMPLE_FORMAT,
)  # fmt: skip
_SAMPLE_KINDS = {1: "unsigned integers", 2: "signed integers", 3: "floating-point numbers"}


_without_threads = threading.Event()


class UnknownFormatError(Exception):
    """Bytes of no kind of picture that can be read; its text names the kind, if it is a common one."""


class TooManyPixelsError(Exception):
    """Of a picture that is larger than its limit."""


@cache
def library() -> Any:
    """pyvips, which keeps nothing of what it opened, and runs no loader that libvips does not trust."""
    import pyvips

    pyvips.block_untrusted_set(True)
    # Not a loader of anybody's files, but how scratch files are read.
    pyvips.operation_block_set("VipsForeignLoadRaw", False)
    # What is kept would be memory, open files, and the pixels of files that have changed since.
    pyvips.cache_set_max(0)
    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_without_threads.set)
    return pyvips


def has_threads() -> bool:
    """Whether libvips can work in threads: those that it keeps do not come along into a process that is forked, which
    would wait for them for ever."""
    return not _without_threads.is_set()


class PictureFile:
    """One file. Whatever is wrong with it raises pyvips.Error or ValueError, for which `record.explained` has words.

    format: JPEG, PNG, WEBP, TIFF, BMP, GIF or AVIF; or what a PIL image came from. frames: or pages. image: of which no
    pixel has been decoded, and which can be decoded once.
    """

    def __init__(self, data: Any, kind: str, *, path: str = "", shrink: int = 1) -> None:
        """data: the file's bytes, or a map of them. path: of a file that is not held in memory. shrink: 2, 4 or 8 for a
        JPEG at that part of its size."""
        self.format = kind
        self._data, self._path = data, path
        options = {"shrink": shrink} if shrink > 1 else {}
        self._source = self._opened()
        self.image = library().Operation.call(
            _LOADERS[kind], self._source, access="sequential", fail_on="error", **options
        )

    def _opened(self) -> Any:
        if self.format == "PNG":
            parts = png_chunks.plain(self._data)
            if len(parts) > 1:
                return _joined(self._data, parts)
        source = library().Source
        return source.new_from_file(self._path) if self._path else source.new_from_memory(self._data)

    def reduced(self, side: int) -> "PictureFile":
        """The same; of a JPEG, decoded at a half, a quarter or an eighth of its size where no side becomes less than
        `side`, or less than one pixel."""
        if self.format != "JPEG":
            return self
        shrink = next((part for part in (8, 4, 2) if part * side <= min(self.size)), 1)
        return PictureFile(self._data, self.format, path=self._path, shrink=shrink)

    @property
    def width(self) -> int:
        return int(self.image.width)

    @property
    def height(self) -> int:
        return int(self.image.height)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as stored."""
        return self.width, self.height

    @property
    def frames(self) -> int:
        if self.format == "PNG":
            return png_chunks.frames(self._data)
        return int(self._field("n-pages") or 1) if self.format != "JPEG" else 1

    @property
    def orientation(self) -> int:
        """EXIF's, 1 to 8. Raises ValueError if the EXIF data are damaged."""
        if self.format == "AVIF":
            return 1  # upright already
        if block := self._field("exif-data"):
            exif_fields = exif.fields(block, (exif.ORIENTATION,))
            orientation = exif_fields.get(exif.ORIENTATION, (1,))
            if not isinstance(orientation, tuple) or len(orientation) != 1:
                raise ValueError("the orientation is no number")
            return orientation[0]
        return int(self._field("orientation") or 1)

    @property
    def profile(self) -> bytes | None:
        """The colour profile."""
        if self.format == "PNG":
            return png_chunks.profile(self._data)
        data = self._field("icc-profile-data")
        return None if data is None else bytes(data)

    @property
    def is_inverted(self) -> bool:
        """Whether a TIFF stores white as 0."""
        return self._tag(exif.PHOTOMETRIC) == 0

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is opacity; the fourth of a TIFF may be anything else."""
        return bool(self.image.hasalpha()) and not (self.format == "TIFF" and self._tag(exif.EXTRA_SAMPLES) == 0)

    def text(self, keyword: str) -> str | None:
        """Of a PNG, the text with this keyword; of others, the description."""
        if self.format == "PNG":
            return png_chunks.text(self._data, keyword)
        if self.format == "TIFF":
            description = self._field("image-description")
            return description if isinstance(description, str) else None
        try:
            described = exif.fields(self._field("exif-data") or b"", (exif.DESCRIPTION,)).get(exif.DESCRIPTION)
        except ValueError:
            return None
        return described if isinstance(described, str) else None

    def _field(self, name: str) -> Any:
        return self.image.get(name) if self.image.get_typeof(name) else None

    def _tag(self, tag: int) -> int | None:
        values = self._tags.get(tag) if self.format == "TIFF" else None
        return values[0] if isinstance(values, tuple) and values else None

    @property
    def _tags(self) -> dict[int, tuple[int, ...] | str]:
        try:
            return exif.fields(self._data, _TIFF_TAGS)
        except ValueError:
            return {}


def kind_of(data: Any) -> str:
    """The format that the first bytes promise. Raises UnknownFormatError."""
    head = bytes(data[:16])
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis", b"mif1"):
        return "AVIF"
    if head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"hev"):
        raise UnknownFormatError("HEIC, as phones take pictures")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    signs = {
        b"\xff\xd8\xff": "JPEG", png_chunks.SIGNATURE: "PNG", b"GIF87a": "GIF", b"GIF89a": "GIF", b"BM": "BMP",
        b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
    }  # fmt: skip
    kind = next((kind for sign, kind in signs.items() if head.startswith(sign)), None)
    if kind is None:
        raise UnknownFormatError
    return kind


def kind_of_samples(data: Any) -> str | None:
    """The same of a TIFF that libvips does not open; None if that cannot be told."""
    try:
        tags = exif.fields(data, _TIFF_TAGS)
        bits, samples = tags[exif.BITS], tags.get(exif.SAMPLE_FORMAT, (1,))
        channels = tags.get(exif.CHANNELS, (len(bits),))
        return _said(int(channels[0]), max(map(int, bits)), int(samples[0]))
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def kind_of_image(image: Any) -> str:
    """What the samples of a libvips image are, for a person."""
    kind = np.dtype(_NUMBERS.get(image.format, np.complex64))
    return _said(image.bands, 8 * kind.itemsize, {"u": 1, "i": 2, "f": 3}.get(kind.kind, 0))


def _said(channels: int, bits: int, kind: int) -> str:
    numbers = _SAMPLE_KINDS.get(kind, "numbers of an unknown kind")
    return f"a TIFF of {channels} channel{'s' if channels > 1 else ''} of {bits}-bit {numbers}"


def strips(image: Any) -> Iterator[tuple[int, NDArray[Any]]]:
    """(first row, (h, W, C)) of all rows of a libvips image, from the top.

    In this thread: those of libvips would not be there in a process that was forked.
    """
    kind = np.dtype(_NUMBERS[image.format])
    rows = max(8, _STRIP_BYTES // (image.width * image.bands * kind.itemsize) // 8 * 8)
    region = library().Region.new(image)
    for top in range(0, image.height, rows):
        count = min(rows, image.height - top)
        fetched = region.fetch(0, top, image.width, count)
        yield top, np.frombuffer(fetched, kind).reshape(count, image.width, image.bands)


def pixels(image: Any) -> NDArray[Any]:
    """(H, W, C) of a libvips image."""
    whole = np.empty((image.height, image.width, image.bands), _NUMBERS[image.format])
    for top, rows in strips(image):
        whole[top : top + len(rows)] = rows
    return whole


def image_of(samples: NDArray[Any], interpretation: str) -> Any:
    """A libvips image of (H, W, C), which it looks at where they are."""
    held = np.ascontiguousarray(samples)
    height, width, channels = held.shape
    kind = next(name for name, numbers in _NUMBERS.items() if held.dtype == numbers)
    image = library().Image.new_from_memory(held.data, width, height, channels, kind)
    return image.copy(interpretation=interpretation)


def image_in_file(path: str, shape: tuple[int, int, int], kind: DTypeLike, bits: int) -> Any:
    """A libvips image of 8 or 16 bits in sRGB of the bare samples in a file, whole numbers or fractions of [0, 1].
    shape: (H, W, C)."""
    height, width, channels = shape
    numbers = np.dtype(kind)
    name = next(name for name, one in _NUMBERS.items() if numbers == one)
    if numbers.kind == "u":
        # Not as bare samples, all of which libvips would map: they would count as memory of this process.
        source = _followed(_tiff_header(height, width, channels, numbers.itemsize), path)
        image = library().Operation.call("tiffload_source", source, access="sequential")
        # pyvips keeps memory that way, and so must it what the rows come from, for all that is made of them.
        image._references.append(source)
    else:
        image = library().Image.rawload(path, width, height, channels, format=name, access="sequential")
    if numbers.kind == "f" or 8 * numbers.itemsize != bits:
        factor = (2**bits - 1) / (np.iinfo(numbers).max if numbers.kind == "u" else 1)
        image = (factor * image).rint().cast("uchar" if bits == 8 else "ushort")
    return image.copy(interpretation="srgb" if bits == 8 else "rgb16")


def _tiff_header(height: int, width: int, channels: int, num_bytes: int) -> bytes:
    """Of a BigTIFF whose samples follow, row by row, as this machine keeps them."""
    row = width * channels * num_bytes
    rows = max(1, _STRIP_BYTES // 16 // row)
    count = -(-height // rows)
    order = "<" if sys.byteorder == "little" else ">"
    short, long, long8 = (3, "H"), (4, "I"), (16, "Q")
    fields = 10
    arrays = 16 + 8 + 20 * fields + 8
    start = arrays + 16 * count
    lengths = [min(rows, height - top) * row for top in range(0, height, rows)]
    offsets = [start + top * row for top in range(0, height, rows)]
    colours = 2 if channels > 2 else 1
    entries: list[tuple[int, tuple[int, str], Sequence[int], int]] = [
        (256, long, [width], 0), (257, long, [height], 0), (258, short, [8 * num_bytes] * channels, 0),
        (259, short, [1], 0), (262, short, [colours], 0), (273, long8, offsets, arrays), (277, short, [channels], 0),
        (278, long, [rows], 0), (279, long8, lengths, arrays + 8 * count), (284, short, [1], 0),
    ]  # fmt: skip
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HHHQ", 43, 8, 0, 16)
    head += struct.pack(f"{order}Q", fields)
    for tag, (code, letter), values, place in entries:
        packed = struct.pack(f"{order}{len(values)}{letter}", *values)
        inline = packed.ljust(8, b"\0") if len(packed) <= 8 else struct.pack(f"{order}Q", place)
        head += struct.pack(f"{order}HHQ", tag, code, len(values)) + inline
    head += bytes(8)
    return head + b"".join(struct.pack(f"{order}{count}Q", *values) for values in (offsets, lengths))


def _followed(head: bytes, path: str) -> Any:
    """What libvips reads of these bytes, followed by a file."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    length, place = len(head) + os.fstat(descriptor).st_size, 0

    def read(count: int) -> bytes:
        nonlocal place
        if place < len(head):
            data = head[place : place + count]
        else:
            os.lseek(descriptor, place - len(head), os.SEEK_SET)
            data = os.read(descriptor, count)
        place += len(data)
        return data

    def seek(offset: int, whence: int) -> int:
        nonlocal place
        place = offset + {0: 0, 1: place, 2: length}[whence]
        return place

    weakref.finalize(read, os.close, descriptor)
    source = library().SourceCustom()
    source.on_read(read)
    source.on_seek(seek)
    return source


def _joined(data: Any, parts: list[tuple[int, int]]) -> Any:
    """What libvips reads of these parts of the data, one after the other."""
    waiting = iter(parts)
    place, end = next(waiting)

    def read(count: int) -> bytes:
        nonlocal place, end
        while place == end:
            following = next(waiting, None)
            if following is None:
                return b""
            place, end = following
        start, place = place, min(end, place + count)
        return bytes(data[start:place])

    source = library().SourceCustom()
    source.on_read(read)
    return source


def reason_of(error: Exception) -> str:
    """What libvips says is wrong, on one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("unable to", "source: bad seek"))]
    return said[-1] if said else type(error).__name__

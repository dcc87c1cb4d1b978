"""Where pictures that are written part by part are kept: in memory, or, if they are large, in a file without a name,
which is gone when its process is, however that ends."""

import math
import mmap
import os
import struct
import sys
import tempfile
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from impasto.device import threads
from impasto.engine.raster import BLOCK, Held, Raster, Resized, Window, blocks, numbers, scale_of
from impasto.engine.statistics import Array
from impasto.errors import PictureError

# Pixels above which what is needed of a picture in between is kept as whole numbers of 16 bits.
LARGE = 2**22

# Bytes of the largest picture that is kept in memory.
HELD = 2**25

# Bytes before the samples of a picture in a file.
HEADER = 256

# Of a picture that is made by several threads, each makes so many pixels at a time.
AT_A_TIME = 2**18


class Room(Held):
    """Memory for pictures, (N, C, H, W)."""

    def write(self, place: Window, pixels: Array) -> None:
        """Put these pixels there; whole numbers hold what their range has, rounded."""
        self.pixels[..., place.top : place.bottom, place.left : place.right] = rounded(pixels, self.pixels.dtype)


class Scratch:
    """A file for one picture of uint8, uint16, int16 or float32, row by row, channels side by side, in the folder of
    temporary files (TMPDIR). A `Raster` of (1, C, H, W)."""

    def __init__(self, height: int, width: int, channels: int, kind: DTypeLike) -> None:
        """Raises PictureError where the disk has no room for it."""
        self.size = height, width
        self.channels = channels
        self.kind = np.dtype(kind)
        self._row = width * channels * self.kind.itemsize
        self._name = ""
        if Path("/dev/fd").exists():
            self._file: Any = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        else:
            # Where a descriptor cannot be opened once more, the file has a name until the end.
            descriptor, self._name = tempfile.mkstemp(prefix="impasto-")
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
        weakref.finalize(self, _removed, self._file, self._name)
        self._lock = threading.Lock()
        _allocate(self._file, HEADER + height * self._row)
        self._file.write(_tiff_header(height, width, channels, self.kind))

    @property
    def path(self) -> str:
        """Of a TIFF of the samples, which can be read while this is there."""
        return self._name or f"/dev/fd/{self._file.fileno()}"

    def window(self, place: Window) -> Array:
        """See `Raster`."""
        return np.ascontiguousarray(numbers(self.samples(place).transpose(2, 0, 1)[None]))

    def samples(self, place: Window) -> NDArray[Any]:
        """(h, w, C) of a part, as they are kept."""
        height, width = place.size
        part = np.empty((height, width, self.channels), self.kind)
        with self._lock:
            for start, line in self._lines(place, part):
                self._file.seek(start)
                self._file.readinto(line)
        return part

    def write(self, place: Window, pixels: Array) -> None:
        """As of `Room`."""
        self.put(place, rounded(pixels, self.kind)[0].transpose(1, 2, 0))

    def put(self, place: Window, samples: NDArray[Any]) -> None:
        """(h, w, C), as they are kept."""
        part = np.ascontiguousarray(samples, self.kind)
        with self._lock:
            for start, line in self._lines(place, part):
                self._file.seek(start)
                self._file.write(line)

    def _lines(self, place: Window, part: NDArray[Any]) -> list[tuple[int, memoryview]]:
        """(where in the file, which bytes of a part) of each run that lies together."""
        first = HEADER + place.top * self._row + place.left * self.channels * self.kind.itemsize
        runs: list[Any] = [part] if place.size[1] == self.size[1] else list(part)
        return [(first + number * self._row, memoryview(run).cast("B")) for number, run in enumerate(runs)]


def _tiff_header(height: int, width: int, channels: int, kind: np.dtype[Any]) -> bytes:
    """Of a BigTIFF of one strip: the samples that follow, as this machine keeps them."""
    order, mark = ("<", b"II") if sys.byteorder == "little" else (">", b"MM")
    fields = {
        256: width, 257: height, 259: 1, 262: 2 if channels > 2 else 1, 273: HEADER, 277: channels, 278: height,
        279: height * width * channels * kind.itemsize, 284: 1,
    }  # fmt: skip
    entries = {tag: struct.pack(f"{order}HHQQ", tag, 16, 1, value) for tag, value in fields.items()}
    # One number for each channel, of which an entry has room for four.
    for tag, number in ((258, 8 * kind.itemsize), (339, {"u": 1, "i": 2, "f": 3}[kind.kind])):
        entries[tag] = struct.pack(f"{order}HHQ4H", tag, 3, channels, *[number] * 4)
    head = mark + struct.pack(f"{order}HHHQQ", 43, 8, 0, 16, len(entries))
    return (head + b"".join(entry for _, entry in sorted(entries.items()))).ljust(HEADER, b"\0")


def mapped(num_bytes: int) -> mmap.mmap:
    """A file without a name, in the folder of temporary files, as memory. Raises PictureError as `Scratch`."""
    with tempfile.TemporaryFile(buffering=0) as file:
        _allocate(file, num_bytes)
        return mmap.mmap(file.fileno(), num_bytes)


def _allocate(file: Any, num_bytes: int) -> None:
    """Now rather than when half of it is painted."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, num_bytes)
        else:
            file.truncate(num_bytes)
    except OSError:
        raise PictureError(
            f"{tempfile.gettempdir()}: this folder of temporary files has no room for the {num_bytes / 1e9:.1f} GB"
            " of a large picture; TMPDIR names another one"
        ) from None


def _removed(file: Any, name: str) -> None:
    file.close()
    if name:
        Path(name).unlink(missing_ok=True)


def room(count: int, channels: int, height: int, width: int, kind: DTypeLike | None = None) -> Room | Scratch:
    """For so many pictures. kind: None for the one that is enough for what is computed with."""
    sample = np.dtype(kind or (np.int16 if height * width > LARGE else np.float32))
    if count == 1 and channels * height * width * sample.itemsize > HELD:
        return Scratch(height, width, channels, sample)
    return Room(np.empty((count, channels, height, width), sample))


def materialised(picture: Raster) -> Raster:
    """Made piece by piece, by several threads, and kept."""
    height, width = picture.size
    count, channels = picture.window(Window(0, 0, 1, 1)).shape[:2]
    kept = room(count, channels, height, width)

    def make(place: Window) -> None:
        kept.write(place, picture.window(place))

    # Numpy lets others work while it does.
    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(make, _pieces(picture)))
    return kept


def _pieces(picture: Raster) -> list[Window]:
    """In which it is made, so that not much of what it is made from is looked at for any of them."""
    height, width = picture.size
    shrunk = math.prod(picture.source.size) / (height * width) if isinstance(picture, Resized) else 1
    pixels = int(AT_A_TIME / max(1, shrunk))
    rows = max(BLOCK, pixels // width)
    columns = max(BLOCK, pixels // rows)
    return [
        Window(top, left, bottom, right)
        for top, bottom in blocks(0, height, rows)
        for left, right in blocks(0, width, columns)
    ]


def rounded(pixels: Array, kind: np.dtype[Any]) -> NDArray[Any]:
    """Numbers as samples of this kind, the nearest that it has."""
    if kind.kind == "f":
        return pixels.astype(kind, copy=False)
    levels: Array = pixels * np.float32(scale_of(kind))
    limits = np.iinfo(kind)
    levels.clip(limits.min, limits.max, out=levels)
    return np.rint(levels, out=levels).astype(kind)

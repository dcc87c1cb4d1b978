"""Images of libvips: of arrays, of files and of what else gives bytes, and their samples as arrays."""

import logging
import os
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of a picture, so many bytes are decoded at a time.
_STRIP_BYTES = 2**22

NUMBERS = {
    "uchar": np.uint8, "char": np.int8, "ushort": np.uint16, "short": np.int16,
    "uint": np.uint32, "int": np.int32, "float": np.float32,
}  # fmt: skip
"""{format of libvips: that of numpy}."""

_without_threads = threading.Event()


@cache
def library() -> Any:
    """pyvips, which keeps nothing of what it opened, and runs no loader that libvips does not trust."""
    import pyvips

    pyvips.block_untrusted_set(True)
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


def source_of(blocks: Iterable[Any]) -> Any:
    """What libvips reads of these bytes, one block after the other."""
    following = iter(blocks)
    rest = memoryview(b"")

    def read(count: int) -> memoryview:
        nonlocal rest
        if not rest:
            rest = memoryview(next(following, b""))
        data, rest = rest[:count], rest[count:]
        return data

    source = library().SourceCustom()
    source.on_read(read)
    return source


def field(image: Any, name: str) -> Any:
    """What libvips knows of an image by this name; None for nothing."""
    return image.get(name) if image.get_typeof(name) else None


def strips(image: Any) -> Iterator[tuple[int, NDArray[Any]]]:
    """(first row, (h, W, C)) of all rows of a libvips image, from the top.

    In this thread: those of libvips would not be there in a process that was forked.
    """
    kind = np.dtype(NUMBERS[image.format])
    rows = max(8, _STRIP_BYTES // (image.width * image.bands * kind.itemsize) // 8 * 8)
    region = library().Region.new(image)
    for top in range(0, image.height, rows):
        count = min(rows, image.height - top)
        fetched = region.fetch(0, top, image.width, count)
        yield top, np.frombuffer(fetched, kind).reshape(count, image.width, image.bands)


def pixels(image: Any) -> NDArray[Any]:
    """(H, W, C) of a libvips image."""
    whole = np.empty((image.height, image.width, image.bands), NUMBERS[image.format])
    for top, rows in strips(image):
        whole[top : top + len(rows)] = rows
    return whole


def image_of(samples: NDArray[Any], interpretation: str) -> Any:
    """A libvips image of (H, W, C), which it looks at where they are."""
    held = np.ascontiguousarray(samples)
    height, width, channels = held.shape
    kind = next(name for name, numbers in NUMBERS.items() if held.dtype == numbers)
    image = library().Image.new_from_memory(held.data, width, height, channels, kind)
    return image.copy(interpretation=interpretation)


def image_in_file(path: str, bits: int) -> Any:
    """A libvips image of 8 or 16 bits in sRGB of a TIFF of whole numbers or fractions of [0, 1], to be decoded once."""
    image = library().Operation.call("tiffload", path, access="sequential")
    numbers: np.dtype[Any] = np.dtype(NUMBERS[image.format])
    if 8 * numbers.itemsize != bits:
        factor = (2**bits - 1) / (np.iinfo(numbers).max if numbers.kind == "u" else 1)
        image = (factor * image).rint().cast("uchar" if bits == 8 else "ushort")
    return image.copy(interpretation="srgb" if bits == 8 else "rgb16")


def reason_of(error: Exception) -> str:
    """What libvips says is wrong, on one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("unable to", "source: bad seek"))]
    return said[-1] if said else type(error).__name__

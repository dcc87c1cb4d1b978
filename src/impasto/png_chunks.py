"""The chunks of a PNG around its pixels: texts and the colour profile, unpacked no further than is sensible."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"

LONGEST = 2**24
"""Bytes of a text or a colour profile at most, when it is unpacked."""

HEADER_END = 33
"""Where the chunk IHDR ends, and others may be put."""

_ASIDE = (b"iCCP", b"zTXt", b"iTXt", b"tEXt")


def chunks(data: Any) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte, byte after the last) of each, with length, name and checksum, up to where they make no sense
    any more. data: a PNG, as bytes or a map of them."""
    start = len(SIGNATURE)
    while start + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield name, start, end
        start = end


def is_sound(data: Any) -> bool:
    """Whether the checksums of all chunks are right."""
    return all(
        struct.unpack_from(">I", data, end - 4) == (zlib.crc32(data[start + 4 : end - 4]),)
        for _, start, end in chunks(data)
    )


def plain(data: Any) -> list[tuple[int, int]]:
    """The parts of a PNG that are left without texts and profiles, of which a file may hold any number, each of which
    any size when it is unpacked."""
    parts, place = [], 0
    for name, start, end in chunks(data):
        if name in _ASIDE:
            parts.append((place, start))
            place = end
    return [*parts, (place, len(data))]


def profile(data: Any) -> bytes | None:
    """The first colour profile; b"" for one that is damaged or too long."""
    for name, start, end in chunks(data):
        if name == b"iCCP":
            return _inflated(bytes(data[start + 8 : end - 4]).partition(b"\0")[2][1:])
    return None


def text(data: Any, keyword: str) -> str | None:
    """The last text with this keyword, if it is no longer than it may be."""
    description = None
    for name, start, end in chunks(data):
        key = keyword.encode("latin-1") + b"\0"
        if name not in (b"tEXt", b"zTXt", b"iTXt") or data[start + 8 : start + 8 + len(key)] != key:
            continue
        value = bytes(data[start + 8 + len(key) : end - 4])
        if name == b"zTXt":
            value = _inflated(value[1:])
        if name == b"iTXt":
            is_packed = value[:1] == b"\1"
            value = value[2:].split(b"\0", 2)[-1]
            value = _inflated(value) if is_packed else value
        if len(value) <= LONGEST:
            description = value.decode("utf-8" if name == b"iTXt" else "latin-1", errors="replace")
    return description


def frames(data: Any) -> int:
    """Of an animated one; 1 for any other."""
    for name, start, end in chunks(data):
        if name == b"acTL" and end - start >= 20:
            return int(struct.unpack_from(">I", data, start + 8)[0])
        if name == b"IDAT":
            break
    return 1


def chunk(name: bytes, data: bytes) -> bytes:
    """One of them, with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


def text_chunk(keyword: str, text: str) -> bytes:
    """A text, not packed."""
    return chunk(b"iTXt", keyword.encode("latin-1") + b"\0" * 5 + text.encode())


def _inflated(packed: bytes) -> bytes:
    """b"" for what is damaged or longer than it may be."""
    try:
        unpacked = zlib.decompressobj().decompress(packed, LONGEST + 1)
    except zlib.error:
        return b""
    return unpacked if len(unpacked) <= LONGEST else b""

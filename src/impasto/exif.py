"""The first directory of a TIFF, which is what EXIF is, too: what a file says of itself, by the numbers of its tags."""

import struct
from collections.abc import Iterable
from typing import Any

WIDTH, HEIGHT, BITS, PHOTOMETRIC, DESCRIPTION, ORIENTATION = 256, 257, 258, 262, 270, 274
CHANNELS, EXTRA_SAMPLES, SAMPLE_FORMAT = 277, 338, 339

# What unpacks whole numbers of each kind; those of a text are its bytes.
_LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}

_ASCII = 2
_MOST_NUMBERS = 1000


def fields(data: Any, wanted: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """{tag: whole numbers, or bytes of a text} of those that are wanted and there. data: a TIFF, or an EXIF block, as
    bytes or a map of them. Raises ValueError if it is neither, or damaged."""
    start = 6 if data[:6] == b"Exif\0\0" else 0
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[start : start + 2]), "")
    if not order:
        raise ValueError("it begins with no byte order")

    def unpack(layout: str, place: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(order + layout, data, start + place)
        except struct.error as error:
            raise ValueError(str(error)) from error

    (version,) = unpack("H", 2)
    if version not in (42, 43):
        raise ValueError("it is of no known version")
    room, offset, counter = (8, "Q", "Q") if version == 43 else (4, "I", "H")
    (place,) = unpack(offset, room)
    (count,) = unpack(counter, place)
    first, step = place + struct.calcsize(counter), 4 + 2 * room
    entries = {}
    for place in range(first, first + min(count, 2**16) * step, step):
        tag, kind, length = unpack("HH" + offset, place)
        if tag not in wanted:
            continue
        value = place + step - room
        if length * struct.calcsize("=" + _LETTERS.get(kind, "B")) > room:
            (value,) = unpack(offset, value)
        if kind == _ASCII or (kind in _LETTERS and length <= _MOST_NUMBERS):
            entries[tag] = unpack(f"{length}{_LETTERS[kind]}", value)
    return entries


def description(data: Any) -> str | None:
    """What an EXIF block says that a picture is; None where it says nothing, or is damaged."""
    try:
        return bytes(fields(data, (DESCRIPTION,))[DESCRIPTION]).partition(b"\0")[0].decode("latin-1")
    except (ValueError, KeyError):
        return None


def described(description: str) -> bytes:
    """An EXIF block that holds nothing but a description, in ASCII."""
    text = description.encode("ascii") + b"\0"
    # One field, whose text lies behind the directory: 8 + 2 + 12 + 4 bytes from the start.
    directory = struct.pack(">HHHII4x", 1, DESCRIPTION, _ASCII, len(text), 26)
    return b"Exif\0\0" + struct.pack(">2sHI", b"MM", 42, 8) + directory + text

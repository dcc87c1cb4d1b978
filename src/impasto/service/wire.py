"""What goes between the service and the process that paints: JSON and bytes through a pipe.

A message is the length of its header (4 bytes, big-endian), the header, a JSON object, and the blobs whose lengths the
header lists under "blobs". No pickle: a process that a hostile picture took over could otherwise take over the server.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")
_LONGEST_HEADER = 2**20
_MOST_BYTES = 2**32
"""Of the blobs of one message."""


class WireError(Exception):
    """The other side wrote something that is no message."""


@dataclass(frozen=True)
class Message:
    """kind: what it is about. values: whatever else the header holds."""

    kind: str
    values: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


def write(stream: BinaryIO, kind: str, blobs: Sequence[bytes] = (), **values: Any) -> None:
    """Raises OSError if the other side is gone."""
    header = json.dumps({"kind": kind, "blobs": [len(blob) for blob in blobs], **values}).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def read(stream: BinaryIO) -> Message | None:
    """The next message; None at the end of the stream, in the middle of a message too. Raises WireError."""
    start = stream.read(_LENGTH.size)
    if len(start) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(start)
    if length > _LONGEST_HEADER:
        raise WireError(f"a header of {length:,} bytes")
    text = stream.read(length)
    if len(text) < length:
        return None
    try:
        header = json.loads(text)
        kind, lengths = str(header.pop("kind")), [int(count) for count in header.pop("blobs")]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise WireError(f"a header that is not JSON of ours: {error}") from error
    if any(count < 0 for count in lengths) or sum(lengths) > _MOST_BYTES:
        raise WireError("a blob of impossible length")
    blobs = []
    for count in lengths:
        blob = stream.read(count)
        if len(blob) < count:
            return None
        blobs.append(blob)
    return Message(kind, header, tuple(blobs))

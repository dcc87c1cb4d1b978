import io
import struct

import pytest

from impasto.service.wire import WireError, read, write


def wired(*messages):
    stream = io.BytesIO()
    for kind, blobs, values in messages:
        write(stream, kind, blobs, **values)
    return stream.getvalue()


def test_messages_arrive_as_they_were_sent():
    stream = io.BytesIO(wired(("paint", [b"", b"\0\xff" * 40_000], {"job": "ä", "size": None}), ("ready", [], {})))
    first, second = read(stream), read(stream)
    assert (first.kind, first.values, first.blobs) == ("paint", {"job": "ä", "size": None}, (b"", b"\0\xff" * 40_000))
    assert (second.kind, second.values, second.blobs) == ("ready", {}, ())
    assert read(stream) is None


def test_a_message_that_is_cut_short_is_the_end():
    whole = wired(("done", [b"picture"], {"job": "x"}))
    assert [read(io.BytesIO(whole[:length])) for length in range(len(whole))] == [None] * len(whole)


@pytest.mark.parametrize(
    "header", [b"\xff", b"[]", b"{}", b'{"kind": "x"}', b'{"kind": "x", "blobs": [-1]}', b'{"kind": "x", "blobs": 3}',
     b"[" * 100_000, b'{"kind": "x", "blobs": [4294967296, 4294967296]}', b'{"kind": "x", "blobs": [Infinity]}'],
)  # fmt: skip
def test_what_is_no_message_is_refused(header):
    with pytest.raises(WireError):
        read(io.BytesIO(struct.pack(">I", len(header)) + header))


def test_an_endless_header_is_refused_before_it_is_read():
    with pytest.raises(WireError):
        read(io.BytesIO(b"\xff" * 16))

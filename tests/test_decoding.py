"""The kinds of TIFF that Pillow cannot write, and what is said of those that cannot be read."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from picture_files import file_bytes
from PIL import Image

from impasto import image as images
from impasto.errors import PictureError


def noise(*shape: int) -> NDArray[np.uint16]:
    return np.random.default_rng(0).integers(0, 65536, shape, dtype=np.uint16)


def tiff(size: tuple[int, int], body: bytes, order: str = "<", **changes: list[int]) -> bytes:
    """A TIFF written without impasto; changes are tags by name, such as t262=[0]."""
    height, width = size
    fields: dict[int, list[int]] = {
        256: [width], 257: [height], 258: [16, 16, 16], 259: [1], 262: [2], 273: [8],
        277: [3], 278: [height], 279: [len(body)],
    }  # fmt: skip
    fields |= {int(name[1:]): value for name, value in changes.items()}
    start = 8 + len(body)
    entries, overflow = b"", b""
    for tag, values in sorted(fields.items()):
        kind, letter = (4, "I") if tag in (256, 257, 273, 279) else (3, "H")
        packed = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(packed) > 4:
            packed, overflow = struct.pack(f"{order}I", start + 6 + 12 * len(fields) + len(overflow)), overflow + packed
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, start)
    return head + body + struct.pack(f"{order}H", len(fields)) + entries + b"\0" * 4 + overflow


def read(data: bytes, channels: int = 3) -> NDArray[Any]:
    picture = images.read(data)
    assert (picture.bits, picture.notes) == (16, ())
    return images.to_array(picture, np.uint16, channels)


def test_white_is_zero() -> None:
    samples = noise(6, 5)
    data = tiff((6, 5), samples.astype("<u2").tobytes(), t277=[1], t258=[16], t262=[0])
    np.testing.assert_array_equal(read(data, 0), 65535 - samples)


def test_12_bit_grey_is_as_bright_as_it_should_be() -> None:
    packed = bytes([0xFF, 0xF0, 0x00, 0x80, 0x0F, 0xFF])  # 4095, 0, 2048, 4095
    grey = read(tiff((1, 4), packed, t277=[1], t258=[12], t262=[1]), 0)
    assert grey.tolist() == [[65535, 0, 32776, 65535]]


def test_premultiplied_alpha_is_divided_out() -> None:
    stored = np.array([[[10000, 20000, 30000, 32768], [0, 0, 0, 0], [5, 6, 7, 65535]]], np.uint16)
    data = tiff((1, 3), stored.tobytes(), t277=[4], t258=[16] * 4, t338=[1])
    expected = [[19999, 39999, 59999, 32768], [0, 0, 0, 0], [5, 6, 7, 65535]]
    assert np.abs(read(data, 4)[0].astype(int) - expected).max() <= 1


def test_unnamed_fourth_channel_is_no_alpha() -> None:
    stored = noise(4, 3, 4)
    data = tiff((4, 3), stored.tobytes(), t277=[4], t258=[16] * 4, t338=[0])
    assert images.read(data).alpha is None
    np.testing.assert_array_equal(read(data), stored[:, :, :3])


def test_16_bit_cmyk_is_read_in_8_bits_with_a_note() -> None:
    inks = noise(4, 3, 4)
    picture = images.read(tiff((4, 3), inks.tobytes(), t277=[4], t258=[16] * 4, t262=[5]))
    assert (picture.bits, picture.notes) == (8, ("16 bits per channel were read as 8",))
    expected = Image.fromarray((inks >> 8).astype(np.uint8), "CMYK").convert("RGB")
    np.testing.assert_array_equal(images.to_array(picture), np.asarray(expected))


@pytest.mark.parametrize(
    ("order", "bits", "kind", "stored"),
    [
        ("<", 32, 1, np.array([[0, 2**31 - 1, 2**31, 2**32 - 1]], np.uint32)),
        ("<", 32, 2, np.array([[-(2**31), -1, 0, 2**31 - 1]], np.int32)),
        (">", 32, 2, np.array([[-(2**31), -1, 0, 2**31 - 1]], np.int32)),
        ("<", 8, 2, np.array([[-128, -1, 0, 127]], np.int8)),
        (">", 8, 2, np.array([[-128, -1, 0, 127]], np.int8)),
        ("<", 16, 2, np.array([[-(2**15), -1, 0, 2**15 - 1]], np.int16)),
    ],
)
def test_signs(order: str, bits: int, kind: int, stored: NDArray[Any]) -> None:
    data = tiff((1, 4), stored.astype(stored.dtype.newbyteorder(order)).tobytes(), order,
                t277=[1], t258=[bits], t262=[1], t339=[kind])  # fmt: skip
    picture = images.read(data)
    assert picture.notes[0].endswith("were stretched to black to white")
    assert picture.pixels[0, 0, 0].tolist() == pytest.approx([0, 0.5, 0.5, 1], abs=0.01)


@pytest.mark.parametrize(
    ("stored", "tags", "expected"),
    [
        (np.array([[0, 127]], np.int8), {"t258": [8], "t262": [1], "t339": [2]}, [0, 1]),
        (np.array([[0, 0.25, 1]], np.float32), {"t258": [32], "t262": [0], "t339": [3]}, [1, 0.75, 0]),
    ],
)
def test_a_known_range_is_not_stretched_also_where_white_is_zero(stored: Any, tags: Any, expected: list[float]) -> None:
    picture = images.read(tiff(stored.shape, stored.tobytes(), t277=[1], **tags))
    assert (picture.notes, picture.pixels[0, 0, 0].tolist()) == ((), expected)


@pytest.mark.parametrize(
    ("channels", "bits", "changes", "said"),
    [
        (3, 32, {"t339": [3] * 3}, "3 channels of 32-bit floating-point numbers"),
        (5, 8, {}, "5 channels of 8-bit unsigned integers"),
        (3, 8, {"t339": [2] * 3}, "3 channels of 8-bit signed integers"),
        (1, 64, {"t262": [1], "t339": [3]}, "1 channel of 64-bit floating-point numbers"),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_another_kind_is_called_by_what_it_is(
    order: str, channels: int, bits: int, changes: dict[str, list[int]], said: str
) -> None:
    data = tiff((2, 3), bytes(6 * channels * bits // 8), order, t277=[channels], t258=[bits] * channels, **changes)
    with pytest.raises(PictureError) as caught:
        images.read(data)
    assert str(caught.value) == (
        f"the picture given as bytes: it is a TIFF of {said}, which cannot be read; save it as 8- or 16-bit RGB"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            file_bytes(Image.new("RGB", (40, 30)), "TIFF", compression="lzma"),
            "of a kind that cannot be read .*LZMA",
        ),  # not damaged
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "it is HEIC, as phones take pictures, .*; save it as JPEG"),
        (b"II*\0" + b"\xff" * 40, "not a picture, or damaged"),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name(data: bytes, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        images.read(data)


def test_truncated_strips_are_refused() -> None:
    with pytest.raises(PictureError, match="cut short or damaged"):
        images.read(tiff((60, 50), noise(60, 50, 3).tobytes()[:9000]))


def test_written_png_is_tagged_srgb_and_valid() -> None:
    samples = noise(70, 5, 3)
    data = images.encode(images.from_array(samples), "png", bits=16, record={"by": "ä"})
    with Image.open(io.BytesIO(data)) as image:
        image.verify()  # checks the checksums of all chunks
        assert (image.info["srgb"], image.info["impasto"]) == (0, '{"by": "\\u00e4"}')

"""Pictures from every kind of file, and back."""

import errno
import io
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from picture_files import file_bytes
from PIL import Image, ImageCms, PngImagePlugin

from impasto import image as images
from impasto.errors import PictureError
from impasto.image import Picture
from impasto.libvips import image_of
from impasto.png_chunks import SIGNATURE, chunk, chunks
from impasto.record import read_record

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
D50 = (0.9642, 1.0, 0.8249)


def noise(*shape: int, dtype: Any = np.uint8, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    """Colours that lossy formats keep."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([60 + y * 2, 90 + x * 2, 200 - x - y], axis=-1).clip(0, 255).astype(np.uint8)


def eight_bit(picture: Picture) -> NDArray[np.uint8]:
    return images.to_array(picture, np.uint8, 3)


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def profile(space: bytes, tags: dict[bytes, bytes], pcs: bytes = b"XYZ ", kind: bytes = b"mntr") -> bytes:
    """A version 2 ICC profile of the given tags."""
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\5test\0" + b"\0" * 78, b"wtpt": b"XYZ \0\0\0\0" + fixed(*D50), **tags}
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    size = offset + len(body)
    header = struct.pack(">II4s4s4s4s", size, 0, b"\2\x40\0\0", kind, space, pcs) + struct.pack(
        ">6H", 2024, 1, 1, 0, 0, 0
    )
    header = (header + b"acsp").ljust(68, b"\0") + fixed(*D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(primaries: Any = ADOBE_RGB, curve: bytes = gamma_curve(2.19921875)) -> bytes:
    tags = {
        name: b"XYZ \0\0\0\0" + fixed(*xyz) for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    return profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def cmyk_profile() -> bytes:
    """Cyan ink prints as a neutral middle grey, black ink as black, every other ink not at all."""
    corners = [(0 if k else 50 if c else 100) for c in (0, 1) for _m in (0, 1) for _y in (0, 1) for k in (0, 1)]
    table = bytes(value for light in corners for value in (round(light * 2.55), 128, 128))
    straight = bytes(range(256))
    lut = b"mft1\0\0\0\0\4\3\2\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + straight * 4 + table + straight * 3
    return profile(b"CMYK", {b"A2B0": lut}, pcs=b"Lab ", kind=b"prtr")


def png16(samples: NDArray[np.uint16], extra: bytes = b"", interlaced: bool = False) -> bytes:
    """A 16-bit PNG of 1 to 4 channels, written without impasto or Pillow; extra: chunks before its pixels."""
    image = image_of(samples, "grey16" if samples.shape[2] < 3 else "rgb16")
    data = image.pngsave_buffer(interlace=interlaced, keep="none")
    return data[:33] + extra + data[33:]


def icc_chunk(data: bytes) -> bytes:
    return chunk(b"iCCP", b"p\0\0" + zlib.compress(data))


# --- formats and modes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 400), (33, 18)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_lossless_files_are_read_exactly(kind: str, size: tuple[int, int]) -> None:
    pixels = noise(*size, 3)
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = images.read(file_bytes(Image.fromarray(pixels), kind, **options))
    assert picture.pixels.shape == (1, 3, *size)
    assert picture.pixels.dtype == np.float32
    assert (picture.height, picture.width, picture.bits, picture.alpha, picture.notes) == (*size, 8, None, ())
    np.testing.assert_array_equal(eight_bit(picture), pixels)


@pytest.mark.parametrize("kind", ["JPEG", "AVIF", "GIF"])
def test_lossy_files_are_read_closely(kind: str) -> None:
    pixels = smooth(40, 30)
    picture = images.read(file_bytes(Image.fromarray(pixels), kind))
    assert np.abs(eight_bit(picture).astype(int) - pixels).mean() < 4


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "1"), ("PNG", "L"), ("PNG", "P"), ("TIFF", "CMYK")])
def test_other_modes_without_profile(kind: str, mode: str) -> None:
    image = Image.fromarray(noise(6, 5, 4), mode) if mode == "CMYK" else Image.fromarray(noise(9, 14, 3)).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(eight_bit(images.read(file_bytes(image, kind))), expected)


def test_adobe_jpeg_with_inverted_inks_is_not_a_negative() -> None:
    paper = Image.new("CMYK", (16, 16), (0, 0, 0, 10))
    data = file_bytes(paper, "JPEG", quality=95)
    assert b"Adobe" in data
    assert images.read(data).pixels.min() > 0.9


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("TIFF", "RGBA"), ("WEBP", "RGBA"), ("PNG", "LA"), ("TIFF", "LA")]
)
def test_alpha_comes_along(kind: str, mode: str) -> None:
    samples = noise(6, 7, len(mode))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    picture = images.read(file_bytes(Image.fromarray(samples, mode), kind, **options))
    colours = samples[:, :, :3] if mode == "RGBA" else samples[:, :, :1].repeat(3, axis=2)
    np.testing.assert_array_equal(images.to_array(picture), np.concatenate([colours, samples[:, :, -1:]], axis=2))


def test_transparent_palette_entry_and_colour_key() -> None:
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture = images.read(file_bytes(palette, "PNG", transparency=bytes([0, 128, 255])))
    expected = [[[10, 20, 30, 0], [40, 50, 60, 128], [70, 80, 90, 255]]]
    np.testing.assert_array_equal(images.to_array(picture), expected)
    keyed = file_bytes(Image.fromarray(np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8)), "PNG", transparency=(1, 2, 3))
    assert images.to_array(images.read(keyed))[0, :, 3].tolist() == [0, 255]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_with_a_note(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = images.read(file_bytes(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert eight_bit(picture)[4, 4].tolist() == [255, 0, 0]
    assert picture.notes == (
        ("several pages: the first of 3",) if kind == "TIFF" else ("animated: the first of 3 frames",)
    )


# --- more than eight bits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_keeps_all_bits(channels: int, interlaced: bool) -> None:
    samples = noise(11, 13, channels, dtype=np.uint16)
    picture = images.read(png16(samples, interlaced=interlaced))
    assert picture.bits == 16
    colours = samples[:, :, :3] if channels > 2 else samples[:, :, :1].repeat(3, axis=2)
    np.testing.assert_array_equal(images.to_array(picture, np.uint16, 3), colours)
    if channels in (2, 4):
        np.testing.assert_array_equal(images.to_array(picture, np.uint16, 4)[:, :, 3], samples[:, :, -1])
    else:
        assert picture.alpha is None


def test_16_bit_colour_key_is_compared_in_16_bits() -> None:
    samples = np.array([[[256, 512, 768], [256, 512, 769]]], np.uint16)
    picture = images.read(png16(samples, extra=chunk(b"tRNS", struct.pack(">3H", 256, 512, 768))))
    assert picture.alpha is not None
    assert picture.alpha.flatten().tolist() == [0, 1]


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate"])
def test_16_bit_grey_tiff(mode: str, compression: str | None) -> None:
    grey = noise(5, 6, dtype=np.uint16)
    order = ">u2" if mode == "I;16B" else "<u2"
    image = Image.frombytes(mode, (6, 5), grey.astype(order).tobytes())
    picture = images.read(file_bytes(image, "TIFF", compression=compression))
    assert picture.bits == 16
    np.testing.assert_array_equal(images.to_array(picture, np.uint16, 0), grey)
    np.testing.assert_array_equal(images.to_array(images.from_pil(image), np.uint16, 0), grey)


def test_float_and_32_bit_grey_tiff() -> None:
    values = np.random.default_rng(0).random((4, 5), np.float32)
    picture = images.read(file_bytes(Image.fromarray(values), "TIFF"))
    assert (picture.bits, picture.notes) == (16, ())
    np.testing.assert_allclose(picture.pixels[0, 1], values)
    scaled = images.read(file_bytes(Image.fromarray(values * 200 + 2), "TIFF"))
    np.testing.assert_allclose(scaled.pixels[0, 1], (values * 200 + 2) / 255, rtol=1e-5)
    wide = images.read(file_bytes(Image.fromarray(np.array([[-100, 0, 100]], np.int32)), "TIFF"))
    assert wide.pixels[0, 0, 0].tolist() == [0, 0.5, 1]
    assert wide.notes == ("its values -100 to 100 were stretched to black to white",)
    values[1, 1] = np.nan
    with pytest.raises(PictureError, match="NaN"):
        images.read(file_bytes(Image.fromarray(values), "TIFF"))


# --- orientation and colour ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind: str, orientation: int) -> None:
    upright = noise(5, 8, 3)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: np.rot90(upright, 2),
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = file_bytes(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, **options)
    np.testing.assert_array_equal(eight_bit(images.read(data)), upright)
    np.testing.assert_array_equal(eight_bit(images.from_pil(Image.open(io.BytesIO(data)))), upright)


def test_orientation_of_a_jpeg_and_of_alpha() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = smooth(20, 40)
    picture = images.read(file_bytes(Image.fromarray(pixels), "JPEG", exif=exif, quality=95))
    assert np.abs(eight_bit(picture).astype(int) - np.rot90(pixels, -1)).mean() < 3
    samples = noise(3, 6, 4)
    turned = images.read(file_bytes(Image.fromarray(samples), "PNG", exif=exif))
    np.testing.assert_array_equal(images.to_array(turned), np.rot90(samples, -1))


def test_damaged_exif_is_noted_and_the_pixels_are_read() -> None:
    orientation_as_text = struct.pack(">2sHIHHHI4sI", b"MM", 42, 8, 1, 0x0112, 2, 4, b"abc", 0)
    data = file_bytes(Image.fromarray(smooth(8, 8)), "JPEG", exif=b"Exif\0\0" + orientation_as_text)
    picture = images.read(data)
    assert (picture.height, picture.notes) == (8, ("its EXIF data are damaged and were ignored",))


def test_adobe_rgb_is_converted_as_the_formulas_say() -> None:
    data = file_bytes(Image.new("RGB", (4, 4), (100, 200, 100)), "PNG", icc_profile=rgb_profile())
    # Adobe RGB (100, 200, 100) by colour-science formulas: decode with 2.2, change primaries, encode as sRGB.
    linear = (np.array([100, 200, 100]) / 255) ** 2.19921875
    xyz = np.array(ADOBE_RGB).T @ linear
    srgb = np.array(
        [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.033454], [0.0719453, -0.2289914, 1.4052427]]
    )
    light = (srgb @ xyz).clip(0, 1)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    picture = images.read(data)
    assert np.abs(eight_bit(picture)[0, 0] - expected).max() < 1.5
    assert abs(int(eight_bit(picture)[0, 0, 0]) - 100) > 30
    assert picture.notes == ()


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_profiles_agree_with_little_cms_and_keep_16_bits(channels: int) -> None:
    samples = noise(16, 16, channels, dtype=np.uint8).astype(np.uint16) * 257
    table = np.round(65535 * np.linspace(0, 1, 512) ** 1.8).astype(">u2")
    parametric = b"para\0\0\0\0\0\3\0\0" + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    for curve in (gamma_curve(2.2), b"curv\0\0\0\0" + struct.pack(">I", 512) + table.tobytes(), parametric):
        icc = rgb_profile(curve=curve)
        deep = images.read(png16(samples, extra=icc_chunk(icc)))
        mode = "RGBA" if channels == 4 else "RGB"
        shallow = images.read(
            file_bytes(Image.fromarray((samples >> 8).astype(np.uint8), mode), "PNG", icc_profile=icc)
        )
        assert (deep.bits, deep.notes) == (16, ())
        difference = np.abs(deep.pixels - shallow.pixels)
        assert difference.mean() < 0.3 / 255
        assert difference.max() < 4 / 255  # Pillow converts in 8 bits, coarsely where sRGB is steep
        assert (images.to_array(deep, np.uint16, 3) % 257 != 0).mean() > 0.5


def test_grey_profile_in_8_and_16_bits() -> None:
    icc = profile(b"GRAY", {b"kTRC": gamma_curve(1.0)})
    expected = 1.055 * 0.2 ** (1 / 2.4) - 0.055
    shallow = images.read(file_bytes(Image.new("L", (2, 2), 51), "PNG", icc_profile=icc))
    deep = images.read(png16(np.full((2, 2, 1), 13107, np.uint16), extra=icc_chunk(icc)))
    assert shallow.pixels[0, 0, 0, 0].item() == pytest.approx(expected, abs=1 / 255)
    assert deep.pixels.flatten().tolist() == pytest.approx([expected] * 12, abs=2e-5)


def test_cmyk_profile_is_applied() -> None:
    inks = Image.fromarray(np.array([[[255, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255]]], np.uint8), "CMYK")
    grey, white, black = eight_bit(images.read(file_bytes(inks, "TIFF", icc_profile=cmyk_profile())))[0].astype(int)
    assert np.abs(grey - 119).max() <= 2
    assert white.min() >= 253
    assert black.max() <= 2


def test_srgb_profile_changes_no_pixel() -> None:
    pixels = noise(32, 32, 3)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = images.read(file_bytes(Image.fromarray(pixels), "PNG", icc_profile=srgb))
    np.testing.assert_array_equal(eight_bit(picture), pixels)


@pytest.mark.parametrize("icc", [b"broken", rgb_profile()[:200], b"\0" * 400])
def test_broken_profile_is_a_note(icc: bytes) -> None:
    pixels = noise(5, 5, 3)
    picture = images.read(file_bytes(Image.fromarray(pixels), "PNG", icc_profile=icc))
    assert picture.notes == ("its colour profile is damaged and was ignored",)
    np.testing.assert_array_equal(eight_bit(picture), pixels)
    assert "damaged" in images.read(png16(noise(5, 5, 3, dtype=np.uint16), extra=icc_chunk(icc))).notes[-1]


def test_profile_of_another_colour_space_is_a_note() -> None:
    data = file_bytes(Image.fromarray(noise(5, 5, 3)), "PNG", icc_profile=cmyk_profile())
    assert images.read(data).notes == ("its colour profile is for CMYK and was ignored, as the picture is RGB",)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_files_are_compressed_at_one_level(kind: str, bits: int) -> None:
    samples = smooth(300, 400).astype(np.uint16) * (257 if bits == 16 else 1)
    data = images.encode(images.from_array(samples.astype(np.uint8) if bits == 8 else samples), kind, bits=bits)
    # What zlib notes at the beginning of a stream for levels 2 to 5; 6 is x9c.
    assert (data[data.index(b"IDAT") + 4 :] if kind == "png" else data[8:]).startswith(b"\x78\x5e")


# --- long metadata of PNG --------------------------------------------------------------------------------------------


def png(samples: NDArray[np.uint8], *chunks: bytes) -> bytes:
    """With more chunks before the pixels and, the same, behind them."""
    data = file_bytes(Image.fromarray(samples), "PNG")
    return b"".join([data[:33], *chunks, data[33:-12], *chunks[1:], data[-12:]])


def test_a_long_profile_is_applied() -> None:
    icc = rgb_profile()
    expected = images.read(png(smooth(9, 8), icc_chunk(icc))).pixels
    picture = images.read(png(smooth(9, 8), icc_chunk(icc + bytes(3 * 2**20))))
    assert picture.notes == ()
    assert np.array_equal(picture.pixels, expected)
    assert not np.array_equal(picture.pixels, images.read(png(smooth(9, 8))).pixels)


LONG = b"x" * (3 * 2**20)
TEXTS = {
    "plain": chunk(b"tEXt", b"k\0" + LONG * 22),
    "packed": chunk(b"zTXt", b"k\0\0" + zlib.compress(LONG)),
    "bomb": chunk(b"zTXt", b"k\0\0" + zlib.compress(LONG * 6)),
    "international": chunk(b"iTXt", b"k\0\1\0en\0k\0" + zlib.compress(LONG * 6)),
    "international plain": chunk(b"iTXt", b"k\0\0\0en\0k\0" + LONG * 22),
    "damaged": chunk(b"zTXt", b"k\0\0no zlib"),
    "profile": icc_chunk(LONG * 6),
}


@pytest.mark.parametrize("name", TEXTS)
def test_long_texts_are_no_reason_to_refuse_a_picture(name: str) -> None:
    record = chunk(b"tEXt", b'impasto\0{"method": "x"}')
    data = png(smooth(9, 8), record, TEXTS[name])
    np.testing.assert_array_equal(eight_bit(images.read(data)), smooth(9, 8))
    assert read_record(data) == {"method": "x"}
    assert PngImagePlugin.MAX_TEXT_CHUNK == 2**20, "the limit of others is as it was"


def test_texts_without_end_are_not_unpacked() -> None:
    one = TEXTS["bomb"]
    started = time.process_time()
    np.testing.assert_array_equal(eight_bit(images.read(png(smooth(9, 8), one, *[one] * 400))), smooth(9, 8))
    assert time.process_time() - started < 2


def test_a_profile_behind_the_first_is_not_unpacked() -> None:
    first, second = icc_chunk(rgb_profile()), icc_chunk(LONG * 6)
    expected = images.read(png(smooth(9, 8), first)).pixels
    assert np.array_equal(images.read(png(smooth(9, 8), first, *[second] * 200)).pixels, expected)


# --- what is refused -------------------------------------------------------------------------------------------------


def refusal(source: Any, **options: Any) -> str:
    with pytest.raises(PictureError) as caught:
        images.read(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_what_is_not_a_picture(tmp_path: Path) -> None:
    text, empty = tmp_path / "text.jpg", tmp_path / "empty.png"
    text.write_text("hello, I am text\n" * 20)
    empty.touch()
    assert refusal(tmp_path / "no.png") == f"{tmp_path / 'no.png'}: there is no such file"
    assert refusal(str(tmp_path)) == f"{tmp_path}: it is a folder, not a picture"
    assert refusal(empty) == f"{empty}: it is empty (0 bytes)"
    assert refusal(text).startswith(f"{text}: it is not a picture")
    assert refusal("/dev/zero") == "/dev/zero: it is a device, not a picture"
    assert refusal(b"") == "the picture given as bytes: it is empty (0 bytes)"
    assert refusal("a\0b") == "a\\0b: a path holds no NUL character"
    assert refusal("") == "'': the path is empty"


def test_unreadable_file() -> None:
    class Locked(io.BytesIO):
        name = "locked.png"

        def read(self, size: int | None = -1) -> bytes:
            raise PermissionError(errno.EACCES, "Permission denied")

    assert refusal(Locked()) == "locked.png: it cannot be read: permission denied"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_files_are_not_padded(kind: str, share: float) -> None:
    data = file_bytes(Image.fromarray(noise(64, 64, 3)), kind)
    assert refusal(data[: int(len(data) * share)]).startswith("the picture given as bytes: it ")


def test_pixel_limit_is_checked_before_decoding() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert "more than 178,956,970 pixels" in refusal(bomb)
    data = file_bytes(Image.fromarray(noise(10, 11, 3)), "PNG")
    assert "more than 109 pixels" in refusal(data, pixel_limit=109)
    assert images.read(data, pixel_limit=110).width == 11


def fuzzed_files() -> list[bytes]:
    rgb, exif = Image.fromarray(smooth(24, 20)), Image.Exif()
    exif[0x0112] = 6
    files = [file_bytes(rgb, kind, exif=exif, icc_profile=rgb_profile()) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
    files += [file_bytes(rgb, kind) for kind in ("BMP", "GIF", "AVIF")]
    files += [file_bytes(rgb, "TIFF", compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate")]
    files += [
        file_bytes(Image.new("CMYK", (9, 9)), "JPEG"),
        png16(noise(9, 8, 4, dtype=np.uint16), icc_chunk(rgb_profile())),
    ]
    files.append(images.encode(images.from_array(noise(9, 8, 3, dtype=np.uint16)), "tiff", bits=16))
    return files


def resealed(data: bytes) -> bytes:
    """A PNG with its checksums put right, so that damage gets past them; other files as they are."""
    if not data.startswith(SIGNATURE):
        return data
    return SIGNATURE + b"".join(chunk(name, data[start + 8 : end - 4]) for name, start, end in chunks(data))


def test_flipped_bytes_give_a_picture_or_a_picture_error() -> None:
    generator, refused = np.random.default_rng(7), 0
    for data in fuzzed_files():
        for _ in range(60):
            damaged = bytearray(data)
            # Half of the damage goes into the first bytes, where the headers are.
            end = len(data) if generator.random() < 0.5 else min(len(data), 200)
            for position in generator.integers(0, end, generator.integers(1, 6)):
                damaged[position] = generator.integers(0, 256)
            try:
                picture = images.read(resealed(bytes(damaged)), pixel_limit=1_000_000)
                assert np.isfinite(picture.pixels).all()
                assert 0 <= picture.pixels.min() <= picture.pixels.max() <= 1
            except PictureError:
                refused += 1
    assert 100 < refused < 600


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("size", [(1, 1), (130, 7), (1, 4000)])
def test_exact_round_trip(tmp_path: Path, suffix: str, bits: int, size: tuple[int, int], alpha: bool) -> None:
    dtype = np.uint8 if bits == 8 else np.uint16
    samples = noise(*size, 4 if alpha else 3, dtype=dtype)
    path = tmp_path / f"out{suffix}"
    images.write(images.from_array(samples), path, bits=bits)
    picture = images.read(path)
    assert picture.bits == bits
    np.testing.assert_array_equal(images.to_array(picture, dtype), samples)
    seen = np.asarray(Image.open(path))
    np.testing.assert_array_equal(seen, samples if bits == 8 else samples >> 8)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_lossy_formats_are_written_well(tmp_path: Path, suffix: str) -> None:
    pixels = smooth(50, 41)
    path = tmp_path / f"out{suffix}"
    images.write(images.from_array(pixels), path)
    with Image.open(path) as image:
        if suffix != ".webp":
            assert [part[1:3] for part in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - pixels).mean() < 1.5


def test_alpha_in_lossy_formats() -> None:
    samples = np.zeros((16, 16, 4), np.uint8)
    samples[:, 8:, 3] = 255
    jpeg = np.asarray(Image.open(io.BytesIO(images.encode(images.from_array(samples), "jpg"))))
    assert jpeg[4, 1].min() > 250
    assert jpeg[4, 14].max() < 5
    webp = Image.open(io.BytesIO(images.encode(images.from_array(samples), "webp")))
    np.testing.assert_array_equal(np.asarray(webp.getchannel("A")), samples[:, :, 3])


def test_rounding_is_to_nearest() -> None:
    pixels = np.broadcast_to(np.array([0.49, 0.51, 99.6, 254.6], np.float32) / 255, (1, 3, 1, 4))
    assert eight_bit(Picture(pixels))[0, :, 0].tolist() == [0, 1, 100, 255]
    assert np.asarray(images.to_pil(Picture(pixels)))[0, :, 0].tolist() == [0, 1, 100, 255]


def test_metadata_of_the_input_is_not_passed_on(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x010E] = "SecretCamera", "SecretPlace"
    picture = images.read(file_bytes(Image.fromarray(smooth(9, 9)), "JPEG", exif=exif, comment=b"SecretComment"))
    for suffix in images.FORMATS:
        assert b"Secret" not in images.encode(picture, suffix)
        assert b"Secret" not in images.encode(picture, suffix, record={"method": "gatys"})


def test_what_cannot_be_written(tmp_path: Path) -> None:
    picture = images.from_array(noise(4, 4, 3))

    def refused(name: str, **options: Any) -> str:
        with pytest.raises(PictureError) as caught:
            images.write(picture, tmp_path / name, **options)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
        return str(caught.value)

    assert ".png, .jpg, .jpeg, .webp, .tif, .tiff" in refused("out.xyz")
    assert "no suffix" in refused("out")
    assert "PNG and TIFF hold 16" in refused("out.jpg", bits=16)
    assert "choose 8 or 16" in refused("out.png", bits=12)
    assert f"the folder {tmp_path / 'none'} does not exist" in refused("none/out.png")
    (tmp_path / "folder.png").mkdir()
    assert "folder" in refused("folder.png", overwrite=True)
    picture = Picture(np.full((1, 3, 2, 2), np.nan, np.float32))
    assert "NaN" in refused("nan.png")
    picture = Picture(np.zeros((1, 3, 1, 16_384), np.float32))
    assert "WebP holds at most 16383" in refused("long.webp")
    assert "JSON" in refused("record.png", record={"path": tmp_path})
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_existing_files_and_inputs_are_safe(tmp_path: Path) -> None:
    source, link, other = tmp_path / "in.png", tmp_path / "link.png", tmp_path / "out.png"
    images.write(images.from_array(noise(4, 4, 3)), source)
    before = source.read_bytes()
    link.symlink_to(source)
    os.link(source, tmp_path / "hard.png")
    picture = images.from_array(noise(4, 4, 3, seed=1))
    for name in (source, link, tmp_path / "hard.png", tmp_path / "." / "in.png"):
        with pytest.raises(PictureError, match="never overwritten"):
            images.write(picture, name, overwrite=True, sources=[tmp_path / "absent.png", str(source)])
    with pytest.raises(PictureError, match="file exists"):
        images.write(picture, source)
    assert source.read_bytes() == before
    images.write(picture, other)
    images.write(images.read(source), other, overwrite=True, sources=[source])
    np.testing.assert_array_equal(eight_bit(images.read(other)), noise(4, 4, 3))


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_keeps_a_file_from_being_written_leaves_the_old_one(
    fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    images.write(images.from_array(noise(4, 4, 3)), path)
    before = path.read_bytes()

    def fail(_descriptor: int) -> None:
        raise fault

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((PictureError, KeyboardInterrupt), match=r"no space left on device|^$"):
        images.write(images.from_array(noise(9, 9, 3)), path, overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_reading_in_threads_restores_what_is_global() -> None:
    data, before = file_bytes(Image.fromarray(noise(64, 64, 3)), "BMP"), list(warnings.filters)  # Pillow decodes it

    def read(_: int) -> None:
        for _ in range(10):
            images.read(data)
            with pytest.raises(PictureError, match="more than 4,095 pixels"):
                images.read(data, pixel_limit=64 * 64 - 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    assert list(warnings.filters) == before


FORK = """
import os, sys
import numpy as np
from impasto import image
picture = image.from_array(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
files = [image.encode(picture, kind) for kind in ("jpeg", "png", "webp", "tiff")]
seen = [image.read(file).pixels for file in files]
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
same = all((image.read(file).pixels == one).all() for file, one in zip(files, seen))
written = [image.encode(picture, kind, record={}) for kind in ("png", "tiff")]
same = same and all((image.read(file).pixels == picture.pixels).all() for file in written)
os._exit(0 if same else 3)
"""


def test_a_forked_process_reads_and_writes_what_its_parent_does() -> None:
    assert subprocess.run([sys.executable, "-c", FORK], timeout=60, check=False).returncode == 0


# --- arrays, tensors, PIL images, sizes ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.float16])
@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 3), (5, 6, 4)])
def test_arrays_come_back_as_they_were(dtype: Any, shape: tuple[int, ...]) -> None:
    array = noise(*shape, dtype=np.uint16 if dtype != np.uint8 else np.uint8)
    if np.dtype(dtype).kind == "f":
        array = (array / 65535).astype(dtype)
    channels = shape[2] if len(shape) == 3 else 0
    again = images.to_array(images.from_array(array[::-1]), dtype, channels)
    assert again.dtype == dtype
    np.testing.assert_allclose(again, array[::-1], atol=1e-6 if np.dtype(dtype).kind == "f" else 0)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4, 5), np.uint8), r"not \(3, 4, 5\)"),
        (np.zeros((0, 4, 3), np.uint8), r"not \(0, 4, 3\)"),
        (np.zeros(4, np.uint8), r"not \(4,\)"),
        (np.zeros((4, 4), np.int64), "not of int64"),
        (np.full((4, 4), 255.0), "not 255 to 255"),
        (np.full((4, 4), -0.5), "not -0.5 to"),
        (np.full((4, 4), np.nan), "not nan to nan"),
    ],
)
def test_arrays_that_are_no_pictures(array: NDArray[Any], message: str) -> None:
    with pytest.raises(PictureError, match=message):
        images.from_array(array)


def test_tensors() -> None:
    tensor = torch.rand(3, 4, 5, dtype=torch.float64)
    assert np.array_equal(images.from_tensor(tensor).pixels, tensor.float()[None].numpy())
    assert images.from_tensor(torch.tensor([1.0001]).expand(1, 3, 2, 2)).pixels.max() == 1
    for wrong in (torch.rand(4, 5), torch.rand(2, 3, 4, 5), torch.rand(4, 4, 3), torch.zeros(3, 0, 2)):
        with pytest.raises(PictureError, match="shape"):
            images.from_tensor(wrong)
    for wrong in (torch.full((3, 2, 2), 255.0), torch.full((3, 2, 2), float("nan")), torch.ones(3, 2, 2).byte()):
        with pytest.raises(PictureError, match=r"in \[0, 1\]"):
            images.from_tensor(wrong)
    with pytest.raises(PictureError, match="alpha"):
        Picture(np.zeros((1, 3, 2, 2), np.float32), np.zeros((1, 1, 2, 3), np.float32))
    with pytest.raises(PictureError, match="array of int32"):
        images.to_array(Picture(np.zeros((1, 3, 2, 2), np.float32)), np.int32)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_pil_images_come_back_as_they_were(mode: str) -> None:
    image = Image.fromarray(noise(5, 7, len(mode)), mode)
    again = images.to_pil(images.from_pil(image))
    assert again.mode == mode
    np.testing.assert_array_equal(np.asarray(again), np.asarray(image))


def test_a_lazy_pil_image_is_not_spoilt() -> None:
    samples = noise(4, 4, 2, dtype=np.uint16)
    image = Image.open(io.BytesIO(png16(samples)))
    images.from_pil(image)
    np.testing.assert_array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(png16(samples)))))

"""More than eight bits per channel, which Pillow has not: reading, colour profiles, writing PNG and TIFF.

Arrays here are (H, W, C) of uint16 with 1 to 4 channels: grey, grey and alpha, RGB, RGBA.
"""

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from impasto.errors import PictureError

Samples = NDArray[np.uint16]
Floats = NDArray[np.float32]
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_FOREIGN_END = {"little": "B", "big": "L"}[sys.byteorder]
_ROWS_AT_ONCE = 64
DEFLATE_LEVEL = 3
"""Of zlib, for PNG and TIFF. A painting of 12 megapixels, by adain, took at the levels 1, 3 and 6, as PNG,
21.6, 21.3 and 19.5 MB in 0.8, 1.1 and 2.3 s of a CPU; with 16 bits 35.9, 34.7 and 33.6 MB in 1.0, 1.8 and 6.2 s."""
_TIFF_LIMIT = 2**32 - 2**20

# XYZ with the D50 white of colour profiles -> linear sRGB.
_XYZ_TO_SRGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)

_MATRIX_TAGS = {"rTRC", "gTRC", "bTRC", "rXYZ", "gXYZ", "bXYZ"}


# --- reading ---------------------------------------------------------------------------------------------------------


def raw_mode(image: ImageFile.ImageFile) -> str:
    """How Pillow will unpack the samples of a picture that is open but not decoded, such as "RGB;16B"; else ""."""
    arguments = image.tile[0].args if image.tile else None
    name = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return name if isinstance(name, str) else ""


def samples(image: ImageFile.ImageFile) -> Samples | None:
    """All 16 bits of a picture opened from a BytesIO and not yet decoded; None if Pillow has only 8 of them.

    Pillow unpacks 16-bit RGB by dropping the low byte of each sample. Told the opposite byte order it drops the high
    byte instead, so that two decodings give both, with Pillow's own filters, compressions, tiles and error checks.
    """
    mode = raw_mode(image)
    if image.mode.startswith("I;16"):
        return _with_colour_key(_grey(image, mode), image.info.get("transparency"))
    if mode == "LA;16B":
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]
        return np.ascontiguousarray(np.asarray(image)).view(">u2").astype(np.uint16)
    order = _byte_order(image, mode)
    if not order:
        return None
    again: ImageFile.ImageFile = Image.open(io.BytesIO(_stream_of(image).getvalue()), formats=[image.format or ""])
    _set_raw_mode(image, order)
    _set_raw_mode(again, {"B": "L", "L": "B", "N": _FOREIGN_END}[order])
    both = np.asarray(image).astype(np.uint16)
    both <<= 8
    both |= np.asarray(again)
    if mode.startswith("RGBa"):
        return _unpremultiplied(both)
    return _with_colour_key(both, image.info.get("transparency"))


def _stream_of(image: ImageFile.ImageFile) -> io.BytesIO:
    if not isinstance(image.fp, io.BytesIO):
        raise TypeError("a 16-bit picture is decoded from memory only")
    return image.fp


def _byte_order(image: ImageFile.ImageFile, mode: str) -> str:
    """ "B", "L" or "N" (as the machine) if the samples are 16-bit colours that can be unpacked as such, else ""."""
    tags = getattr(image, "tag_v2", None)
    if tags is not None and tags.get(284, 1) == 2 and set(tags.get(258, ())) == {16}:
        # Channels in planes of their own. Pillow takes uncompressed ones for 8-bit, which gives a wrong picture.
        if image.tile[0].codec_name != "raw":
            return ""
        if mode != "R":
            raise PictureError(
                "its 16-bit channels lie in separate planes and are not RGB; save it anew without planes"
            )
        return "L" if tags.prefix == b"II" else "B"
    return mode[-1] if mode[:-1] in ("RGB;16", "RGBX;16", "RGBA;16", "RGBa;16") else ""


def _set_raw_mode(image: ImageFile.ImageFile, order: str) -> None:
    """Have 16-bit samples unpacked in a byte order, colours as they are stored (RGBa, premultiplied, as RGBA)."""
    tiles = []
    for tile in image.tile:
        mode, *rest = (tile.args,) if isinstance(tile.args, str) else tile.args or ("",)
        mode = f"{mode.split(';')[0].replace('a', 'A')};16{order}"
        tiles.append(tile._replace(args=(mode, *rest) if rest else mode))
    image.tile = tiles


def _grey(image: ImageFile.ImageFile, mode: str) -> Samples:
    if mode == "I":
        # One channel declared as a plane of its own: Pillow cuts "I;16" down to "I", which is 32 bits.
        image.tile = [tile._replace(args=(image.mode, *(tile.args or ())[1:])) for tile in image.tile]
    grey = np.asarray(image).astype(np.uint16)[:, :, None]
    if mode == "I;12":
        grey = (grey << 4 | grey >> 8).astype(np.uint16)
    return ~grey if _is_inverted(image) else grey


def _with_colour_key(colour: Samples, key: Any) -> Samples:
    """PNG may name one colour that is transparent; Pillow compares only its high bytes."""
    if key is None or colour.shape[2] == 4:
        return colour
    opaque = (colour != np.asarray(key, np.int64).reshape(-1)).any(axis=2, keepdims=True)
    return np.concatenate([colour, opaque * np.uint16(65535)], axis=2)


def _unpremultiplied(both: Samples) -> Samples:
    alpha = both[:, :, 3:].astype(np.float32)
    colour = both[:, :, :3] * (65535 / np.maximum(alpha, 1))
    return np.concatenate([np.minimum(colour + 0.5, 65535).astype(np.uint16), both[:, :, 3:]], axis=2)


def fractions(values: NDArray[Any], maximum: int) -> Floats:
    """Numbers in [0, maximum], of any shape, as float32 in [0, 1]."""
    result: Floats = np.divide(values, maximum, dtype=np.float32)
    return result


def wide_grey(image: Image.Image, notes: list[str]) -> Floats | None:
    """Grey of 32 bits, of floats or with a sign, whose range no file format settles, by the narrowest that holds it.

    (H, W, 1) in [0, 1], or None for any other picture; appends to notes if no known range does. Raises PictureError on
    NaN.
    """
    values = _wide(image)
    if values is None:
        return None
    if not np.isfinite(values).all():
        raise PictureError("it holds values that are not numbers (NaN or infinity)")
    low, high = float(values.min()), float(values.max())
    whites = (1, 255, 65535) if values.dtype.kind == "f" else (127,) if values.itemsize == 1 else (65535,)
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is not None:
        grey = fractions(values[:, :, None], white)
    else:
        notes.append(f"its values {low:g} to {high:g} were stretched to black to white")
        grey = ((values[:, :, None].astype(np.float64) - low) / max(high - low, 1e-30)).astype(np.float32)
    return 1 - grey if _is_inverted(image) else grey


def _wide(image: Image.Image) -> NDArray[Any] | None:
    """(H, W), as what it is stored as: Pillow takes 32 bits without a sign for such with one, and of 8 bits the sign
    for a part of the number."""
    tags = getattr(image, "tag_v2", {})
    kind, bits = tags.get(339, (1,))[0], tags.get(258)
    if image.mode == "L" and (kind, bits) == (2, (8,)):
        return np.asarray(image).view(np.int8)
    if image.mode not in ("I", "F"):
        return None
    values = np.asarray(image)
    return values.view(np.uint32) if (image.mode, kind, bits) == ("I", 1, (32,)) else values


def _is_inverted(image: Image.Image) -> bool:
    """Whether a TIFF stores white as 0."""
    return bool(getattr(image, "tag_v2", {}).get(262) == 0)


# --- colour profiles -------------------------------------------------------------------------------------------------


def to_srgb(source: Samples, profile: bytes) -> Samples | None:
    """Colours of a grey or RGB profile made of curves and a matrix as RGB(A) in sRGB; None for any other profile.

    Pillow's colour management works in 8 bits. Profiles of curves and a matrix (sRGB, Adobe RGB, Display P3,
    ProPhoto, grey gammas) are what 16-bit pictures carry, and need no more than the formulas of ICC.1:2022.
    Colours outside sRGB are clipped. A damaged profile gives None too.
    """
    try:
        parts = _curves_and_matrix(profile, 1 if source.shape[2] <= 2 else 3)
    except (ValueError, IndexError, ZeroDivisionError, OverflowError, struct.error):
        return None
    return _converted(source, *parts) if parts else None


def _curves_and_matrix(profile: bytes, colours: int) -> tuple[list[Floats], Floats] | None:
    """Three tone curves as tables over all 65536 values, and the matrix from their results to linear sRGB."""
    tags = _profile_tags(profile)
    if profile[16:20] == b"GRAY" and colours == 1 and "kTRC" in tags and "A2B0" not in tags:
        names, matrix = ["kTRC"] * 3, np.eye(3)
    elif profile[16:20] == b"RGB " and tags.keys() >= _MATRIX_TAGS and "A2B0" not in tags:
        names = ["rTRC", "gTRC", "bTRC"]
        primaries = [struct.unpack(">3i", tags[name][8:20]) for name in ("rXYZ", "gXYZ", "bXYZ")]
        matrix = _XYZ_TO_SRGB @ np.array(primaries).T / 65536
    else:
        return None
    curves = [_curve(tags[name])(np.linspace(0, 1, 65536)).astype(np.float32) for name in names]
    return curves, matrix.astype(np.float32)


def _converted(source: Samples, curves: list[Floats], matrix: Floats) -> Samples:
    colours = 1 if source.shape[2] <= 2 else 3
    result = np.empty((*source.shape[:2], 3 + source.shape[2] - colours), np.uint16)
    result[:, :, 3:] = source[:, :, colours:]
    for top in range(0, len(source), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        channels = np.broadcast_to(source[rows, :, :colours], (*source[rows].shape[:2], 3))
        linear = np.stack([curve[channels[:, :, index]] for index, curve in enumerate(curves)], axis=2)
        linear = np.clip(linear @ matrix.T, 0, 1)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        result[rows, :, :3] = encoded * 65535 + 0.5
    return result


def _profile_tags(profile: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack(">I", profile[128:132])
    tags = {}
    for index in range(min(count, 100)):
        name, offset, length = struct.unpack(">4sII", profile[132 + 12 * index : 144 + 12 * index])
        tags[name.decode("latin-1")] = profile[offset : offset + length]
    return tags


def _curve(data: bytes) -> Curve:
    """A tone curve of an ICC profile, "curv" (a gamma or a table) or "para" (a formula), from [0, 1] to [0, 1]."""
    if data[:4] == b"para":
        return _parametric_curve(data)
    (count,) = struct.unpack(">I", data[8:12])
    if data[:4] != b"curv":
        raise ValueError("a tone curve of an unknown kind")
    table = np.frombuffer(data, ">u2", count, 12).astype(np.float64)
    if count == 0:
        return lambda x: x
    if count == 1:
        return lambda x: x ** (table[0] / 256)
    return lambda x: np.interp(x, np.linspace(0, 1, count), table / 65535)


def _parametric_curve(data: bytes) -> Curve:
    (kind,) = struct.unpack(">H", data[8:10])
    count = (1, 3, 4, 5, 7)[kind]
    values = [value / 65536 for value in struct.unpack(f">{count}i", data[12 : 12 + 4 * count])]
    gamma, *rest = values
    a, b, c, d, e, f = (rest + [0.0] * 6)[:6] if kind else (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if kind in (1, 2):
        # Kinds 1 and 2 bend where the power's base reaches zero; 2 adds a constant on both sides.
        c, d, e, f = 0.0, -b / a, c, c

    def curve(x: NDArray[np.float64]) -> NDArray[np.float64]:
        power = np.maximum(a * x + b, 0) ** gamma + e
        return np.clip(np.where(x >= d, power, c * x + f), 0, 1)

    return curve


# --- writing ---------------------------------------------------------------------------------------------------------


def encode_png(pixels: Samples, texts: dict[str, str]) -> bytes:
    """A 16-bit RGB or RGBA PNG in sRGB; texts go into iTXt chunks by keyword (Latin-1, 1 to 79 bytes)."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), _chunk(b"sRGB", b"\0")]
    for keyword, text in texts.items():
        chunks.append(_chunk(b"iTXt", keyword.encode("latin-1") + b"\0" * 5 + text.encode()))
    chunks += [_chunk(b"IDAT", part) for part in _filtered_and_compressed(pixels)]
    return b"".join([b"\x89PNG\r\n\x1a\n", *chunks, _chunk(b"IEND", b"")])


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


def _filtered_and_compressed(pixels: Samples) -> Iterator[bytes]:
    """Rows as differences to the row above (PNG's filter 2), deflated in parts."""
    compressor = zlib.compressobj(DEFLATE_LEVEL)
    above = np.zeros((1, pixels[0].size * 2), np.uint8)
    for top in range(0, len(pixels), _ROWS_AT_ONCE):
        block = pixels[top : top + _ROWS_AT_ONCE]
        rows = block.astype(">u2").reshape(len(block), -1).view(np.uint8)
        differences = rows - np.concatenate([above, rows[:-1]])
        filters = np.full((len(rows), 1), 2, np.uint8)
        if part := compressor.compress(np.concatenate([filters, differences], axis=1).tobytes()):
            yield part
        above = rows[-1:]
    yield compressor.flush()


def encode_tiff(pixels: NDArray[np.uint8] | Samples, description: str | None) -> bytes:
    """An 8- or 16-bit RGB or RGBA TIFF, deflated, with an ASCII description (tag 270)."""
    height, width, channels = pixels.shape
    differences = np.diff(pixels, axis=1, prepend=pixels.dtype.type(0)).astype(pixels.dtype.newbyteorder("<"))
    blocks = [differences[top : top + _ROWS_AT_ONCE] for top in range(0, height, _ROWS_AT_ONCE)]
    strips = [zlib.compress(block.tobytes(), DEFLATE_LEVEL) for block in blocks]
    sizes = [len(strip) for strip in strips]
    if sum(sizes) > _TIFF_LIMIT:
        raise PictureError("a TIFF holds at most 4 GB; write a PNG instead")
    offsets = [8, *(8 + np.cumsum(sizes[:-1])).tolist()]
    fields: dict[int, tuple[str, tuple[int, ...] | bytes]] = {
        256: ("I", (width,)),
        257: ("I", (height,)),
        258: ("H", (8 * pixels.itemsize,) * channels),
        259: ("H", (8,)),  # Adobe deflate
        262: ("H", (2,)),  # RGB
        273: ("I", tuple(offsets)),
        277: ("H", (channels,)),
        278: ("I", (_ROWS_AT_ONCE,)),
        279: ("I", tuple(sizes)),
        284: ("H", (1,)),  # channels side by side
        317: ("H", (2,)),  # differences along the row
    }
    if description is not None:
        fields[270] = ("s", description.encode("ascii") + b"\0")
    if channels == 4:
        fields[338] = ("H", (2,))  # alpha, not multiplied into the colours
    body = b"".join(strips)
    body += b"\0" * (len(body) % 2)
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + _directory(fields, 8 + len(body))


def _directory(fields: dict[int, tuple[str, tuple[int, ...] | bytes]], start: int) -> bytes:
    """TIFF's table of fields; values of more than four bytes follow it."""
    entries, overflow = b"", b""
    for tag, (kind, value) in sorted(fields.items()):
        packed = value if isinstance(value, bytes) else struct.pack(f"<{len(value)}{kind}", *value)
        count = len(value)
        if len(packed) > 4:
            where = start + 2 + 12 * len(fields) + 4 + len(overflow)
            overflow += packed + b"\0" * (len(packed) % 2)
            packed = struct.pack("<I", where)
        entries += struct.pack("<HHI", tag, {"s": 2, "H": 3, "I": 4}[kind], count) + packed.ljust(4, b"\0")
    return struct.pack("<H", len(fields)) + entries + b"\0" * 4 + overflow

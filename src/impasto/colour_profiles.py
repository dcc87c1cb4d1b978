"""Colour profiles: pictures of libvips in sRGB."""

import struct
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impasto.libvips import image_of, library, pixels

_KINDS = {1: "L", 3: "RGB", 4: "CMYK"}
_SPACES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}

_NEEDED = {
    "GRAY": {b"kTRC"},
    "RGB": {b"rTRC", b"gTRC", b"bTRC", b"rXYZ", b"gXYZ", b"bXYZ"},
}
_TABLES = {b"A2B0", b"A2B1", b"D2B0"}

# XYZ with the D50 white of colour profiles -> linear sRGB.
_XYZ_TO_SRGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)

Doubles = NDArray[np.float64]


def in_srgb(image: Any, profile: bytes, notes: list[str]) -> Any:
    """The colours of an image of 1, 3 or 4 channels, of 8 or 16 bits, as its profile says they are; a profile that does
    not fit, or is damaged, is noted and left out."""
    space = profile[16:20].decode("latin-1").strip()
    if not _is_sound(profile, space):
        notes.append("its colour profile is damaged and was ignored")
        return image
    kind = _KINDS[image.bands]
    if space == "RGB" and kind == "L":
        interpretation = "rgb16" if image.format == "ushort" else "srgb"
        image, kind = image.bandjoin([image, image]).copy(interpretation=interpretation), "RGB"
    if _SPACES.get(space) != kind:
        notes.append(f"its colour profile is for {space} and was ignored, as the picture is {kind}")
        return image
    if kind != "CMYK" and _changes_nothing(profile, image.bands):
        return image
    return _transformed(image, profile)


def without_inks(image: Any) -> Any:
    """CMYK of 8 bits that comes without a profile as RGB: the simplest inks, each of which absorbs one colour."""
    white = 255 - image[3]
    colours = white - (image.extract_band(0, n=3) * white / 255).rint()
    return colours.cast("uchar").copy(interpretation="srgb")


def _transformed(image: Any, profile: bytes) -> Any:
    if image.format == "ushort" and (parts := _curves_and_matrix(profile, image.bands)) is not None:
        return _by_formula(image, *parts)
    tagged = image.copy()
    tagged.set_type(library().GValue.blob_type, "icc-profile-data", profile)
    deep = tagged.icc_transform("srgb", embedded=True, intent="perceptual", depth=16)
    # Its own 8 bits are cut off, not rounded.
    return deep if image.format == "ushort" else (deep / 257).rint().cast("uchar").copy(interpretation="srgb")


@lru_cache(maxsize=16)
def _changes_nothing(profile: bytes, channels: int) -> bool:
    """Whether a profile is sRGB in all but name, so that the pixels need not pay its rounding."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(*[levels] * channels), axis=-1).reshape(-1, len(levels), channels)
    changed = pixels(_transformed(image_of(cube, "srgb" if channels == 3 else "b-w"), profile))
    return bool(np.abs(changed.astype(int) - cube).max() <= 1)


def _is_sound(profile: bytes, space: str) -> bool:
    """Whether libvips will apply it, which says nothing of one that it cannot."""
    try:
        tags = _tags(profile)
    except (ValueError, struct.error):
        return False
    return bool(tags.keys() & _TABLES) or tags.keys() >= _NEEDED.get(space, {b"A2B0"})


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """{name: what it holds}. Raises ValueError and struct.error for what is no profile, or cut short."""
    (count,) = struct.unpack_from(">I", profile, 128)
    if profile[36:40] != b"acsp" or count > 1000:
        raise ValueError("no profile")
    tags = {}
    for number in range(count):
        name, offset, length = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if offset + length > len(profile):
            raise ValueError("a tag is cut short")
        tags[name] = profile[offset : offset + length]
    return tags


# --- 16 bits, which lcms takes for a grid of 33 values a side ---------------------------------------------------------


def _by_formula(image: Any, curves: NDArray[np.float32], matrix: Doubles) -> Any:
    """What ICC.1:2022 says of profiles of curves and a matrix, which 16-bit pictures carry: Adobe RGB, Display P3,
    ProPhoto, grey gammas. Colours outside sRGB are clipped."""
    linear = image.maplut(image_of(curves, "multiband")).recomb(library().Image.new_from_array(matrix.tolist()))
    light = linear.clamp()
    encoded = (light <= 0.0031308).ifthenelse(12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (65535 * encoded).rint().cast("ushort").copy(interpretation="rgb16")


def _curves_and_matrix(profile: bytes, channels: int) -> tuple[NDArray[np.float32], Doubles] | None:
    """Three tone curves as tables of all 65536 values, (1, 65536, 3), and the matrix from their results to linear sRGB;
    None for a profile that is made otherwise, or damaged."""
    try:
        tags = _tags(profile)
        if channels == 1 and b"kTRC" in tags and not tags.keys() & _TABLES:
            names, matrix = [b"kTRC"] * 3, np.eye(3)
        elif channels == 3 and tags.keys() >= _NEEDED["RGB"] and not tags.keys() & _TABLES:
            names = [b"rTRC", b"gTRC", b"bTRC"]
            primaries = [struct.unpack(">3i", tags[name][8:20]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
            matrix = _XYZ_TO_SRGB @ np.array(primaries).T / 65536
        else:
            return None
        curves = [_curve(tags[name], np.linspace(0, 1, 65536)) for name in names]
    except (ValueError, IndexError, ZeroDivisionError, OverflowError, struct.error):
        return None
    return np.stack(curves, axis=-1).astype(np.float32)[None], matrix


def _curve(data: bytes, x: Doubles) -> Doubles:
    """A tone curve of an ICC profile, "curv" (a gamma or a table) or "para" (a formula), from [0, 1] to [0, 1]."""
    if data[:4] == b"para":
        return _parametric_curve(data, x)
    (count,) = struct.unpack(">I", data[8:12])
    if data[:4] != b"curv":
        raise ValueError("a tone curve of an unknown kind")
    table = np.frombuffer(data, ">u2", count, 12).astype(np.float64)
    if count < 2:
        return x ** (table[0] / 256) if count else x
    return np.interp(x, np.linspace(0, 1, count), table / 65535)


def _parametric_curve(data: bytes, x: Doubles) -> Doubles:
    (kind,) = struct.unpack(">H", data[8:10])
    count = (1, 3, 4, 5, 7)[kind]
    values = [value / 65536 for value in struct.unpack(f">{count}i", data[12 : 12 + 4 * count])]
    gamma, *rest = values
    a, b, c, d, e, f = (rest + [0.0] * 6)[:6] if kind else (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if kind in (1, 2):
        # Kinds 1 and 2 bend where the power's base reaches zero; 2 adds a constant on both sides.
        c, d, e, f = 0.0, -b / a, c, c
    power = np.maximum(a * x + b, 0) ** gamma + e
    return np.clip(np.where(x >= d, power, c * x + f), 0, 1)

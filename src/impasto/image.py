"""Pictures: files, bytes, PIL images and arrays to and from the one kind that impasto works on.

Inside, a picture is RGB in sRGB, float32, [0, 1], (1, 3, H, W), upright, a numpy array. Nothing else converts pixels.
Metadata of the input (camera, place, time) end here.
"""

import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from impasto import encoding, gallery, sizes
from impasto import record as records
from impasto.colour import luma
from impasto.decoding import Decoded, Floats, decode, decode_large, is_large
from impasto.device import CPU, check_memory, check_room
from impasto.engine.raster import Held, Raster, numbers, resized, whole
from impasto.engine.room import Room, Scratch, rounded
from impasto.errors import PictureError, reason_of
from impasto.files import check_output, replacing
from impasto.libvips import image_in_file, image_of
from impasto.picture_file import PictureFile, of_pil
from impasto.record import Record, check_path, explained, opened

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

DEFAULT_PIXEL_LIMIT = records.DEFAULT_PIXEL_LIMIT
Source = records.Source

_LONGEST_SIDE = {"JPEG": 65_500, "WebP": 16_383}
LARGE = 2**24  # pixels that no machine has too little memory for
WHOLE = 2**22
"""Pixels of the largest picture that is painted as numbers of 32 bits from beginning to end; of larger ones only what
is looked at is."""

fit = sizes.fit
FORMATS = gallery.FORMATS
Path_ = str | os.PathLike[str]


@dataclass(frozen=True)
class Picture:
    """One picture.

    colours: (1, 3, H, W) float32, RGB in sRGB, [0, 1]; or a raster of such, for a large one that is looked at part by
        part.
    alpha: (1, 1, H, W) float32, [0, 1], 1 where opaque; None for a picture without transparency.
    bits: 8 or 16, per channel of the source; floating-point sources count as 16.
    notes: what the user should hear about reading it, such as "animated: the first of 12 frames".
    """

    colours: Floats | Raster
    alpha: Floats | None = None
    bits: int = 8
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.colours, np.ndarray):
            shape = tuple(self.colours.shape)
            if len(shape) != 4 or shape[:2] != (1, 3) or 0 in shape:
                raise PictureError(f"a picture's pixels have the shape (1, 3, H, W), not {shape}")
        shape = (1, 3, *self.raster.size)
        if self.alpha is not None and self.alpha.shape != (1, 1, *shape[2:]):
            raise PictureError(f"a picture of {shape} has an alpha of (1, 1, H, W), not {tuple(self.alpha.shape)}")

    @property
    def raster(self) -> Raster:
        """The colours, to be looked at part by part."""
        return Held(self.colours) if isinstance(self.colours, np.ndarray) else self.colours

    @property
    def pixels(self) -> Floats:
        """(1, 3, H, W) float32: all of them, in memory."""
        if isinstance(self.colours, np.ndarray):
            return self.colours
        return np.require(self.colours.window(whole(self.colours)), np.float32, ["C", "W"])

    @property
    def height(self) -> int:
        return self.raster.size[0]

    @property
    def width(self) -> int:
        return self.raster.size[1]


# --- reading ---------------------------------------------------------------------------------------------------------


def read(source: Source, *, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Picture:
    """Read a picture from a path, the bytes of a file, or an open binary file.

    Reads JPEG, PNG, WebP, TIFF, BMP, GIF and AVIF; of several frames the first. The result is
    upright (EXIF orientation applied) and in sRGB (colour profile applied).
    pixel_limit: pixels (height x width) above which the header alone is read and the picture refused.
    Raises PictureError, one line that names the source and what is wrong with it.
    """
    with opened(source, pixel_limit) as file:
        if is_large(file):
            kept, bits, notes = decode_large(file)
            return Picture(kept, bits=bits, notes=notes)
        return from_decoded(_decoded(file))


def read_decoded(source: Source, *, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Decoded:
    """The same as numbers of the file's own depth, which are smaller where they wait or travel."""
    with opened(source, pixel_limit) as file:
        return _decoded(file)


def _decoded(file: PictureFile) -> Decoded:
    check_room(file.height, file.width, file.image.bands)
    return decode(file)


def from_pil(image: "Image") -> Picture:
    """A picture from any PIL image, treated as a file is: upright, in sRGB. Raises PictureError."""
    with explained("the PIL image"):
        return from_decoded(decode(of_pil(image)))


def on_white(picture: Picture) -> Picture:
    """The picture as it is seen on white paper, without transparency."""
    if picture.alpha is None:
        return picture
    pixels = picture.pixels * picture.alpha + 1 - picture.alpha
    return Picture(pixels, bits=picture.bits, notes=picture.notes)


def from_decoded(decoded: Decoded) -> Picture:
    """A picture from what was decoded of a file."""
    height, width, channels = decoded.samples.shape
    if height * width > WHOLE and channels in (1, 3) and decoded.samples.dtype.kind == "u":
        planes = np.broadcast_to(decoded.samples.transpose(2, 0, 1)[None], (1, 3, height, width))
        return Picture(Held(planes), bits=decoded.bits, notes=decoded.notes)
    return _from_channels(numbers(decoded.samples), decoded.bits, decoded.notes)


def _from_channels(channels: Floats, bits: int, notes: tuple[str, ...] = ()) -> Picture:
    """(H, W, 1 to 4) in [0, 1] -> Picture; 1 and 2 channels are grey, 2 and 4 end with alpha."""
    planes = np.ascontiguousarray(channels.transpose(2, 0, 1), np.float32)[None]
    count = planes.shape[1]
    alpha = planes[:, -1:].copy() if count in (2, 4) else None
    pixels = planes[:, :3] if count >= 3 else planes[:, :1].repeat(3, 1)
    return Picture(np.ascontiguousarray(pixels), alpha, bits, notes)


def numbers_of(picture: Picture) -> type[np.generic]:
    """What its samples are enough as: whole numbers of a file's own bits, fractions of a caller's array."""
    if picture.bits == 8:
        return np.uint8
    return np.float32 if isinstance(picture.colours, np.ndarray) else np.uint16


# --- writing ---------------------------------------------------------------------------------------------------------


def write(
    picture: Picture,
    path: Path_,
    *,
    bits: int | None = None,
    overwrite: bool = False,
    record: Record | None = None,
    sources: Sequence[Any] = (),
) -> None:
    """Write a picture as PNG, JPEG, WebP or TIFF, by the path's suffix, all of it or nothing.

    bits: 8 (as None) or, for PNG and TIFF, 16. record: how the picture was made, to be embedded. sources: files that
    are never overwritten; any other file is, if overwrite is set. See encode for the formats.
    Raises PictureError: unknown suffix, no such folder, file exists, disk full ...; an old file is then as it was.
    """
    target = check_target(path, overwrite=overwrite, sources=sources)
    try:
        kind, image = _to_be_written(picture, Path(path).suffix, bits)
        with replacing(target) as part, part.open("w+b") as file:
            encoding.save(image, file, kind, record)
    except OSError as error:
        raise PictureError(f"{path}: it cannot be written: {reason_of(error)}") from error
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def check_target(path: Path_, *, overwrite: bool = False, sources: Sequence[Any] = ()) -> Path:
    """The file that `write` would write, with links followed. Raises PictureError if it would not; leaves nothing."""
    with explained(records.name_of(path)):
        check_path(path)
    check_size(path, 1, 1)
    return check_output(path, overwrite=overwrite, sources=sources)


def check_size(path: Path_, height: int, width: int) -> None:
    """Raises PictureError if the suffix of `path` is of no format, or of one that does not hold so many pixels."""
    with explained(str(path)):
        _check_sides(_format(Path(path).suffix), height, width)


def _format(suffix: str) -> str:
    kind = FORMATS.get("." + suffix.lower().lstrip("."))
    if kind is None:
        raise PictureError(f"{suffix or 'no suffix'} is not a format to write; known are {', '.join(FORMATS)}")
    return kind


def encode(picture: Picture, format: str, *, bits: int | None = None, record: Record | None = None) -> bytes:  # noqa: A002
    """A picture as the bytes of a file.

    format: "png", "jpeg", "webp" or "tiff", or such a suffix. bits: 8 (as None) or 16. record: how it was made.
    JPEG is quality 95 without colour subsampling, over white where transparent; WebP is quality 95; others are exact.
    Raises PictureError: unknown format, 16 bits in JPEG or WebP, a side too long for the format, NaN in the pixels.
    """
    kind, image = _to_be_written(picture, format, bits)
    stream = io.BytesIO()
    encoding.save(image, stream, kind, record)
    return stream.getvalue()


def _to_be_written(picture: Picture, suffix: str, bits: int | None) -> tuple[str, Any]:
    """The format, and the pixels for libvips."""
    kind = _format(suffix)
    depth = 8 if bits is None else bits
    if depth not in (8, 16):
        raise PictureError(f"{bits} bits per channel cannot be written; choose 8 or 16")
    if depth == 16 and kind not in ("PNG", "TIFF"):
        raise PictureError(f"{kind} holds 8 bits per channel; PNG and TIFF hold 16")
    _check_sides(kind, picture.height, picture.width)
    if kind == "JPEG" and picture.alpha is not None:
        picture = on_white(picture)
    if isinstance(kept := picture.colours, Scratch) and picture.alpha is None:
        return kind, image_in_file(kept.path, depth)
    return kind, image_of(samples(picture, depth), "srgb" if depth == 8 else "rgb16")


def _check_sides(kind: str, height: int, width: int) -> None:
    if max(height, width) > (limit := _LONGEST_SIDE.get(kind, sys.maxsize)):
        raise PictureError(f"{kind} holds at most {limit} pixels a side, not {width} x {height}; PNG holds more")


def samples(picture: Picture, bits: int) -> NDArray[Any]:
    """(H, W, 3) or, with alpha, (H, W, 4) as uint8 or uint16, rounded to nearest."""
    if isinstance(kept := picture.colours, Room) and 8 * kept.pixels.itemsize == bits and picture.alpha is None:
        return np.ascontiguousarray(kept.pixels[0].transpose(1, 2, 0))
    parts = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha]
    channels = np.concatenate([part[0] for part in parts]) if len(parts) > 1 else parts[0][0]
    if not np.isfinite(channels).all():
        raise PictureError("the picture holds values that are not numbers (NaN or infinity)")
    levels = rounded(channels, np.dtype(np.uint8 if bits == 8 else np.uint16))
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


# --- arrays, tensors, PIL images -------------------------------------------------------------------------------------


def to_pil(picture: Picture) -> "Image":
    """An 8-bit PIL image, RGBA if the picture has alpha, else RGB."""
    from PIL import Image

    return Image.fromarray(samples(picture, 8))


def from_array(array: NDArray[Any]) -> Picture:
    """A picture from (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16 or floats in [0, 1].

    Raises PictureError, with the numbers, for any other shape, dtype or range.
    """
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PictureError(f"an array has the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}")
    channels = array.reshape(*array.shape[:2], -1)
    if array.dtype.kind == "f":
        return _from_channels(_in_range(channels.astype(np.float32)), 16)
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        raise PictureError(f"an array is of uint8, uint16 or floats in [0, 1], not of {array.dtype}")
    bits = 8 * array.dtype.itemsize
    return _from_channels(numbers(channels), bits)


def to_array(picture: Picture, dtype: DTypeLike = np.uint8, channels: int | None = None) -> NDArray[Any]:
    """The kind of array that from_array takes.

    dtype: uint8, uint16 or a float type ([0, 1]). channels: 0 for (H, W), 1 for (H, W, 1), 3 for (H, W, 3), 4 for
    (H, W, 4) with alpha 1 if the picture has none; None is 4 with alpha and 3 without. Raises PictureError otherwise.
    """
    kind = np.dtype(dtype)
    count = (3 if picture.alpha is None else 4) if channels is None else channels
    if count not in (0, 1, 3, 4) or (kind.kind, kind.itemsize > 2) not in (("u", False), ("f", False), ("f", True)):
        raise PictureError(f"a picture cannot become an array of {kind} with {count} channels")
    pixels, alpha = picture.pixels, picture.alpha if count == 4 else None
    if count < 3:
        pixels = luma(pixels)
    elif count == 4 and alpha is None:
        alpha = np.ones_like(pixels[:, :1])
    planes = pixels if alpha is None else np.concatenate([pixels, alpha], 1)
    array = planes[0].transpose(1, 2, 0).astype(np.float64)
    if kind.kind == "u":
        array = np.rint(np.clip(array, 0, 1) * (2 ** (8 * kind.itemsize) - 1))
    return np.ascontiguousarray((array[:, :, 0] if count == 0 else array).astype(kind))


def from_tensor(tensor: "Tensor") -> Picture:
    """A picture from (3, H, W) or (1, 3, H, W) of floats in [0, 1], on any device. Raises PictureError."""
    if not tensor.is_floating_point():
        raise PictureError(f"a tensor is of floats in [0, 1], not of {tensor.dtype}")
    pixels = tensor[None] if tensor.ndim == 3 else tensor
    if pixels.ndim != 4 or pixels.shape[:2] != (1, 3) or pixels.numel() == 0:
        raise PictureError(f"a tensor has the shape (3, H, W) or (1, 3, H, W), not {tuple(tensor.shape)}")
    return Picture(_in_range(pixels.detach().float().cpu().numpy()), bits=16)


def _in_range(values: Floats) -> Floats:
    """Clamp what rounding put outside [0, 1]; refuse what was never in it."""
    low, high = float(values.min()), float(values.max())
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise PictureError(f"floats are in [0, 1], not {low:g} to {high:g}; divide 8-bit values by 255")
    return values.clip(0, 1)


def resize(image: Floats, height: int, width: int) -> Floats:
    """(N, C, H, W) -> (N, C, height, width), both in [0, 1]: bicubic, antialiased. The same size is returned as is.

    Raises OutOfMemoryError, before any work, for a size that memory cannot hold.
    """
    if image.shape[-2:] == (height, width):
        return image
    if height * width > LARGE:
        check_memory(CPU, height, width, 2 * image.shape[0] * image.shape[1] * image.itemsize)
    return resized(image, height, width)

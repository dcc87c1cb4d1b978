"""What a picture's file shows: upright, in sRGB, whatever its channels, bits, colour profile and transparency.

Everything that looks at a picture decodes it here: painting, training, the check of data, thumbnails.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from impasto import record as records
from impasto.colour_profiles import in_srgb, without_inks
from impasto.engine.raster import Raster, Window, numbers
from impasto.engine.room import HELD, Scratch
from impasto.errors import PictureError
from impasto.libvips import pixels, strips
from impasto.picture_file import PictureFile, kind_of_image
from impasto.record import opened

if TYPE_CHECKING:
    from PIL.Image import Image

Floats = NDArray[np.float32]

_COLOURS = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb": 3, "rgb16": 3, "cmyk": 4, "lab": 3, "labs": 3}

_WIDE = ("char", "short", "uint", "int", "float")


@dataclass(frozen=True)
class Decoded:
    """What a file holds.

    samples: (H, W, 1 to 4) of uint8, uint16 or float32 in [0, 1]; 1 and 2 channels are grey, 2 and 4 end with alpha.
    notes: what the user should hear about it.
    """

    samples: NDArray[Any]
    notes: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        """8 or 16, per channel; floating-point samples count as 16."""
        return 8 if self.samples.dtype == np.uint8 else 16


def decode(file: PictureFile) -> Decoded:
    """The pixels of an open picture; of several frames the first. Raises nearly anything for what is damaged, for which
    `record.explained` has words."""
    notes: list[str] = []
    samples = _wide_grey(file, notes) if is_wide(file) else pixels(shown(file, notes))
    return Decoded(upright(samples, file.orientation), (*notes, *_about_metadata(file)))


def is_large(file: PictureFile) -> bool:
    """Whether it is kept in a file of its own while it is looked at."""
    image = file.image
    num_bytes = image.width * image.height * _COLOURS.get(image.interpretation, 3) * (1 + (image.format == "ushort"))
    return num_bytes > HELD and not file.has_alpha and not is_wide(file)


def decode_large(file: PictureFile) -> tuple[Raster, int, tuple[str, ...]]:
    """`decode` of a picture without opacity, a few rows at a time: the colours (1, 3, H, W), bits, notes."""
    notes: list[str] = []
    image = shown(file, notes)
    kept = Scratch(image.height, image.width, image.bands, np.uint8 if image.format == "uchar" else np.uint16)
    for top, rows in strips(image):
        kept.put(Window(top, 0, top + len(rows), image.width), rows)
    return Upright(kept, file.orientation), 8 * kept.kind.itemsize, (*notes, *_about_metadata(file))


@dataclass(frozen=True)
class Upright:
    """A picture as it should be seen, in three colours. stored: as it lies in its file. orientation: EXIF's."""

    stored: Scratch
    orientation: int | None

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.stored.size
        return (width, height) if self._lies else (height, width)

    def window(self, place: Window) -> Floats:
        height, width = self.size
        mirrored, inverted = self.orientation in (2, 3, 6, 7), self.orientation in (3, 4, 7, 8)
        top, bottom = (height - place.bottom, height - place.top) if inverted else (place.top, place.bottom)
        left, right = (width - place.right, width - place.left) if mirrored else (place.left, place.right)
        there = Window(left, top, right, bottom) if self._lies else Window(top, left, bottom, right)
        part = numbers(upright(self.stored.samples(there), self.orientation).transpose(2, 0, 1)[None])
        return part if part.shape[1] == 3 else np.broadcast_to(part, (1, 3, *place.size))

    @property
    def _lies(self) -> bool:
        return self.orientation in (5, 6, 7, 8)


def read_shown(
    source: records.Source, *, pixel_limit: int = records.DEFAULT_PIXEL_LIMIT, side: int | None = None
) -> "Image":
    """A picture as it is seen on white paper: RGB of 8 bits. Raises PictureError.

    side: pixels of a side that it will be reduced to; a JPEG is then decoded at no more than twice of that.
    """
    from PIL import Image

    with opened(source, pixel_limit) as file:
        samples = decode(file if side is None else file.reduced(side)).samples
    count = samples.shape[2]
    if samples.dtype != np.uint8 or count in (2, 4):
        channels = numbers(samples)
        if count in (2, 4):
            channels = channels[:, :, :-1] * channels[:, :, -1:] + 1 - channels[:, :, -1:]
        samples = np.rint(channels * 255).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(samples, (*samples.shape[:2], 3)).copy())


def shown(file: PictureFile, notes: list[str]) -> Any:
    """The libvips image of 1 to 4 channels of 8 or 16 bits in sRGB, as it is stored; appends to notes."""
    image = file.image
    colours = _COLOURS.get(image.interpretation, 0)
    is_usual = image.format in ("uchar", "ushort") or image.interpretation.startswith("lab")
    if not is_usual or not 0 < colours <= image.bands <= colours + 1:
        raise PictureError(f"it is {kind_of_image(image)}, which cannot be read; save it as 8- or 16-bit RGB")
    alpha = image[colours] if image.bands > colours and file.has_alpha else None
    image = image.extract_band(0, n=colours) if image.bands > colours else image
    if image.interpretation.startswith("lab"):
        image = image.colourspace("srgb")
    if image.interpretation == "cmyk" and image.format == "ushort":
        notes.append("16 bits per channel were read as 8")
        image = (image >> 8).cast("uchar")
    if file.profile is not None:
        image = in_srgb(image, file.profile, notes)
    if image.interpretation == "cmyk":
        image = without_inks(image)
    return image if alpha is None else image.bandjoin(alpha)


def is_wide(file: PictureFile) -> bool:
    """Whether it is grey of 32 bits, of floats or with a sign, whose range no file format settles."""
    return file.image.bands == 1 and file.image.format in _WIDE


def _wide_grey(file: PictureFile, notes: list[str]) -> Floats:
    """By the narrowest range that holds it: (H, W, 1) in [0, 1]; appends to notes if no known range does. Raises
    PictureError on NaN."""
    values = pixels(file.image)
    if not np.isfinite(values).all():
        raise PictureError("it holds values that are not numbers (NaN or infinity)")
    low, high = float(values.min()), float(values.max())
    whites = (1, 255, 65535) if values.dtype.kind == "f" else (127,) if values.itemsize == 1 else (65535,)
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is not None:
        grey: Floats = np.divide(values, white, dtype=np.float32)
    else:
        notes.append(f"its values {low:g} to {high:g} were stretched to black to white")
        grey = ((values.astype(np.float64) - low) / max(high - low, 1e-30)).astype(np.float32)
    return 1 - grey if file.is_inverted else grey


def upright(channels: NDArray[Any], orientation: int | None) -> NDArray[Any]:
    """(H, W, C) as it should be seen; orientation is EXIF's 1 to 8, anything else counts as 1."""
    if orientation in (5, 6, 7, 8):
        channels = channels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        channels = channels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        channels = channels[::-1]
    return channels


def _about_metadata(file: PictureFile) -> Iterator[str]:
    if file.orientation is None:
        yield "its EXIF data are damaged and were ignored"
    if file.frames > 1:
        is_paged = file.format == "TIFF"
        yield (
            f"several pages: the first of {file.frames}" if is_paged else f"animated: the first of {file.frames} frames"
        )

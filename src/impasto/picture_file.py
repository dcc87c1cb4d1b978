"""A picture's file, or a PIL image, as libvips sees it: its kind, what its header says, and its pixels where somebody
asks for them."""

import io
import logging
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto import exif, png_chunks
from impasto.errors import PictureError
from impasto.libvips import NUMBERS, field, has_threads, image_of, library, source_of

if TYPE_CHECKING:
    from PIL.Image import Image

# None other is ever called, whatever the bytes are.
_LOADERS = {
    "JPEG": "jpegload_source",
    "PNG": "pngload_source",
    "WEBP": "webpload_source",
    "TIFF": "tiffload_source",
    "GIF": "gifload_source",
    "AVIF": "heifload_source",
}

_TIFF_TAGS = (
    exif.WIDTH, exif.HEIGHT, exif.BITS, exif.PHOTOMETRIC, exif.CHANNELS, exif.EXTRA_SAMPLES, exif.SAMPLE_FORMAT,
)  # fmt: skip
_SAMPLE_KINDS = {1: "unsigned integers", 2: "signed integers", 3: "floating-point numbers"}

_MODES = {"L": "b-w", "LA": "b-w", "RGB": "srgb", "RGBA": "srgb", "CMYK": "cmyk", "I": "b-w", "F": "b-w"}

# What keeps Python's warnings and Pillow's log lines inside is global.
_lock = threading.Lock()


class UnknownFormatError(Exception):
    """Bytes of no kind of picture that can be read; its text names the kind, if it is a common one."""


class TooManyPixelsError(Exception):
    """Of a picture that is larger than its limit."""


@dataclass(frozen=True)
class PictureFile:
    """One file, or one PIL image.

    format: JPEG, PNG, WEBP, TIFF, BMP, GIF or AVIF; or what a PIL image came from. image: of libvips, of which no pixel
    has been decoded, and which can be decoded once. has_alpha: whether its last channel is opacity. is_inverted:
    whether it stores white as 0. frames: or pages. orientation: EXIF's, 1 to 8; None if the EXIF data are damaged.
    profile: the colour profile; b"" for one that is damaged. data: the file's bytes, or a map of them. path: of a file
    that is not held in memory.
    """

    format: str
    image: Any
    has_alpha: bool
    is_inverted: bool
    frames: int
    orientation: int | None
    profile: bytes | None
    data: Any = b""
    path: str = ""

    @property
    def width(self) -> int:
        return int(self.image.width)

    @property
    def height(self) -> int:
        return int(self.image.height)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as stored."""
        return self.width, self.height

    def reduced(self, side: int) -> "PictureFile":
        """The same; of a JPEG, decoded at a half, a quarter or an eighth of its size where no side becomes less than
        `side`, or less than one pixel."""
        if self.format != "JPEG":
            return self
        shrink = next((part for part in (8, 4, 2) if part * side <= min(self.size)), 1)
        return _with_libvips(self.data, self.format, self.path, shrink=shrink)

    def text(self, keyword: str) -> str | None:
        """Of a PNG, the text with this keyword; of others, the description."""
        if self.format == "PNG":
            return png_chunks.text(self.data, keyword)
        if self.format == "TIFF":
            description: str | None = field(self.image, "image-description")
            return description
        return exif.description(field(self.image, "exif-data") or b"")


# --- opening ---------------------------------------------------------------------------------------------------------


def identified(data: Any, path: str = "") -> PictureFile:
    """A file by its bytes, or a map of them: its header is read. path: of a file that is not held in memory.

    Raises UnknownFormatError, TooManyPixelsError, PictureError for samples that cannot be read, and nearly anything for
    what is damaged; `record.explained` has words for all of them.
    """
    kind = kind_of(data)
    # libvips has nothing for BMP here, nor for 12 bits of some TIFFs, and needs threads to read WebP.
    if kind == "BMP" or (kind == "WEBP" and not has_threads()):
        return _with_pillow(data, kind)
    try:
        return _with_libvips(data, kind, path)
    except Exception as error:
        if kind != "TIFF":
            raise
        samples = _kind_of_samples(data)
        if samples == "a TIFF of 1 channel of 12-bit unsigned integers":
            return _with_pillow(data, kind)
        if samples is None:
            raise UnknownFormatError from error
        raise PictureError(f"it is {samples}, which cannot be read; save it as 8- or 16-bit RGB") from error


def kind_of(data: Any) -> str:
    """The format that the first bytes promise. Raises UnknownFormatError."""
    head = bytes(data[:16])
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis", b"mif1"):
        return "AVIF"
    if head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"hev"):
        raise UnknownFormatError("HEIC, as phones take pictures")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    signs = {
        b"\xff\xd8\xff": "JPEG", png_chunks.SIGNATURE: "PNG", b"GIF87a": "GIF", b"GIF89a": "GIF", b"BM": "BMP",
        b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
    }  # fmt: skip
    kind = next((kind for sign, kind in signs.items() if head.startswith(sign)), None)
    if kind is None:
        raise UnknownFormatError
    return kind


def _with_libvips(data: Any, kind: str, path: str, *, shrink: int = 1) -> PictureFile:
    """shrink: 2, 4 or 8 for a JPEG at that part of its size."""
    parts = png_chunks.plain(data) if kind == "PNG" else []
    if len(parts) > 1:
        source = source_of(memoryview(data)[start:end] for start, end in parts if start < end)
    else:
        source = library().Source.new_from_file(path) if path else library().Source.new_from_memory(data)
    options = {"shrink": shrink} if shrink > 1 else {}
    image = library().Operation.call(_LOADERS[kind], source, access="sequential", fail_on="error", **options)
    # pyvips keeps memory that way, and so must it what the rows come from, for all that is made of them.
    image._references.append(source)
    tags = _tags(data) if kind == "TIFF" else {}
    is_png = kind == "PNG"
    return PictureFile(
        kind,
        image,
        # The fourth channel of a TIFF may be anything.
        has_alpha=bool(image.hasalpha()) and _number(tags, exif.EXTRA_SAMPLES) != 0,
        is_inverted=_number(tags, exif.PHOTOMETRIC) == 0,
        frames=png_chunks.frames(data) if is_png else 1 if kind == "JPEG" else int(field(image, "n-pages") or 1),
        orientation=1 if kind == "AVIF" else _orientation(image),  # upright already
        profile=png_chunks.profile(data) if is_png else field(image, "icc-profile-data"),
        data=data,
        path=path,
    )


def _orientation(image: Any) -> int | None:
    block = field(image, "exif-data")
    if not block:
        return int(field(image, "orientation") or 1)
    with suppress(ValueError):
        (orientation,) = exif.fields(block, (exif.ORIENTATION,)).get(exif.ORIENTATION, (1,))
        return orientation
    return None


def _tags(data: Any) -> dict[int, tuple[int, ...]]:
    try:
        return exif.fields(data, _TIFF_TAGS)
    except ValueError:
        return {}


def _number(tags: dict[int, tuple[int, ...]], tag: int) -> int | None:
    return next(iter(tags.get(tag, ())), None)


# --- through Pillow --------------------------------------------------------------------------------------------------


def _with_pillow(data: Any, kind: str) -> PictureFile:
    from PIL import Image

    logger, silence = logging.getLogger("PIL"), logging.NullHandler()
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.addHandler(silence)
        try:
            return of_pil(Image.open(io.BytesIO(bytes(data)), formats=[kind]))
        except Image.DecompressionBombError:
            raise TooManyPixelsError from None
        finally:
            logger.removeHandler(silence)


def of_pil(pil: "Image") -> PictureFile:
    """A PIL image as if it were a file. Raises nearly anything for what is damaged."""
    image, profile = _as_it_is(pil), pil.info.get("icc_profile")
    frames, orientation = 1, None
    # Damaged metadata raise nearly anything, and say nothing about the pixels.
    with suppress(Exception):
        orientation = int(pil.getexif().get(exif.ORIENTATION, 1))
    with suppress(Exception):
        frames = 1 if pil.format == "MPO" else int(getattr(pil, "n_frames", 1))
    return PictureFile(
        pil.format or "PIL",
        image,
        has_alpha=bool(image.hasalpha()),
        is_inverted=getattr(pil, "tag_v2", {}).get(exif.PHOTOMETRIC) == 0,
        frames=frames,
        orientation=orientation,
        profile=profile if isinstance(profile, bytes) else None,
    )


def _as_it_is(pil: "Image") -> Any:
    """The libvips image of what a PIL image holds."""
    is_packed = _raw_mode(pil) == "I;12"
    pil.load()
    if pil.mode.startswith("I;16"):
        grey = np.asarray(pil).astype(np.uint16)
        return image_of((grey << 4 | grey >> 8 if is_packed else grey)[:, :, None], "grey16")
    if pil.has_transparency_data:
        pil = pil.convert("LA" if pil.mode in ("LA", "La") else "RGBA")
    elif pil.mode not in _MODES:
        pil = pil.convert("L" if pil.mode == "1" else "RGB")
    samples = np.asarray(pil)
    return image_of(samples.reshape(*samples.shape[:2], -1), _MODES[pil.mode])


def _raw_mode(pil: "Image") -> str:
    """How Pillow will unpack the samples of a file that is open but not decoded; else ""."""
    tiles = getattr(pil, "tile", None)
    arguments = tiles[0].args if tiles else ""
    name = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return name if isinstance(name, str) else ""


# --- what samples are, and the samples -------------------------------------------------------------------------------


def _kind_of_samples(data: Any) -> str | None:
    """Those of a TIFF that libvips does not open, for a person; None if that cannot be told."""
    try:
        tags = exif.fields(data, _TIFF_TAGS)
        bits, samples = tags[exif.BITS], tags.get(exif.SAMPLE_FORMAT, (1,))
        channels = tags.get(exif.CHANNELS, (len(bits),))
        return _said(channels[0], max(bits), samples[0])
    except (ValueError, KeyError, IndexError):
        return None


def kind_of_image(image: Any) -> str:
    """What the samples of a libvips image are, for a person."""
    kind = np.dtype(NUMBERS.get(image.format, np.complex64))
    return _said(image.bands, 8 * kind.itemsize, {"u": 1, "i": 2, "f": 3}.get(kind.kind, 0))


def _said(channels: int, bits: int, kind: int) -> str:
    numbers = _SAMPLE_KINDS.get(kind, "numbers of an unknown kind")
    return f"a TIFF of {channels} channel{'s' if channels > 1 else ''} of {bits}-bit {numbers}"

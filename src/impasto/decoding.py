"""What a picture's file shows: upright, in sRGB, whatever its mode, bits, colour profile and transparency.

Everything that looks at a picture decodes it here: painting, training, the check of data, thumbnails.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from impasto import record as records
from impasto import sixteen_bit
from impasto.record import opened

_ORIENTATION = 0x0112

Floats = sixteen_bit.Floats


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


def decode(image: Image.Image) -> Decoded:
    """The pixels of an open picture; of several frames the first. Raises nearly anything for what is damaged, for which
    `record.explained` has words."""
    notes: list[str] = []
    samples = _upright(_decoded(image, notes), _orientation(image, notes))
    frames = _frame_count(image)
    if frames > 1:
        pages = image.format == "TIFF"
        notes.append(f"several pages: the first of {frames}" if pages else f"animated: the first of {frames} frames")
    return Decoded(samples, tuple(notes))


def read_shown(
    source: records.Source, *, pixel_limit: int = records.DEFAULT_PIXEL_LIMIT, side: int | None = None
) -> Image.Image:
    """A picture as it is seen on white paper: RGB of 8 bits. Raises PictureError.

    side: pixels of a side that it will be reduced to; a JPEG is then decoded at no more than twice of that.
    """
    with opened(source, pixel_limit) as image:
        if side is not None:
            image.draft("RGB", (side, side))
        samples = decode(image).samples
    count = samples.shape[2]
    if samples.dtype != np.uint8 or count in (2, 4):
        channels = fractions(samples)
        if count in (2, 4):
            channels = channels[:, :, :-1] * channels[:, :, -1:] + 1 - channels[:, :, -1:]
        samples = np.rint(channels * 255).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(samples, (*samples.shape[:2], 3)).copy())


def fractions(samples: NDArray[Any]) -> Floats:
    """uint8 or uint16 of any shape as float32 in [0, 1]; floats as they are."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32, copy=False)
    return sixteen_bit.fractions(samples, np.iinfo(samples.dtype).max)


def _decoded(image: Image.Image, notes: list[str]) -> NDArray[Any]:
    """Pixels in sRGB as (H, W, C); appends to notes."""
    if (wide := sixteen_bit.wide_grey(image, notes)) is not None:
        return wide
    profile = image.info.get("icc_profile")
    if isinstance(image, ImageFile.ImageFile) and isinstance(image.fp, io.BytesIO):
        if (samples := sixteen_bit.samples(image)) is not None:
            return _deep(samples, profile, notes)
        if ";16" in sixteen_bit.raw_mode(image):
            notes.append("16 bits per channel were read as 8")
    elif image.mode.startswith("I;16"):
        return _deep(np.asarray(image).astype(np.uint16)[:, :, None], profile, notes)
    return _shallow(image, profile, notes)


def _deep(samples: sixteen_bit.Samples, profile: bytes | None, notes: list[str]) -> NDArray[Any]:
    """16-bit pixels in sRGB; in 8 bits if only Pillow can apply the profile."""
    converted = sixteen_bit.to_srgb(samples, profile) if profile else samples
    if converted is not None:
        return converted
    notes.append("16 bits per channel were read as 8, as its colour profile needs it")
    rounded = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return _shallow(Image.fromarray(rounded.squeeze(2) if rounded.shape[2] == 1 else rounded), profile, notes)


def _shallow(image: Image.Image, profile: bytes | None, notes: list[str]) -> NDArray[np.uint8]:
    """Any mode of 8 bits or fewer as grey or RGB in sRGB, with alpha if the image has transparency."""
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
    elif image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile:
        image = _in_srgb(image, profile, notes)
    channels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    channels = channels.reshape(*channels.shape[:2], -1)
    if alpha is not None:
        channels = np.concatenate([channels, np.asarray(alpha)[:, :, None]], axis=2)
    return channels


def _in_srgb(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    """Apply an embedded profile; a profile that does not fit is noted and left out."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        if {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space) != image.mode:
            notes.append(f"its colour profile is for {space} and was ignored, as the picture is {image.mode}")
            return image
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
        converted = ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("its colour profile is damaged and was ignored")
        return image
    return image if converted is None or _changes_nothing(transform, image.mode) else converted


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a profile is sRGB in all but name, so that the pixels need not pay its rounding."""
    if mode not in ("L", "RGB"):
        return False
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    probe = Image.fromarray(cube) if mode == "RGB" else Image.fromarray(cube[:, :, 0].copy())
    changed = ImageCms.applyTransform(probe, transform)
    return changed is not None and bool(np.abs(np.asarray(changed, int) - np.asarray(probe.convert("RGB"))).max() <= 1)


def _orientation(image: Image.Image, notes: list[str]) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  (damaged metadata raise nearly anything, and say nothing about the pixels)
        notes.append("its EXIF data are damaged and were ignored")
        return 1


def _upright(channels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """(H, W, C) as it should be seen; orientation is EXIF's 1 to 8, anything else counts as 1."""
    if orientation in (5, 6, 7, 8):
        channels = channels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        channels = channels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        channels = channels[::-1]
    return channels


def _frame_count(image: Image.Image) -> int:
    """Frames or pages; 1 for a telephone's JPEG with a preview (MPO), and where the later ones are damaged."""
    try:
        return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    except Exception:  # noqa: BLE001  (as above)
        return 1

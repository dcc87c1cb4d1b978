"""Pictures that libvips does not open: PIL images that callers hand in, and the few kinds of files that need Pillow."""

import io
import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto import exif
from impasto.picture_file import PictureFile, TooManyPixelsError, image_of

if TYPE_CHECKING:
    from PIL.Image import Image

_INTERPRETATIONS = {"L": "b-w", "LA": "b-w", "RGB": "srgb", "RGBA": "srgb", "CMYK": "cmyk", "I": "b-w", "F": "b-w"}

# What keeps Python's warnings and Pillow's log lines inside is global.
_lock = threading.Lock()


class PILFile(PictureFile):
    """A PIL image as if it were a file."""

    def __init__(self, image: "Image") -> None:
        """Raises nearly anything for what is damaged."""
        self.format = image.format or "PIL"
        self._pil = image
        self.image = _as_it_is(image)

    def reduced(self, side: int) -> PictureFile:
        return self

    @property
    def frames(self) -> int:
        return 1 if self.format == "MPO" else int(getattr(self._pil, "n_frames", 1))

    @property
    def orientation(self) -> int:
        return int(self._pil.getexif().get(exif.ORIENTATION, 1))

    @property
    def profile(self) -> bytes | None:
        data = self._pil.info.get("icc_profile")
        return data if isinstance(data, bytes) else None

    @property
    def has_alpha(self) -> bool:
        return bool(self.image.hasalpha())

    @property
    def is_inverted(self) -> bool:
        return bool(getattr(self._pil, "tag_v2", {}).get(exif.PHOTOMETRIC) == 0)

    def text(self, keyword: str) -> str | None:
        return None


def opened(data: Any, kind: str) -> PictureFile:
    """A file that Pillow decodes: libvips has nothing for BMP here, nor for 12 bits of some TIFFs, and needs threads
    to read WebP."""
    from PIL import Image

    logger, silence = logging.getLogger("PIL"), logging.NullHandler()
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.addHandler(silence)
        try:
            return PILFile(Image.open(io.BytesIO(bytes(data)), formats=[kind]))
        except Image.DecompressionBombError:
            raise TooManyPixelsError from None
        finally:
            logger.removeHandler(silence)


def _as_it_is(image: "Image") -> Any:
    """The libvips image of what a PIL image holds."""
    is_packed = _raw_mode(image) == "I;12"
    image.load()
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.uint16)
        return image_of((grey << 4 | grey >> 8 if is_packed else grey)[:, :, None], "grey16")
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
    elif image.mode not in _INTERPRETATIONS:
        image = image.convert("L" if image.mode == "1" else "RGB")
    samples = np.asarray(image)
    return image_of(samples.reshape(*samples.shape[:2], -1), _INTERPRETATIONS[image.mode])


def _raw_mode(image: "Image") -> str:
    """How Pillow will unpack the samples of a file that is open but not decoded; else ""."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0].args if tiles else ""
    name = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return name if isinstance(name, str) else ""

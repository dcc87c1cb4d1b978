"""Other files of a picture: small, or as JPEG. For the operator's styles and what impasto painted, not for uploads:
these are decoded by the painting process alone."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from impasto.decoding import read_shown
from impasto.errors import PictureError
from impasto.record import read_record, to_exif

THUMBNAIL_SIDE = 256
"""Pixels of a thumbnail's longer side."""


@lru_cache(maxsize=256)
def style_thumbnail(path: Path) -> bytes:
    """Of a style of the operator's, as JPEG."""
    return thumbnail(path)


def thumbnail(source: Path | bytes) -> bytes:
    """A small JPEG file. Raises PictureError."""
    small = read_shown(source, side=THUMBNAIL_SIDE)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return _saved(small, quality=85)


def jpeg(painting: bytes) -> bytes:
    """A painting of impasto's as JPEG, with its record, encoded as `image.encode` does. Raises PictureError."""
    try:
        exif = to_exif(read_record(painting))
    except PictureError:
        # The best so far of a painting that was stopped has none.
        exif = b""
    return _saved(read_shown(painting), quality=95, subsampling=0, exif=exif)


def _saved(picture: Image.Image, **how: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", **how)
    return stream.getvalue()

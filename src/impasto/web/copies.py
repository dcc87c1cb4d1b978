"""Other files of a picture: small, or as JPEG. For the operator's styles and what impasto painted, not for uploads:
these are decoded by the painting process alone."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps

from impasto.errors import PictureError
from impasto.record import opened, read_record, to_exif

THUMBNAIL_SIDE = 256
"""Pixels of a thumbnail's longer side."""


@lru_cache(maxsize=256)
def style_thumbnail(path: Path) -> bytes:
    """Of a style of the operator's, as JPEG."""
    return thumbnail(path)


def thumbnail(source: Path | bytes) -> bytes:
    """A small JPEG file. Raises PictureError."""
    with opened(source) as picture:
        picture.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        small = _on_white(ImageOps.exif_transpose(picture))
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return _saved(small, quality=85)


def jpeg(painting: bytes) -> bytes:
    """A painting of impasto's as JPEG, with its record, encoded as `image.encode` does. Raises PictureError."""
    try:
        exif = to_exif(read_record(painting))
    except PictureError:
        # The best so far of a painting that was stopped has none.
        exif = b""
    with opened(painting) as picture:
        whole = _on_white(picture)
    return _saved(whole, quality=95, subsampling=0, exif=exif)


def _on_white(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    whole = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")


def _saved(picture: Image.Image, **how: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", **how)
    return stream.getvalue()

"""Where pictures are dropped. gradio's components open what they are sent; here they pass on its path on the shelf."""

from typing import Any, Literal

import gradio as gr
from gradio.data_classes import FileData
from PIL import Image

from impasto.errors import PictureError
from impasto.record import Named, opened
from impasto.service.limits import MEGA, Limits
from impasto.sizes import largest_side

SHOWN = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
"""Formats that browsers show."""
ORIENTATION = 0x0112
"""EXIF's tag for how a picture is turned."""
ON_THE_SIDE = (5, 6, 7, 8)
"""Its values for pictures whose width becomes the height."""
DROP = 130
"""Pixels of a place to drop files on."""


def photo_drop(**how: Any) -> Any:
    """One picture, shown; its value is a path or None."""
    one: Any = gr.Image(
        type="filepath", image_mode=None, format="png", sources=["upload", "clipboard"], buttons=[], **how
    )
    # Not a class of its own, which gradio takes for somebody else's and looks for its scripts.
    one.preprocess = lambda payload: None if payload is None else payload.path
    return one


def file_drop(count: Literal["single", "multiple"] = "multiple", **how: Any) -> Any:
    """Pictures, by name; the value is a list of paths, for one as for many."""
    some: Any = gr.File(file_types=["image"], file_count=count, elem_classes="drop", **how)
    some.preprocess = _paths
    return some


def _paths(payload: Any) -> list[str]:
    if payload is None:
        return []
    return [payload.path] if isinstance(payload, FileData) else [one.path for one in payload]


def size_of(photo: bytes, limits: Limits) -> tuple[int, int]:
    """(width, height) as a browser shows it, by the header. Raises PictureError for what is no picture, or none that a
    browser shows."""
    with opened(Named(photo, "photo"), round(limits.megapixels * MEGA)) as picture:
        width, height = picture.size
        # Not the format's own `getexif`, which for PNG decodes the whole picture.
        turned = Image.Image.getexif(picture).get(ORIENTATION) in ON_THE_SIDE
    if picture.format not in SHOWN:
        raise PictureError(f"browsers do not show {picture.format}; here it must be one of {', '.join(SHOWN)}")
    return (height, width) if turned else (width, height)


def fitting_side(size: tuple[int, int], limits: Limits) -> int | None:
    """The longer side of the largest painting of this photo that the server paints; None if its own size fits."""
    pixels = size[0] * size[1]
    limit = limits.result_megapixels * MEGA
    return None if pixels <= limit else largest_side(*size, limit)

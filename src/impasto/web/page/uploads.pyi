"""Where pictures are dropped. gradio's own components open what they are sent; these pass on its path on the shelf."""

from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from impasto.errors import PictureError
from impasto.record import opened
from impasto.service.limits import MEGA, Limits
from impasto.service.request import Named

SHOWN = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
"""Formats that browsers show."""

from gradio.events import Dependency

class Photo(gr.Image):
    """One picture, shown."""

    def __init__(self, **how: Any) -> None:
        super().__init__(
            type="filepath", image_mode=None, format="png", sources=["upload", "clipboard"], buttons=[], **how
        )

    def preprocess(self, payload: Any) -> str | None:
        return None if payload is None else payload.path
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class Files(gr.File):
    """Pictures, by name. Its value is a list, for one as for many."""

    def __init__(self, count: str = "multiple", **how: Any) -> None:
        """count: multiple or single."""
        super().__init__(file_types=["image"], file_count=count, **how)

    def preprocess(self, payload: Any) -> list[str]:
        if payload is None:
            return []
        return [payload.path] if isinstance(payload, FileData) else [one.path for one in payload]
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


def size_of(photo: bytes, limits: Limits) -> tuple[int, int]:
    """(width, height) by the header. Raises PictureError for what is no picture, or none that a browser shows."""
    with opened(Named(photo, "photo"), round(limits.megapixels * MEGA)) as picture:
        if picture.format not in SHOWN:
            raise PictureError(f"browsers do not show {picture.format}; here it must be one of {', '.join(SHOWN)}")
        return picture.size


def fitting_side(size: tuple[int, int], limits: Limits) -> int | None:
    """The longer side of the largest painting of this photo that the server paints; None if its own size fits."""
    pixels = size[0] * size[1]
    limit = limits.result_megapixels * MEGA
    return None if pixels <= limit else int(max(size) * (limit / pixels) ** 0.5)
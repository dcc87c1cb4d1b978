"""Masks that are painted in the browser, on a canvas of the page's own.

gradio's ImageEditor needs WebGL, keeps what it is sent in the server's memory until somebody asks for it, and decodes
it in the server's process. Here the mask alone is sent, with the wish to paint, and decoded where every picture is.
"""

import base64
import binascii
from importlib.resources import files
from typing import Any

import gradio as gr

from impasto.errors import OptionError

PREFIX = "data:image/png;base64,"


def canvas(name: str, **how: Any) -> Any:
    """A photo to paint on, whose value is {"photo": address, "mask": data URL or ""}.

    name: what is painted here, for those who do not see it.
    """
    folder = files("impasto.web.page")
    return gr.HTML(
        blank(""),
        html_template=(folder / "canvas.html").read_text().replace("{name}", name),
        js_on_load=(folder / "canvas.js").read_text(),
        apply_default_css=False,
        **how,
    )


def blank(photo: str) -> dict[str, str]:
    """The value of a canvas on which nothing is painted yet. photo: its address."""
    return {"photo": photo, "mask": ""}


def painted(value: Any) -> bytes | None:
    """The PNG file of a canvas's value; None if nothing was painted. Raises OptionError for what no canvas sends."""
    mask = value.get("mask") if isinstance(value, dict) else None
    if not mask:
        return None
    try:
        if not isinstance(mask, str) or not mask.startswith(PREFIX):
            raise ValueError
        return base64.b64decode(mask.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise OptionError("a mask is no PNG file") from error


def places(values: list[Any]) -> tuple[bytes | None, ...]:
    """Masks of several styles, as a request has them: at most one style may go where no other does.

    Raises OptionError.
    """
    masks = tuple(painted(value) for value in values)
    if not any(masks):
        raise OptionError("paint where the styles go, or have them everywhere")
    if masks.count(None) > 1:
        raise OptionError("only one style can go where nothing is painted; paint places for the others")
    return masks

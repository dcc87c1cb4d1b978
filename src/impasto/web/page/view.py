"""A finished painting over its photo, and the strip of those of this visit, as HTML that any keyboard reaches.

gradio's ImageSlider is moved by a pointer alone and says nothing to a screen reader.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from impasto.options import Options, choosable
from impasto.web.page.gate import file_url
from impasto.web.page.shelf import Copies

EMPTY = '<p class="empty">Your painting will be here.</p>'
STRIP = 24
"""Paintings of a visit that are shown."""


@dataclass(frozen=True)
class Painted:
    """A painting of this visit. photo: its path on the shelf. caption: how it was painted."""

    photo: str
    copies: Copies
    caption: str


# Functions, not classes: beside a class made from one of gradio's, gradio writes a file.


def before_and_after(**how: Any) -> Any:
    """A painting, of which a slider uncovers the photo."""
    return gr.HTML(
        EMPTY,
        js_on_load="""element.addEventListener('input', event => {
          if (event.target.matches('.uncover'))
            event.target.closest('.pair').style.setProperty('--at', `${event.target.value}%`)
        })""",
        apply_default_css=False,
        **how,
    )


def strip_of_paintings(**how: Any) -> Any:
    """Small pictures to press; the event `press` has their `index`."""
    return gr.HTML(
        "",
        js_on_load="""element.addEventListener('click', event => {
          const button = event.target.closest('button[data-index]')
          if (button) trigger('press', {index: Number(button.dataset.index)})
        })""",
        apply_default_css=False,
        **how,
    )


def result(painted: Painted) -> str:
    """For `before_and_after`."""
    photo, png, jpeg = (file_url(path) for path in (painted.photo, painted.copies.png, painted.copies.jpeg))
    return f"""<figure class="result"><div class="pair">
<img src="{png}" alt="The painting"><img class="photo" src="{photo}" alt="The photo" draggable="false">
<input class="uncover" type="range" min="0" max="100" value="0" aria-label="How much of the photo is uncovered">
</div><figcaption>{escape(painted.caption)}</figcaption>
<p class="links"><a class="button" href="{png}" download>Download PNG</a>
<a class="button" href="{jpeg}" download>Download JPEG</a></p></figure>"""


def preview(data: bytes) -> str:
    """How a painting looks so far. data: a JPEG file."""
    return f"""<figure class="result"><div class="pair">
<img src="data:image/jpeg;base64,{base64.b64encode(data).decode()}" alt="The painting so far"></div></figure>"""


def strip(paintings: Sequence[Painted]) -> str:
    """The newest first."""
    items = [
        f'<li><button type="button" data-index="{index}"><img src="{file_url(one.copies.small)}" alt="">'
        f"<span>{escape(one.caption)}</span></button></li>"
        for index, one in enumerate(paintings)
    ]
    return f'<h2>This visit</h2><ul class="strip">{"".join(items)}</ul>' if items else ""


def caption(options: Options, styles: Sequence[str]) -> str:
    """Styles, method, and whatever is not as it is by default."""
    changed = [
        f"{item.name.replace('_', ' ')} {value:g}" if isinstance(value, float) else
        f"{item.name.replace('_', ' ')} {value}"
        for item in choosable(options)
        if (value := getattr(options, item.name)) != item.default
    ]  # fmt: skip
    return " · ".join([*([" + ".join(styles)] if styles else []), options.method, *changed])

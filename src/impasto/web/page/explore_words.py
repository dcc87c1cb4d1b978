"""What the Explore tab says and shows."""

import base64
from html import escape

from impasto.options import Options
from impasto.service import Result

INTRODUCTION = (
    "<p>Click a place in your photo: the painting stays bright where the network finds the same thing, and a ring marks"
    " the best match. The attention style loss takes the style of each place from there.</p>"
)
BEGIN = "Drop a photo to begin."
LOOKING = "Looking"
GO_ON = "Click another place, or change what is compared."
PLACE = ("From the left, in percent", "From the top, in percent")
LAYERS = (
    ("relu1_1", "colours and edges"),
    ("relu2_1", "fine texture"),
    ("relu3_1", "patterns"),
    ("relu4_1", "parts of things, as painting does"),
    ("relu5_1", "whole things"),
)
DIRECTIONS = (("A2B", "A to B"), ("B2A", "B to A"))


def figures(found: Result, place: tuple[float, float], options: Options) -> str:
    """The content with the place, and what it looks at, as HTML that refers to nothing."""
    where = f"{place[0]:g} % from the left, {place[1]:g} % from the top"
    what = "painting" if options.takes_styles else "photo"
    best = "; the ring is the best match" if options.takes_styles else "; the ring is the place itself"
    beside = found.beside or b""
    return (
        '<div class="explore-pair">'
        + _figure(found.media_type, beside, f"The photo with a dot {where}", f"The place: {where}.")
        + _figure(found.media_type, found.data, f"The {what}, bright where the place looks", f"Where it looks{best}.")
        + "</div>"
    )


def _figure(media_type: str, data: bytes, alt: str, caption: str) -> str:
    source = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return f'<figure><img src="{source}" alt="{escape(alt)}"><figcaption>{escape(caption)}</figcaption></figure>'

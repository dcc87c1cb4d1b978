"""What the Explore tab says, and how it looks."""

import base64
from html import escape

from impasto.options import StylizeOptions
from impasto.service import Result, Snapshot, Status

INTRODUCTION = (
    "<p>Click a place in your photo: the painting stays bright where the network finds the same thing, and a ring marks"
    " the best match. The attention style loss takes the style of each place from there.</p>"
)
BEGIN = "Drop a photo to begin."
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

CSS = """
.explore p { margin: 0 0 .5rem; }
.explore-pair { display: flex; flex-wrap: wrap; gap: 1rem; }
.explore-pair figure { flex: 1 1 15rem; margin: 0; min-width: 0; }
.explore-pair img { display: block; width: 100%; height: auto; border-radius: .5rem; }
.explore-pair figcaption { margin-top: .4rem; color: var(--body-text-color-subdued); }
#explore-note p { min-height: 1.5em; margin: 0; }
#explore-note .bad { color: var(--error-text-color); }
#explore-photo img { cursor: crosshair; }
#explore-styles label { flex-direction: column-reverse; align-items: center; justify-content: start; width: 6.2rem;
  padding: 5rem .4rem .4rem; background-repeat: no-repeat; background-size: calc(100% - .8rem) 4.2rem;
  background-position: center .4rem; }
"""


def said(text: str, kind: str = "quiet") -> str:
    """A sentence of impasto's, which begins small and ends without a full stop, or one of the tab's own. kind: quiet,
    busy or bad."""
    sentence = f"{text[:1].upper()}{text[1:].rstrip('.')}." if text and not text.endswith("…") else text
    return f'<p class="{kind}" role="status">{escape(sentence)}</p>'


def waiting(job: Snapshot) -> str:
    """Of a job that is not final."""
    if job.status is Status.QUEUED and job.position:
        before = "one picture comes" if job.position == 1 else f"{job.position} pictures come"
        return said(f"In the queue: {before} first", "busy")
    return said("Looking …", "busy")


def figures(found: Result, place: tuple[float, float], options: StylizeOptions) -> str:
    """The content with the place, and what it looks at, as HTML that refers to nothing."""
    where = f"{place[0]:g} % from the left, {place[1]:g} % from the top"
    what = "painting" if options.takes_style else "photo"
    best = "; the ring is the best match" if options.takes_style else "; the ring is the place itself"
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

"""Seeing what attention sees: where places of a content look in a style (paper 001, section 3.4 and Figure 4), and
where those of a photo look in itself (paper 000, Figure 6). Asked, drawn as a figure, and as a page to point at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from impasto import api, image, tensors
from impasto.attention import photo as photos
from impasto.attention import style as styles
from impasto.attention.maps import Place
from impasto.errors import OptionError
from impasto.methods import METHODS, StylizeOptions, Stylizer, combined, options_of
from impasto.options import Options, TranslationOptions
from impasto.report.page import render
from impasto.report.sheets import data_url, grid, png
from impasto.sources import Source, as_picture

Attention = photos.PhotoAttention | styles.StyleAttention
"""Where places of a content look. at: where others do. num_bytes: of memory. hint: what a page says to whoever points.
rows, columns: of a figure. panels: pictures beside the content on the page. Each has a name, an alt, a picture and
data: None; {cell, map}, the match in it of every position of the content; or {across, down, tiles}, light on it for
each place of a grid."""

__all__ = ["Attention", "attention", "draw", "overlay", "page", "prepare"]


def attention(
    content: Source,
    style: Source | None = None,
    places: Sequence[str | Place] = (),
    options: Options | None = None,
    **how: Any,
) -> Attention:
    """Where places of the content look: in the style, or in the content itself (a trained generator).

    places: (x, y) in pixels of the content as it was given, or texts like "120,80" and "50%,20%". The rest: as
    `prepare` takes it. Raises OptionError.
    """
    return prepare(content, style, options, **how).at(places)


def prepare(
    content: Source | image.Picture,
    style: Source | image.Picture | None = None,
    options: Options | None = None,
    *,
    stylizer: Stylizer | None = None,
    weights: Path | None = None,
    baseline: Path | None = None,
    **choices: Any,
) -> Attention:
    """A content, and a style if the method looks in one, as attention sees them, to be asked about any places.

    options, choices: of the method, which is the stylizer's or, if they name none, the first that shows attention.
    stylizer: from `impasto.load`. weights: a file of the method's own, unless there is a stylizer. baseline: generators
    of another method, which paint the same photo beside it.
    Raises PictureError, OptionError, WeightsError, OutOfMemoryError.
    """
    looking = [name for name in METHODS if options_of(name).looks_in]
    if options is None:
        name = stylizer.method if stylizer else choices.get("method", looking[0])
        options = StylizeOptions(name, **options_of(name).look_usual)
    options = combined(options, choices)
    method: Any = stylizer or api.load(options.method, weights=weights)
    if not options_of(method.method).looks_in:
        raise OptionError(f"method is '{method.method}', but attention is shown of {', '.join(looking)}")
    picture = as_picture(content)
    if options.looks_in == "content":
        assert isinstance(options, TranslationOptions)
        return photos.prepare(picture, options, method, baseline)
    if style is None:
        raise OptionError("style names no painting to look in")
    return styles.prepare(picture, as_picture(style), options, method)


def draw(attention: Attention, *, overall: bool = False) -> Image.Image:
    """A row for each place. overall: and rows of what all places look at."""
    names, rows = zip(*attention.rows(overall=overall), strict=True)
    return grid(rows, attention.columns, names)


def overlay(prepared: Attention, place: str | Place) -> Image.Image:
    """The painting, or the photo itself, bright where one place looks, at the first of several layers.

    place: as `attention` takes it. Raises OptionError.
    """
    return prepared.at([place]).lit(0)


def page(attention: Attention, title: str = "Attention") -> str:
    """HTML that needs no server and no network: pictures and maps are inside it."""
    panels = [
        {"name": panel["name"], "alt": panel["alt"], "url": _url(panel["picture"]), "data": panel["data"]}
        for panel in attention.panels()
    ]
    return render(
        "attention.html", title=title, hint=attention.hint, name=attention.columns[0], panels=panels,
        content=_url(image.to_pil(tensors.to_picture(attention.content))), figure=_url(draw(attention, overall=True)),
    )  # fmt: skip


def _url(picture: Image.Image) -> str:
    return data_url(png(picture))

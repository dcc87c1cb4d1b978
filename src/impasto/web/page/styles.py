"""Which styles, how much of each, and where: a gallery, uploads, and a place for each that is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePosixPath
from typing import Any

import gradio as gr

from impasto.errors import OptionError
from impasto.service import Offer
from impasto.web.page import masks
from impasto.web.page.gate import file_url, style_url
from impasto.web.page.shelf import Shelf
from impasto.web.page.uploads import DROP, file_drop

MOST = 6
"""Styles that the page has places for, if the server takes as many."""
EVERYWHERE, PLACES = "everywhere, mixed by weight", "each in a place that I paint"


@dataclass(frozen=True)
class Style:
    """name: of one of the server's; or path: of an upload."""

    name: str = ""
    path: str = ""

    @property
    def called(self) -> str:
        return _words(self.name) or PurePosixPath(self.path).stem

    @property
    def picture(self) -> str:
        return style_url(self.name) if self.name else file_url(self.path)


@dataclass(frozen=True)
class Chosen:
    """For a request. blend: the option `style_blend`. called: what people call them."""

    styles: tuple[str | bytes, ...]
    masks: tuple[bytes | None, ...]
    blend: str
    called: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """What stands beside one chosen style."""

    group: Any
    card: Any
    weight: Any
    canvas: Any


class Styles:
    """Components, built where gradio is building now. places: as gr.State, the styles in the order of the places, None
    where a place is empty; a style keeps its place as long as it is chosen, and with it its weight and mask."""

    def __init__(self, offer: Offer, most: int) -> None:
        self.most = min(MOST, most)
        names = list(offer.styles)
        self.gallery = gr.CheckboxGroup(
            readable(names), value=names[:1], label="Styles", elem_id="gallery",
            elem_classes="gallery", info=f"One, or up to {self.most} that are mixed",
        )  # fmt: skip
        self.own = file_drop(label="Paintings of my own", elem_id="own-styles", height=DROP)
        self.where = gr.Radio(
            [EVERYWHERE, PLACES], value=EVERYWHERE, label="Where they go", elem_id="where",
        )  # fmt: skip
        start: list[Style | None] = [Style(name=name) for name in names[:1]]
        self.places = gr.State(start + [None] * (self.most - len(start)))
        self.rows = [self._row(number, visible=number == 0 and bool(start)) for number in range(self.most)]

    def _row(self, number: int, *, visible: bool) -> Place:
        with gr.Group(visible=False, elem_classes="place") as group:
            card = gr.HTML("", apply_default_css=False)
            weight = gr.Slider(
                0, 1, value=1, step=0.05, label=f"Weight of style {number + 1}", elem_id=f"weight-{number + 1}"
            )
            canvas = masks.canvas(
                f"Where style {number + 1} goes", visible=False, elem_id=f"mask-{number + 1}", elem_classes="paintable"
            )
        return Place(group, card, weight, canvas)

    @property
    def inputs(self) -> set[Any]:
        """What `chosen` and `arranged` read."""
        return {
            self.gallery, self.own, self.where, self.places,
            *(one for row in self.rows for one in (row.weight, row.canvas)),
        }  # fmt: skip

    @property
    def outputs(self) -> set[Any]:
        """What `arranged` changes."""
        return {self.places, *(one for row in self.rows for one in (row.group, row.card, row.weight, row.canvas))}

    def arranged(self, values: Mapping[Any, Any], photo: str | None) -> dict[Any, Any]:
        """Updates after a change of the styles or of where they go. photo: the path of what masks are painted on.

        Raises OptionError for more styles than there are places.
        """
        places = self._placed(values)
        return {self.places: places, **self._rows(places, values[self.places], values[self.where], photo)}

    def _placed(self, values: Mapping[Any, Any]) -> list[Style | None]:
        """The places of what is chosen now. Raises OptionError."""
        wanted = [Style(name=name) for name in values[self.gallery] or ()]
        wanted += [Style(path=path) for path in values[self.own]]
        if len(wanted) > self.most:
            raise OptionError(f"{len(wanted)} styles are chosen, but at most {self.most} can be mixed")
        places = [style if style in wanted else None for style in values[self.places]]
        for style in wanted:
            if style not in places:
                places[places.index(None)] = style
        return places

    def _rows(
        self, places: Sequence[Style | None], before: Sequence[Style | None], where: str, photo: str | None
    ) -> dict[Any, Any]:
        count = sum(style is not None for style in places)
        painting = where == PLACES
        updates: dict[Any, Any] = {}
        for row, style, old in zip(self.rows, places, before, strict=True):
            updates[row.group] = gr.update(visible=style is not None and (painting or count > 1))
            updates[row.card] = "" if style is None else _card(style)
            updates[row.weight] = gr.update(visible=not painting and count > 1)
            # What is painted stays, as long as its style does.
            fresh: dict[str, Any] = {} if style == old else {"value": masks.blank(_address(photo))}
            updates[row.canvas] = gr.update(visible=painting and style is not None, **fresh)
        return updates

    def on(self, photo: str | None) -> dict[Any, Any]:
        """Updates after another photo was dropped: masks of the old one mean nothing."""
        return {row.canvas: gr.update(value=masks.blank(_address(photo))) for row in self.rows}

    def chosen(self, values: Mapping[Any, Any], shelf: Shelf) -> Chosen:
        """Raises OptionError for more styles than there are places, and PictureError for an upload that is gone."""
        # Whoever is quick paints before what they chose last has been arranged.
        places = self._placed(values)
        rows = [(row, style) for row, style in zip(self.rows, places, strict=True) if style is not None]
        styles = tuple(style.name or shelf.read(style.path) for _, style in rows)
        called = tuple(style.called for _, style in rows)
        if values[self.where] == PLACES and rows:
            return Chosen(styles, masks.places([values[row.canvas] for row, _ in rows]), "", called)
        weights = [float(values[row.weight]) for row, _ in rows]
        blend = ",".join(f"{weight:g}" for weight in weights) if len(set(weights)) > 1 or not any(weights) else ""
        return Chosen(styles, (), blend if len(rows) > 1 else "", called)


def readable(names: Sequence[str]) -> list[tuple[str, str]]:
    """(what people read, name) of styles."""
    return [(_words(name), name) for name in names]


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _address(photo: str | None) -> str:
    return file_url(photo) if photo else ""


def _card(style: Style) -> str:
    return f'<div class="card"><img src="{style.picture}" alt=""><strong>{escape(style.called)}</strong></div>'


def thumbnails_css(names: Sequence[str]) -> str:
    """A picture for every choice of a gallery."""
    return "".join(
        f".gallery .wrap label:nth-of-type({number})::before {{ background-image: url('{style_url(name)}'); }}\n"
        for number, name in enumerate(names, 1)
    )

"""The Compare tab: one photo in one style, by several methods side by side."""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from impasto.errors import OptionError
from impasto.service import Request, Snapshot, Status
from impasto.web.page.controls import control
from impasto.web.page.desk import Desk
from impasto.web.page.events import UNBOUNDED
from impasto.web.page.gate import file_url
from impasto.web.page.styles import readable
from impasto.web.page.uploads import DROP, file_drop, photo_drop
from impasto.web.page.words import REFUSALS, ended, progress, refusal, said

SIZE = 384
"""Pixels: comparing waits for the slowest method, so that it begins with small paintings."""


@dataclass(frozen=True)
class Parts:
    """What the tab is made of."""

    photo: Any
    style: Any
    own: Any
    methods: Any
    size: Any
    compare: Any
    cancel: Any
    note: Any
    shown: Any


def compare_tab(desk: Desk) -> None:
    """Build the tab, inside an open `gr.Blocks` or `gr.Tab`."""
    methods = list(desk.offer.methods)
    names = desk.offer.paintings
    with gr.Row(equal_height=False, elem_classes="sides"):
        with gr.Column(scale=4, min_width=320):
            photo = photo_drop(label="Photo", elem_id="compare-photo", height=260, alt_text="The photo")
            with gr.Column(elem_classes="panel"):
                style = gr.Radio(
                    readable(names), value=names[0] if names else None, label="Style", elem_id="compare-style",
                    elem_classes="gallery",
                )  # fmt: skip
                own = file_drop("single", label="Or a painting of my own", elem_id="compare-own", height=DROP)
            with gr.Column(elem_classes="panel"):
                chosen = gr.CheckboxGroup(methods, value=methods, label="Methods", elem_id="compare-methods")
                size = control(desk.offer.options(methods[0])["size"], (), elem_id="compare-size")
                size.value = str(SIZE)
        with gr.Column(scale=7, min_width=320, elem_classes="outcome"):
            with gr.Row(elem_classes="go"):
                compare = gr.Button("Compare", variant="primary", elem_id="compare")
                cancel = gr.Button("Cancel", elem_id="compare-cancel", visible=False)
            note = gr.HTML(said("The same photo and style, by several methods."), elem_id="compare-note",
                           elem_classes="note")  # fmt: skip
            shown = gr.HTML("", elem_id="compared", apply_default_css=False)
    parts = Parts(photo, style, own, chosen, size, compare, cancel, note, shown)
    _wire(parts, desk)


def _wire(parts: Parts, desk: Desk) -> None:
    async def compare(values: Mapping[Any, Any], request: gr.Request) -> AsyncGenerator[Any, None]:
        yield {parts.compare: gr.update(interactive=False), parts.cancel: gr.update(visible=True), parts.shown: ""}
        try:
            async with contextlib.aclosing(Comparison(desk, wishes(values, parts, desk)).paint(request)) as news:
                async for note, figures in news:
                    yield {parts.note: note, parts.shown: figures}
        except REFUSALS as error:
            yield {parts.note: refusal(error)}
        yield {parts.compare: gr.update(interactive=True), parts.cancel: gr.update(visible=False)}

    async def cancel(request: gr.Request) -> None:
        with contextlib.suppress(*REFUSALS):
            desk.cancel(request)

    asked = {parts.photo, parts.style, parts.own, parts.methods, parts.size}
    outputs = {parts.compare, parts.cancel, parts.note, parts.shown}
    parts.compare.click(compare, asked, outputs, trigger_mode="once", **UNBOUNDED)
    parts.cancel.click(cancel, None, None, **UNBOUNDED)


def wishes(values: Mapping[Any, Any], parts: Parts, desk: Desk) -> dict[str, Request]:
    """{method: request} by what is chosen. Raises OptionError, and PictureError for an upload that is gone."""
    if not values[parts.photo]:
        raise OptionError("drop a photo first")
    if not values[parts.methods]:
        raise OptionError("choose at least one method")
    content = desk.shelf.read(values[parts.photo])
    own = values[parts.own]
    style = desk.shelf.read(own[-1]) if own else values[parts.style]
    found = {}
    for method in values[parts.methods]:
        options = desk.offer.chosen({"method": method, "size": values[parts.size]})
        if options.takes_styles and not style:
            raise OptionError("choose a style first")
        found[method] = Request(content=content, styles=(style,) if options.takes_styles else (), options=options)
    return found


class Comparison:
    """Requests one after the other, as each would wait for the last one anyway, and what came of them."""

    def __init__(self, desk: Desk, wishes: Mapping[str, Request]) -> None:
        self.desk, self.wishes = desk, wishes
        self.figures: dict[str, str] = {}

    async def paint(self, request: gr.Request) -> AsyncGenerator[tuple[str, str], None]:
        """(what there is to say, the paintings so far). Raises what `Desk.paint` raises."""
        for number, (method, wish) in enumerate(self.wishes.items(), 1):
            async with contextlib.aclosing(self.desk.paint(wish, request)) as jobs:
                async for job in jobs:
                    if not job.status.is_final:
                        yield f"<p><strong>{escape(method)}</strong></p>{progress(job)}", self.html()
                        continue
                    self.figures[method] = self._figure(method, job)
            if job.status is Status.CANCELLED:
                yield said("Cancelled."), self.html()
                return
            yield said(f"{number} of {len(self.wishes)} methods.", "good"), self.html()

    def html(self) -> str:
        return f'<div class="compared">{"".join(self.figures.values())}</div>'

    def _figure(self, method: str, job: Snapshot) -> str:
        if not job.has_result:
            return f"<figure><figcaption><strong>{escape(method)}</strong>{ended(job)}</figcaption></figure>"
        copies = self.desk.shelf.show(job.id, f"impasto-{method}")
        address = file_url(copies.png)
        return (
            f'<figure><a href="{address}" download aria-label="Download the painting by {escape(method)}">'
            f'<img src="{address}" alt="Painted by {escape(method)}"></a>'
            f"<figcaption><strong>{escape(method)}</strong>{ended(job)}</figcaption></figure>"
        )

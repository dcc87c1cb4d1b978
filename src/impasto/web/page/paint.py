"""The Paint tab: a photo, styles, options, and the painting as it comes."""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from starlette.concurrency import run_in_threadpool

from impasto.errors import OptionError
from impasto.methods import combined, options_of
from impasto.service import Request
from impasto.web.page import again, batch, view
from impasto.web.page.controls import Controls
from impasto.web.page.desk import Desk
from impasto.web.page.events import QUIET, UNBOUNDED
from impasto.web.page.styles import Styles
from impasto.web.page.uploads import fitting_side, photo_drop, size_of
from impasto.web.page.words import REFUSALS, ended, progress, refusal, said

READY = "Drop a photo, choose a style, and paint."

Values = Mapping[Any, Any]


@dataclass(frozen=True)
class Parts:
    """What the tab is made of. paintings: those of this visit, a gr.State."""

    photo: Any
    styles: Styles
    style_box: Any
    controls: Controls
    paint: Any
    cancel: Any
    note: Any
    result: Any
    strip: Any
    paintings: Any

    @property
    def asked(self) -> set[Any]:
        """Whatever a wish is made of."""
        return {self.photo, *self.styles.inputs, *self.controls.all, self.paintings}


def paint_tab(desk: Desk) -> None:
    """Build the tab, inside an open `gr.Blocks` or `gr.Tab`."""
    with gr.Row(equal_height=False, elem_classes="sides"):
        with gr.Column(scale=5, min_width=320):
            photo = photo_drop(label="Photo", elem_id="photo", height=300, alt_text="The photo")
            with gr.Column(elem_classes="panel") as style_box:
                styles = Styles(desk.offer, desk.service.limits.styles_each)
            controls = Controls(desk.offer)
            with gr.Column(elem_classes="panel options"):
                controls.front()
                with gr.Accordion("Everything else", open=False, elem_id="rest"):
                    controls.rest()
            earlier, many = again.Form(), batch.Form()
        with gr.Column(scale=6, min_width=320, elem_classes="outcome"):
            with gr.Row(elem_classes="go"):
                paint = gr.Button("Paint", variant="primary", elem_id="paint")
                cancel = gr.Button("Cancel", elem_id="cancel", visible=False)
            note = gr.HTML(said(READY), elem_id="note", elem_classes="note")
            result = view.before_and_after(elem_id="result")
            strip = view.strip_of_paintings(elem_id="strip")
    paintings = gr.State([])
    parts = Parts(photo, styles, style_box, controls, paint, cancel, note, result, strip, paintings)
    painting = Painting(desk, parts)
    _wire(parts, painting)
    again.wire(earlier, parts, desk)
    batch.wire(many, painting)


def _wire(parts: Parts, painting: "Painting") -> None:
    styles, controls = parts.styles, parts.controls
    started: dict[str, Any] = {
        "fn": painting.paint, "inputs": parts.asked, "trigger_mode": "once", **UNBOUNDED,
        "outputs": {parts.paint, parts.cancel, parts.note, parts.result, parts.strip, parts.paintings},
    }  # fmt: skip
    parts.paint.click(**started)
    parts.cancel.click(painting.cancel, None, None, **UNBOUNDED)
    # What is chosen while the last choice is still being arranged counts as well.
    arranging: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    dropped = {"outputs": {parts.note, *styles.outputs, *controls.all}, **arranging}
    parts.photo.upload(painting.dropped, {parts.photo}, **dropped)
    parts.photo.clear(painting.cleared, None, **dropped)
    arrange = {"inputs": {parts.photo, *styles.inputs}, "outputs": {parts.note, *styles.outputs}, **arranging}
    for change in (styles.gallery.input, styles.own.change, styles.where.input):
        change(painting.arranged, **arrange)
    for name in ("method", "quality", "refine"):
        if name in controls.shown:
            controls.shown[name].change(
                painting.suited, {*controls.all}, {parts.style_box, *controls.all}, **QUIET
            )  # fmt: skip
    parts.strip.press(painting.shown, {parts.paintings}, parts.result, **arranging)


class Painting:
    """What the tab does. Every handler says why it does not do a thing, and raises nothing."""

    def __init__(self, desk: Desk, parts: Parts) -> None:
        self.desk, self.parts = desk, parts

    async def paint(self, values: Values, request: gr.Request) -> AsyncGenerator[Any, None]:
        """From the press of the button to the painting, or to why there is none."""
        parts = self.parts
        yield self._busy(said("Sending …", "busy"))
        outcome: dict[Any, Any] = {}
        try:
            wish, caption = await run_in_threadpool(self.wish, values, values[parts.photo])
            async with contextlib.aclosing(self.desk.paint(wish, request)) as jobs:
                previews = 0
                async for job in jobs:
                    if not job.status.is_final:
                        yield {parts.note: progress(job), **self._preview(job.id, job.previews > previews)}
                        previews = job.previews
                        continue
                    outcome = {parts.note: ended(job)}
                    if job.has_result:
                        outcome |= self._add(values, job.id, caption)
        except REFUSALS as error:
            outcome = {parts.note: refusal(error)}
        yield {**outcome, parts.paint: gr.update(interactive=True), parts.cancel: gr.update(visible=False)}

    def wish(self, values: Values, photo: str | None) -> tuple[Request, str]:
        """A request by what is chosen, and its caption. Raises OptionError, and PictureError for what is gone."""
        if not photo:
            raise OptionError("drop a photo first")
        parts = self.parts
        options = parts.controls.chosen(values)
        if not options.takes_styles:
            return Request(content=self.desk.shelf.read(photo), options=options), view.caption(options, ())
        chosen = parts.styles.chosen(values, self.desk.shelf)
        if not chosen.styles:
            raise OptionError("choose a style first")
        options = combined(options, {"style_blend": chosen.blend} if chosen.blend else {})
        wish = Request(
            content=self.desk.shelf.read(photo), styles=chosen.styles, masks=chosen.masks, options=options
        )  # fmt: skip
        return wish, view.caption(options, chosen.called)

    async def cancel(self, request: gr.Request) -> None:
        with contextlib.suppress(*REFUSALS):
            self.desk.cancel(request)

    def dropped(self, values: Values) -> dict[Any, Any]:
        """Another photo: what can be said of it before it is painted."""
        photo = values[self.parts.photo]
        updates = self.parts.styles.on(photo)
        limits = self.desk.service.limits
        try:
            size = size_of(self.desk.shelf.read(photo), limits)
        except REFUSALS as error:
            return {**updates, self.parts.note: refusal(error)}
        side, control = fitting_side(size, limits), self.parts.controls.shown.get("size")
        if side is None or control is None:
            return {**updates, self.parts.note: said(f"A photo of {size[0]} × {size[1]} pixels.")}
        text = f"A photo of {size[0]} × {size[1]} pixels; this server paints it at a size of up to {side}."
        return {**updates, self.parts.note: said(text), control: gr.update(value=str(side))}

    def cleared(self) -> dict[Any, Any]:
        """No photo."""
        return {**self.parts.styles.on(None), self.parts.note: said(READY)}

    def arranged(self, values: Values) -> dict[Any, Any]:
        """Other styles, or otherwise arranged."""
        try:
            return {**self.parts.styles.arranged(values, values[self.parts.photo]), self.parts.note: gr.skip()}
        except OptionError as error:
            return {self.parts.note: refusal(error)}

    def suited(self, values: Values) -> dict[Any, Any]:
        """Controls and styles that another method has."""
        controls = self.parts.controls
        takes_style = options_of(controls.method(values)).takes_styles
        return {**controls.visibility(values), self.parts.style_box: gr.update(visible=takes_style)}

    def shown(self, values: Values, event: gr.EventData) -> str:
        """One of the strip again."""
        paintings, index = values[self.parts.paintings], event.index
        if not isinstance(index, int) or not 0 <= index < len(paintings):
            return view.EMPTY
        try:
            self.desk.shelf.file(paintings[index].copies.png)
        except REFUSALS:
            minutes = self.desk.service.limits.keep_seconds / 60
            return said(f"This painting is no longer on the server, which keeps them for {minutes:g} minutes.", "bad")
        return view.result(paintings[index])

    def _busy(self, note: str) -> dict[Any, Any]:
        parts = self.parts
        return {parts.paint: gr.update(interactive=False), parts.cancel: gr.update(visible=True), parts.note: note}

    def _preview(self, job: str, is_new: bool) -> dict[Any, Any]:
        data = self.desk.service.preview(job) if is_new else None
        return {self.parts.result: view.preview(data)} if data else {}

    def _add(self, values: Values, job: str, caption: str) -> dict[Any, Any]:
        stem = f"impasto-{caption.partition(' · ')[0]}"
        one = view.Painted(values[self.parts.photo], self.desk.shelf.show(job, stem), caption)
        paintings = [one, *values[self.parts.paintings]][: view.STRIP]
        return {
            self.parts.result: view.result(one),
            self.parts.paintings: paintings,
            self.parts.strip: view.strip(paintings),
        }

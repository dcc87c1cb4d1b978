"""The Explore tab: click a place of a photo, and see where it looks."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from starlette.concurrency import run_in_threadpool

from impasto.errors import OptionError
from impasto.methods import StylizeOptions
from impasto.options import Options
from impasto.service import Offer, Request, Result, Snapshot, Status
from impasto.service.refusals import NoSuchJobError
from impasto.web.page.desk import Desk
from impasto.web.page.events import UNBOUNDED
from impasto.web.page.explore_words import BEGIN, DIRECTIONS, GO_ON, INTRODUCTION, LAYERS, LOOKING, PLACE, figures
from impasto.web.page.styles import readable
from impasto.web.page.uploads import DROP, file_drop, photo_drop, size_of
from impasto.web.page.words import REFUSALS, ended, progress, refusal, said

_EVERY: Mapping[str, Any] = {**UNBOUNDED, "trigger_mode": "multiple"}
"""A click during a look counts: what it asks for takes the place of what was asked before."""


@dataclass(frozen=True)
class Parts:
    """What the tab is made of."""

    photo: Any
    own: Any
    style: Any
    paintings: Any
    layer: Any
    x: Any
    y: Any
    look: Any
    note: Any
    shown: Any


def explore_tab(desk: Desk) -> None:
    """Build the tab, inside an open `gr.Blocks` or `gr.Tab`."""
    choices = lookable(desk.offer)
    names = desk.offer.paintings
    gr.HTML(INTRODUCTION)
    # In this order on a phone: what a click shows comes right below what was clicked.
    with gr.Row(equal_height=False, elem_classes="sides"):
        with gr.Column(scale=5, min_width=320):
            photo = photo_drop(
                label="Photo", elem_id="explore-photo", height=360, alt_text="The photo; click a place in it"
            )
            with gr.Row():
                x, y = (_percent(label, name) for label, name in zip(PLACE, ("explore-x", "explore-y"), strict=True))
            look = gr.Button("Look from this place", elem_id="explore-look")
        with gr.Column(scale=6, min_width=320):
            note = gr.HTML(said(BEGIN), elem_id="explore-note", elem_classes="note")
            shown = gr.HTML("", elem_id="explore-shown", apply_default_css=False)
    with gr.Row(equal_height=False, elem_classes="sides"):
        with gr.Column(scale=5, min_width=320):
            layer = gr.Radio(list(choices), value=_usual(choices), label="What is compared", elem_id="explore-layer")
        with gr.Column(scale=6, min_width=320, elem_classes="panel") as paintings:
            style = gr.Radio(
                readable(names), value=names[0] if names else None, label="Painting to look in",
                elem_id="explore-styles", elem_classes="gallery",
            )  # fmt: skip
            own = file_drop("single", label="Or a painting of my own", elem_id="explore-own", height=DROP)
    _wire(Parts(photo, own, style, paintings, layer, x, y, look, note, shown), Explorer(desk))


def _wire(parts: Parts, explorer: "Explorer") -> None:
    choices = lookable(explorer.desk.offer)

    async def look(values: Mapping[Any, Any], request: gr.Request) -> AsyncIterator[dict[Any, Any]]:
        own = values[parts.own]
        question = Question(
            photo=values[parts.photo], own=own[-1] if own else None, style=values[parts.style],
            layer=values[parts.layer], x=values[parts.x], y=values[parts.y],
        )  # fmt: skip
        async with contextlib.aclosing(explorer.look(question, request)) as answers:
            async for note, shown in answers:
                yield {parts.note: note, parts.shown: shown}

    def clicked(values: Mapping[Any, Any], event: gr.SelectData) -> dict[Any, Any]:
        x, y = explorer.place(values[parts.photo], event.index)
        return {parts.x: x, parts.y: y, parts.note: said(LOOKING, "busy")}

    asked = {parts.photo, parts.own, parts.style, parts.layer, parts.x, parts.y}
    seen: dict[str, Any] = {"fn": look, "inputs": asked, "outputs": {parts.note, parts.shown}, **_EVERY}
    triggers = (
        parts.look.click, parts.x.submit, parts.y.submit, parts.layer.input, parts.photo.upload, parts.own.upload,
        parts.own.clear,
    )  # fmt: skip
    for trigger in triggers:
        trigger(**seen)
    parts.photo.clear(lambda: (said(BEGIN), ""), None, [parts.note, parts.shown], **_EVERY)
    parts.photo.select(clicked, {parts.photo}, {parts.x, parts.y, parts.note}, **_EVERY).success(**seen)
    # Who picks one of the server's wants that, and not their own.
    parts.style.input(lambda: None, None, parts.own, **_EVERY).then(**seen)
    parts.layer.input(
        lambda name: gr.update(visible=choices[name].takes_styles), parts.layer, parts.paintings, **_EVERY
    )  # fmt: skip


def lookable(offer: Offer) -> dict[str, Options]:
    """{what a person reads: options} of everything that can be compared on a server."""
    found: dict[str, Options] = {}
    for method in offer.looking():
        if "attention_layers" in offer.methods[method].look_options:
            found |= {f"{name}: {text}": StylizeOptions(method=method, attention_layers=name) for name, text in LAYERS}
        else:
            found |= {
                f"{method}, {text}: in the photo itself": StylizeOptions(method=method, direction=name)
                for name, text in DIRECTIONS
            }
    return found


@dataclass(frozen=True)
class Question:
    """What a visitor has chosen. photo, own: paths of uploads. style: the name of one of the server's, for when there
    is no own painting. layer: of `lookable`. x, y: in percent."""

    photo: str | None
    own: str | None
    style: str | None
    layer: str
    x: Any
    y: Any


class Explorer:
    """What the tab does; belongs to the event loop."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._latest: dict[tuple[str, str], _Look] = {}  # by user and visit

    async def look(self, question: Question, request: gr.Request) -> AsyncGenerator[tuple[Any, Any], None]:
        """What there is to say, and the pictures once they are there. Nothing is raised.

        A later look of the same visit ends this one, which then says nothing any more.
        """
        if question.photo is None:
            yield said(BEGIN), ""
            return
        try:
            guest = self.desk.guest(request)
            wish = await run_in_threadpool(self._wish, question)
            with self._latest_of((guest.user, guest.visit)) as this:
                # Closed at once when the visitor leaves, which lets go of the job.
                async with contextlib.aclosing(self.desk.paint(wish, request)) as jobs:
                    async for job in jobs:
                        this.job = job.id
                        if this.is_over:
                            return
                        yield self._answer(wish, job)
        except REFUSALS as error:
            yield refusal(error), gr.skip()

    def place(self, photo: str | None, pixel: Any) -> tuple[float, float]:
        """Percent of the photo, of a click in its own pixels. Raises gr.Error for a photo that is gone."""
        try:
            width, height = size_of(self.desk.shelf.read(photo or ""), self.desk.service.limits)
        except REFUSALS as error:
            raise gr.Error(str(error), print_exception=False) from error
        column, row = pixel
        return _share(column, width), _share(row, height)

    @contextlib.contextmanager
    def _latest_of(self, visit: tuple[str, str]) -> Iterator["_Look"]:
        """A look that takes the place of the one before."""
        before, this = self._latest.get(visit), _Look()
        self._latest[visit] = this
        if before is not None:
            before.is_over = True
            with contextlib.suppress(NoSuchJobError):
                self.desk.service.cancel(before.job)
        try:
            yield this
        finally:
            if self._latest.get(visit) is this:
                del self._latest[visit]

    def _answer(self, wish: Request, job: Snapshot) -> tuple[Any, Any]:
        if not job.status.is_final:
            return progress(job, LOOKING), gr.skip()
        if job.status is not Status.DONE:
            return ended(job), gr.skip()
        found: Result = self.desk.service.result(job.id)
        # Nobody asks for it again, and there will be many of them.
        self.desk.service.forget(job.id)
        assert wish.place is not None
        return said(GO_ON), figures(found, wish.place, wish.options)

    def _wish(self, question: Question) -> Request:
        options = lookable(self.desk.offer).get(question.layer)
        if options is None:
            raise OptionError("choose what is compared")
        styles: tuple[str | bytes, ...] = ()
        if options.takes_styles:
            painting = self.desk.shelf.read(question.own) if question.own else question.style
            if painting is None:
                raise OptionError("choose a painting to look in")
            styles = (painting,)
        place = _number(PLACE[0], question.x), _number(PLACE[1], question.y)
        content = self.desk.shelf.read(question.photo or "")
        return Request(content=content, styles=styles, options=options, place=place)


@dataclass
class _Look:
    """One that goes on, or has ended. job: its id, once there is one. is_over: another one has taken its place."""

    job: str = ""
    is_over: bool = False


def _number(label: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{label.lower()} must be a number")
    return float(value)


def _share(pixel: float, count: int) -> float:
    """Percent, of the middle of a pixel."""
    return round(min(100.0, max(0.0, 100 * (pixel + 0.5) / count)), 1)


def _percent(label: str, name: str) -> Any:
    return gr.Number(50, label=label, elem_id=name, minimum=0, maximum=100, step=1, min_width=120)


def _usual(choices: Mapping[str, Options]) -> str | None:
    """The layer at which painting attends, if it is there."""
    usual = (name for name, one in choices.items() if one == StylizeOptions(one.method))
    return next(usual, None)

"""The Explore tab: click a place of a photo, and see where it looks."""

import base64
import contextlib
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, ImageOps
from starlette.concurrency import run_in_threadpool

from impasto.errors import ImpastoError, OptionError
from impasto.options import StylizeOptions
from impasto.record import opened
from impasto.service import Offer, Request, Result, Service, Snapshot, Status, changes
from impasto.service.refusals import NoSuchJobError
from impasto.web.page.explore_words import (
    BEGIN,
    CSS,
    DIRECTIONS,
    GO_ON,
    INTRODUCTION,
    LAYERS,
    PLACE,
    figures,
    said,
    waiting,
)
from impasto.web.problems import Problem

THUMBNAIL_SIDE = 128
"""Pixels of the longer side of a style's picture; these are part of the page."""
ORIENTATION = 0x0112
"""EXIF's tag for how a picture is turned."""
ON_THE_SIDE = (5, 6, 7, 8)
"""Its values for pictures whose width becomes the height."""

_QUIET: Mapping[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""Of every handler: nothing is called but through the page, and what goes on is said in words."""

Follow = Callable[[Request, gr.Request], AsyncGenerator[Snapshot, None]]
"""Hands in a wish of a visitor's, and tells of its job until that is final. Raises what `Service.submit` raises."""


def explore_tab(service: Service, *, read: Callable[[str], bytes] | None = None, follow: Follow | None = None) -> None:
    """Build the tab, inside an open `gr.Blocks` or `gr.Tab`.

    read: the bytes of an upload by the path that gradio knows it by; a file's, if not given. follow: how a wish gets to
    the service; for the visitor's address, if not given.
    """
    choices = lookable(service.offer)
    gr.HTML(f"<style>{CSS}{_thumbnails(service.offer)}</style>{INTRODUCTION}", elem_classes="explore")
    # In this order on a phone: what a click shows comes right below what was clicked.
    with gr.Row():
        with gr.Column():
            photo = _upload("Photo", "explore-photo", "The photo; click a place in it", 360)
            with gr.Row():
                x, y = (_percent(label, name) for label, name in zip(PLACE, ("explore-x", "explore-y"), strict=True))
            look = gr.Button("Look from this place", elem_id="explore-look")
        with gr.Column():
            note = gr.HTML(said(BEGIN), elem_id="explore-note")
            shown = gr.HTML("", elem_id="explore-shown")
    with gr.Row():
        with gr.Column():
            layer = gr.Radio(list(choices), value=_usual(choices), label="What is compared", elem_id="explore-layer")
        with gr.Column() as paintings:
            styles = [(name.replace("_", " "), name) for name in service.offer.styles]
            first = next(iter(service.offer.styles), None)
            style = gr.Radio(styles, value=first, label="Painting to look in", elem_id="explore-styles")
            own = _upload("Or a painting of your own", "explore-own", "The painting", 180)
    asked = _Asked(photo, gr.State(None), own, gr.State(None), style, layer, x, y)
    explorer = Explorer(service, read or _read, follow or _follower(service))
    _wire(asked, look, (note, shown), explorer)
    layer.input(lambda name: gr.Column(visible=choices[name].takes_style), layer, paintings, **_QUIET)


@dataclass(frozen=True)
class _Asked:
    """Components of gradio's. photo_path, own_path: states, of the files that `photo` and `own` show."""

    photo: Any
    photo_path: Any
    own: Any
    own_path: Any
    style: Any
    layer: Any
    x: Any
    y: Any


def _wire(asked: _Asked, button: Any, told: tuple[Any, Any], explorer: "Explorer") -> None:
    """told: components for what there is to say and to show."""
    fields = {
        asked.photo_path: "photo", asked.own_path: "own", asked.style: "style", asked.layer: "layer",
        asked.x: "x", asked.y: "y",
    }  # fmt: skip

    async def look(given: Mapping[Any, Any], request: gr.Request) -> AsyncIterator[tuple[Any, Any]]:
        question = Question(**{name: given[component] for component, name in fields.items()})
        async with contextlib.aclosing(explorer.look(question, request)) as answers:
            async for answer in answers:
                yield answer

    # A click during a look is looked at once that is over; of several, the last.
    seen: dict[str, Any] = {
        "fn": look, "inputs": set(fields), "outputs": list(told), "concurrency_limit": None,
        "trigger_mode": "always_last", **_QUIET,
    }  # fmt: skip
    # Not preprocessed: gradio would open what was uploaded.
    asked.photo.upload(path_of, asked.photo, asked.photo_path, preprocess=False, **_QUIET).then(**seen)
    asked.own.upload(path_of, asked.own, asked.own_path, preprocess=False, **_QUIET).then(**seen)
    asked.photo.clear(lambda: (None, said(BEGIN), ""), None, [asked.photo_path, *told], **_QUIET)
    asked.own.clear(lambda: None, None, asked.own_path, **_QUIET).then(**seen)
    place = [asked.x, asked.y, told[0]]
    asked.photo.select(explorer.clicked, asked.photo, place, preprocess=False, **_QUIET).success(**seen)
    # Who picks one of the server's wants that, and not their own.
    asked.style.input(lambda: (None, None), None, [asked.own, asked.own_path], **_QUIET).then(**seen)
    for trigger in (button.click, asked.x.submit, asked.y.submit, asked.layer.input):
        trigger(**seen)


def lookable(offer: Offer) -> dict[str, StylizeOptions]:
    """{what a person reads: options} of everything that can be compared on a server."""
    found: dict[str, StylizeOptions] = {}
    for method in offer.looking():
        if method == "gatys":
            found |= {f"{name}: {text}": StylizeOptions(method=method, attention_layers=name) for name, text in LAYERS}
        else:
            found |= {
                f"{method}, {text}: in the photo itself": StylizeOptions(method=method, direction=name)
                for name, text in DIRECTIONS
            }
    return found


@dataclass(frozen=True)
class Question:
    """What a visitor has chosen, as gradio hands it over. photo, own: paths of uploads. style: the name of one of the
    server's, for when there is no own painting. layer: of `lookable`. x, y: in percent."""

    photo: str | None
    own: str | None
    style: str | None
    layer: str
    x: Any
    y: Any


@dataclass(frozen=True)
class Explorer:
    """What the tab does. read, follow: as of `explore_tab`."""

    service: Service
    read: Callable[[str], bytes]
    follow: Follow

    async def look(self, question: Question, request: gr.Request) -> AsyncGenerator[tuple[Any, Any], None]:
        """What there is to say, and the pictures once they are there. Nothing is raised."""
        if question.photo is None:
            yield said(BEGIN), ""
            return
        try:
            wish = await run_in_threadpool(self._wish, question)
            # Closed at once when the visitor leaves, which lets go of the job.
            async with contextlib.aclosing(self.follow(wish, request)) as jobs:
                async for job in jobs:
                    if not job.status.is_final:
                        yield waiting(job), gr.skip()
                    elif job.status is Status.DONE:
                        yield said(GO_ON), self._pictures(wish, job)
                    else:
                        yield said(job.failure.message if job.failure else "cancelled", "bad"), gr.skip()
        except (ImpastoError, Problem) as error:
            yield said(str(error), "bad"), gr.skip()

    def clicked(self, photo: Mapping[str, Any] | None, event: gr.SelectData) -> tuple[Any, Any, str]:
        """The place in percent of the photo, of a click in its own pixels."""
        try:
            width, height = shown_size(self.read(path_of(photo) or ""))
        except ImpastoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        column, row = event.index
        return _share(column, width), _share(row, height), said("Looking …", "busy")

    def _wish(self, question: Question) -> Request:
        options = lookable(self.service.offer).get(question.layer)
        if options is None:
            raise OptionError("choose what is compared")
        styles: tuple[str | bytes, ...] = ()
        if options.takes_style:
            painting = self.read(question.own) if question.own else question.style
            if painting is None:
                raise OptionError("choose a painting to look in")
            styles = (painting,)
        place = _number(PLACE[0], question.x), _number(PLACE[1], question.y)
        return Request(content=self.read(question.photo or ""), styles=styles, options=options, place=place)

    def _pictures(self, wish: Request, job: Snapshot) -> str:
        found: Result = self.service.result(job.id)
        # Nobody asks for it again, and there will be many of them.
        self.service.forget(job.id)
        assert wish.place is not None
        return figures(found, wish.place, wish.options)


def path_of(file: Mapping[str, Any] | None) -> str | None:
    """gradio's path of an upload that it has not opened."""
    path = file.get("path") if file else None
    return path if isinstance(path, str) else None


def shown_size(data: bytes) -> tuple[int, int]:
    """(width, height) of a picture file as a browser shows it, by its header. Raises PictureError."""
    with opened(data) as picture:
        width, height = picture.size
        # Not the format's own `getexif`, which for PNG decodes the whole picture.
        turned = Image.Image.getexif(picture).get(ORIENTATION) in ON_THE_SIDE
    return (height, width) if turned else (width, height)


def _number(label: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{label.lower()} must be a number")
    return float(value)


def _share(pixel: float, count: int) -> float:
    """Percent, of the middle of a pixel."""
    return round(min(100.0, max(0.0, 100 * (pixel + 0.5) / count)), 1)


def _follower(service: Service) -> Follow:
    async def follow(wish: Request, request: gr.Request) -> AsyncGenerator[Snapshot, None]:
        # As the HTTP API calls who comes from there, so that two doors are no second share.
        user = f"address {request.client.host if request.client else ''}"
        job = await run_in_threadpool(service.submit, wish, user)
        try:
            async for snapshot in changes(service, job.id, user):
                assert snapshot is not None
                yield snapshot
        finally:
            with contextlib.suppress(NoSuchJobError):
                service.cancel(job.id)

    return follow


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImpastoError("a picture is no longer on the server; drop it again") from error


def _upload(label: str, name: str, alt: str, height: int) -> Any:
    return gr.Image(
        label=label, alt_text=alt, elem_id=name, type="filepath", format="png", image_mode=None, height=height,
        sources=["upload", "clipboard"], buttons=[],
    )  # fmt: skip


def _percent(label: str, name: str) -> Any:
    return gr.Number(50, label=label, elem_id=name, minimum=0, maximum=100, step=1, min_width=120)


def _usual(choices: Mapping[str, StylizeOptions]) -> str | None:
    """The layer at which painting attends, if it is there."""
    usual = (name for name, one in choices.items() if one.attention_layers == StylizeOptions.attention_layers)
    return next(usual, None)


def _thumbnails(offer: Offer) -> str:
    """CSS that puts a picture of each style on its radio button, which stays a radio button for keys and readers."""
    return "".join(
        f"#explore-styles label:nth-of-type({number}) {{ background-image: url('{_inline(path)}'); }}"
        for number, path in enumerate(offer.styles.values(), 1)
    )


def _inline(path: Path) -> str:
    with opened(path) as picture:
        picture.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        small = ImageOps.exif_transpose(picture).convert("RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"

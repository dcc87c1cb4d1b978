"""Many photos with the same settings, as one zip."""

import asyncio
import contextlib
import io
import zipfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.concurrency import run_in_threadpool

from impasto.errors import ImpastoError, OptionError
from impasto.service import Request, Snapshot, Status
from impasto.service.refusals import QueueFullError, UserBusyError
from impasto.serving.problem import Problem
from impasto.web.page.desk import Desk
from impasto.web.page.events import UNBOUNDED
from impasto.web.page.gate import file_url
from impasto.web.page.uploads import file_drop
from impasto.web.page.words import REFUSALS, refusal, said

if TYPE_CHECKING:
    from impasto.web.page.paint import Painting

FORMATS = {"PNG": "png", "JPEG": "jpeg"}
LONGEST_PAUSE = 10.0
"""Seconds between two tries to hand in a photo when the queue is full."""


class Form:
    """Built where gradio is building now."""

    def __init__(self) -> None:
        with gr.Accordion("Many photos at once", open=False, elem_id="many"):
            self.photos = file_drop(label="Photos, all painted with what is chosen above", elem_id="photos", height=160)
            self.format = gr.Radio(list(FORMATS), value="PNG", label="Paintings as", elem_id="photos-format")
            self.paint = gr.Button("Paint all", elem_id="paint-all")
            self.cancel = gr.Button("Cancel all", elem_id="cancel-all", visible=False)
            self.note = gr.HTML("", elem_id="photos-note", elem_classes="note")


def wire(form: Form, painting: "Painting") -> None:
    """Have the form paint with what is chosen in the tab."""

    async def paint_all(values: Mapping[Any, Any], request: gr.Request) -> AsyncGenerator[Any, None]:
        yield {form.paint: gr.update(interactive=False), form.cancel: gr.update(visible=True)}
        photos = values[form.photos]
        try:
            if not photos:
                raise OptionError("choose photos first")
            wish, _ = await run_in_threadpool(painting.wish, values, photos[0])
            wish = replace(wish, format=FORMATS[values[form.format]])
            async with contextlib.aclosing(Batch(painting.desk, wish, photos).paint(request)) as news:
                async for text in news:
                    yield {form.note: text}
        except REFUSALS as error:
            yield {form.note: refusal(error)}
        yield {form.paint: gr.update(interactive=True), form.cancel: gr.update(visible=False)}

    outputs: Any = {form.paint, form.cancel, form.note}
    form.paint.click(
        paint_all, {form.photos, form.format, *painting.parts.asked}, outputs, trigger_mode="once", **UNBOUNDED
    )  # fmt: skip
    form.cancel.click(painting.cancel, None, None, **UNBOUNDED)


class Batch:
    """One wish for many photos; as many are handed in at a time as there are processes that paint."""

    def __init__(self, desk: Desk, wish: Request, photos: Sequence[str]) -> None:
        """photos: paths on the shelf."""
        self.desk, self.wish, self.photos = desk, wish, photos
        self.done: dict[str, bytes] = {}
        self.failed: list[str] = []
        self.is_cancelled = False

    async def paint(self, request: gr.Request) -> AsyncGenerator[str, None]:
        """How far it is, again and again, and at last where the zip is. Raises QueueFullError if it finds no room."""
        waiting, running = list(enumerate(self.photos, 1)), set[asyncio.Task[None]]()
        workers = max(1, self.desk.service.health().workers)
        try:
            while (waiting and not self.is_cancelled) or running:
                while waiting and len(running) < workers and not self.is_cancelled:
                    number, photo = waiting.pop(0)
                    running.add(asyncio.create_task(self._one(number, photo, request)))
                yield said(f"{len(self.done) + len(self.failed)} of {len(self.photos)} are painted …", "busy")
                finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    task.result()
        finally:
            for task in running:
                task.cancel()
        yield await run_in_threadpool(self._outcome)

    async def _one(self, number: int, photo: str, request: gr.Request) -> None:
        name = PurePosixPath(photo).name
        try:
            content = self.desk.shelf.read(photo)
            ended = await self._painted(replace(self.wish, content=content), request)
        except (ImpastoError, Problem) as error:
            self.failed.append(f"{name}: {error}")
            return
        if ended.status is Status.CANCELLED:
            self.is_cancelled = True
        elif ended.has_result:
            found = self.desk.service.result(ended.id)
            suffix = "jpg" if found.format == "jpeg" else found.format
            self.done[f"{number:03d}-{PurePosixPath(photo).stem}-impasto.{suffix}"] = found.data
            self.desk.service.forget(ended.id)
        else:
            self.failed.append(f"{name}: {ended.failure.message if ended.failure else 'it failed'}")

    async def _painted(self, wish: Request, request: gr.Request) -> Snapshot:
        """Waits for room in the queue like any polite client."""
        while True:
            try:
                async with contextlib.aclosing(self.desk.paint(wish, request)) as jobs:
                    async for job in jobs:
                        ended = job
                return ended
            except (QueueFullError, UserBusyError) as full:
                await asyncio.sleep(min(full.retry_after or 1.0, LONGEST_PAUSE))
            except Problem as problem:
                if problem.status != 429:
                    raise
                await asyncio.sleep(min(float(problem.headers["Retry-After"]), LONGEST_PAUSE))

    def _outcome(self) -> str:
        lines = [said("Cancelled.")] if self.is_cancelled else []
        if self.done:
            stream = io.BytesIO()
            # Pictures are as small as they get.
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for name in sorted(self.done):
                    archive.writestr(name, self.done[name])
            address = file_url(self.desk.shelf.put(stream.getvalue(), "impasto.zip"))
            lines.append(said(f"{len(self.done)} of {len(self.photos)} photos are painted.", "good"))
            lines.append(f'<p class="links"><a class="button" href="{address}" download>Download all</a></p>')
        if self.failed:
            lines.append(said(f"{len(self.failed)} could not be painted:", "bad"))
            lines.append(f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in self.failed)}</ul>")
        return "".join(lines)

"""What stands before gradio: of its many routes only those that the page needs, and none that reaches a file.

gradio by itself takes pictures by path or address, writes them into a folder, fetches addresses for whoever asks, and
lets its handlers be called in several more ways than its page does. Here an upload stays in memory, a path is only a
name for it (`shelf`), and what is not in the table below is not there at all.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, MutableMapping
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from impasto.errors import OptionError, PictureError
from impasto.service import Service
from impasto.serving.problem import Problem
from impasto.web.access import Access
from impasto.web.copies import style_thumbnail
from impasto.web.form import InMemory
from impasto.web.page.shelf import Shelf
from impasto.web.page.sign_in import SIGN_IN, SIGN_OUT, sign_in, sign_out, signed_out_page

STYLES = "/page/styles/"
"""Small pictures of the styles that can be named."""
UPLOAD, UPLOADED, FILE = "/gradio_api/upload", "/gradio_api/upload_progress", "/gradio_api/file="
ICON = "/favicon.ico"
JOIN = "/gradio_api/queue/join"

# What ends in a slash, or in "=", stands for everything that begins with it.
OWN = {
    "GET": ("/", ICON, UPLOADED, FILE, STYLES),
    "POST": (UPLOAD, JOIN, SIGN_IN, SIGN_OUT),
}
GRADIO = {
    "GET": ("/config", "/theme.css", "/assets/", "/static/", "/gradio_api/queue/data", "/gradio_api/heartbeat/"),
    "POST": ("/gradio_api/cancel", "/gradio_api/reset"),
}

# gradio's page is made of inline scripts and styles; nothing of it comes from anywhere else.
POLICY = "; ".join((
    "default-src 'self'", "script-src 'self' 'unsafe-inline' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:", "font-src 'self' data:", "worker-src 'self' blob:", "object-src 'none'",
    "base-uri 'self'", "form-action 'self'", "frame-ancestors 'none'",
))  # fmt: skip
FILES_AT_ONCE = 100
"""In one upload."""
LONGEST_PATIENCE = 600.0
"""Seconds that news of an upload are waited for."""


class Gate(BaseRoute):
    """A route for all of the page; what it does not match is the API's."""

    path = "page"  # as metrics call it

    def __init__(
        self, gradio: ASGIApp, service: Service, shelf: Shelf, access: Access, handlers: Collection[int]
    ) -> None:
        """handlers: numbers of those that the page calls."""
        self._handlers = handlers
        self._gradio, self._service, self._shelf, self._access = gradio, service, shelf, access
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        # For everybody, and for those who are signed in where that is wanted; the longer beginning comes first.
        self._open = {SIGN_IN: self._sign_in, SIGN_OUT: self._sign_out, ICON: self._icon}
        self._closed = {UPLOADED: self._uploaded, UPLOAD: self._upload, FILE: self._file, STYLES: self._style}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Only what is in the tables."""
        if scope["type"] != "http" or not (_is_in(OWN, scope) or _is_in(GRADIO, scope)):
            return Match.NONE, {}
        return Match.FULL, {"route": self, "endpoint": self.handle}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Problem; PictureError for a picture that is gone."""
        request = Request(scope, receive)
        answer = await self._answer(request)
        if answer is not None:
            await answer(scope, receive, _with_policy(send))
            return
        if scope["path"] == JOIN:
            receive = await self._checked(request)
        await self._gradio(dict(scope), receive, _with_policy(send))

    async def _answer(self, request: Request) -> Response | None:
        """None for what gradio answers."""
        path = request.scope["path"]
        if path in self._open:
            return await self._open[path](request)
        try:
            self._access.guest(request)
        except Problem as problem:
            if path != "/":
                raise
            return signed_out_page(problem)
        beginning = next((one for one in self._closed if path.startswith(one)), None)
        return None if beginning is None else await self._closed[beginning](request)

    async def _sign_in(self, request: Request) -> Response:
        return await sign_in(request, self._access)

    async def _sign_out(self, _: Request) -> Response:
        return sign_out()

    async def _icon(self, _: Request) -> Response:
        return Response((files("impasto.web.page") / "icon.svg").read_bytes(), media_type="image/svg+xml")

    async def _upload(self, request: Request) -> Response:
        try:
            form = await InMemory(
                request.headers, request.stream(), max_files=FILES_AT_ONCE, max_fields=0
            ).parse()  # fmt: skip
        except (MultiPartException, KeyError, ValueError) as error:
            raise Problem(400, "broken-form", "the upload cannot be read") from error
        try:
            files = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
            paths = [self._shelf.put(await file.read(), file.filename or "") for file in files]
        finally:
            await form.close()
            self._arrived[request.query_params.get("upload_id", "")].set()
        return Response(json.dumps(paths), media_type="application/json")

    async def _uploaded(self, request: Request) -> Response:
        return StreamingResponse(self._news(request), media_type="text/event-stream")

    async def _news(self, request: Request) -> AsyncIterator[str]:
        """That an upload has arrived, for the page's display of it."""
        upload = request.query_params.get("upload_id", "")
        try:
            async with asyncio.timeout(LONGEST_PATIENCE):
                await self._arrived[upload].wait()
        except TimeoutError:
            return
        finally:
            self._arrived.pop(upload, None)
        yield 'data: {"msg": "done"}\n\n'

    async def _file(self, request: Request) -> Response:
        path = request.scope["path"].removeprefix(FILE)
        try:
            file = await run_in_threadpool(self._shelf.file, path)
        except PictureError as error:
            raise Problem(404, "gone", str(error)) from error
        headers = {"Cache-Control": "private, no-store"}
        return Response(file.data, media_type=file.media_type, headers=headers)

    async def _style(self, request: Request) -> Response:
        name = request.scope["path"].removeprefix(STYLES)
        try:
            path = self._service.offer.picture(name)
        except OptionError as error:
            raise Problem(404, "no-such-style", str(error)) from error
        data = await run_in_threadpool(style_thumbnail, path)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    async def _checked(self, request: Request) -> Receive:
        """The body of a call, every path in which is one of the shelf's. gradio would open or fetch any other."""
        body = await request.body()
        try:
            call = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "broken-call", "the call is not JSON") from error
        if not isinstance(call, dict) or call.get("fn_index") not in self._handlers:
            raise Problem(422, "no-such-handler", "the page calls no such handler")
        if not all(isinstance(path, str) and self._shelf.holds(path) for path in _paths(call)):
            raise Problem(422, "foreign-file", "a picture must be uploaded")
        sent = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal sent
            if sent:
                return await request.receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        return receive


def file_url(path: str) -> str:
    """Where the page finds a path of the shelf's."""
    return f"{FILE.lstrip('/')}{quote(path)}"


def style_url(name: str) -> str:
    """Where the page finds the small picture of a named style."""
    return f"{STYLES.lstrip('/')}{quote(name, safe='')}"


def _is_in(table: dict[str, tuple[str, ...]], scope: Scope) -> bool:
    path, method = scope["path"], "GET" if scope["method"] == "HEAD" else scope["method"]
    return any(
        path == one or (len(one) > 1 and one[-1] in "/=" and path.startswith(one)) for one in table.get(method, ())
    )


def _paths(value: Any) -> list[Any]:
    """Whatever gradio could take for the path of a file, however deep it lies."""
    found, open_ones = [], [value]
    while open_ones:
        one = open_ones.pop()
        if isinstance(one, dict):
            # What has an address and no path is fetched.
            is_file = one.get("path") is not None or one.get("url") is not None
            found += [one.get("path")] if is_file else []
            open_ones += one.values()
        elif isinstance(one, list):
            open_ones += one
    return found


def _with_policy(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
        await send(message)

    return sending

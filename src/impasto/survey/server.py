"""The server that asks: one page for each person's link, answers in, and the results for whoever has the admin's key.

Nothing that a visitor sends reaches the file system: surveys are found by id in a table made at the start, pictures by
id in the survey's own file. No cookie is set, no address is stored or logged, and no page asks another server.
"""

import base64
import binascii
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPError

from impasto.errors import DataError, ImpastoError, missing_extra
from impasto.report.page import render
from impasto.serving.guard import GuardMiddleware, Scope
from impasto.serving.hosts import Hosts
from impasto.serving.http_limits import HttpLimits
from impasto.serving.problem import Problem
from impasto.serving.server import configured
from impasto.survey.questions import SCALE, AnswerError
from impasto.survey.report import make_report
from impasto.survey.report_files import answers_csv, draw, page, report_json
from impasto.survey.statistics import Bootstrap
from impasto.survey.store import Store

MOST_BYTES = 1024
"""Of an answer; a ranking of eight methods has 24."""

_LIMITS = HttpLimits(connections=500)

_ASSETS = {"icon.svg": "image/svg+xml", "survey.js": "text/javascript", "survey.css": "text/css"}

# Beside those of the guard, by which no page elsewhere learns a link, which is the key.
_HEADERS = {
    # Only this server, no inline script, no frame around it.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}

# The report has its pictures and its style inside itself.
_REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

_MESSAGES = {
    401: "The results need the admin's key, as the password; the user may be anybody.",
    404: "There is nothing here. If you were given a link, please look whether all of it was copied.",
}


def make_app(stores: Sequence[Store], hosts: Hosts = None) -> FastAPI:
    """The application that serves these surveys side by side. Raises DataError if one is given twice.

    hosts: names by which requests may call the server.
    """
    surveys: dict[str, Store] = {}
    for store in stores:
        if surveys.setdefault(store.id, store) is not store:
            raise DataError(f"{store.path} and {surveys[store.id].path} are the same survey")
    # Its own documentation pages would load scripts from another server.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(
        GuardMiddleware, limits=_LIMITS, hosts=hosts, most_bytes=MOST_BYTES, answer=_refuse, headers=_HEADERS
    )
    app.add_exception_handler(AnyHTTPError, _explain)
    app.add_exception_handler(ImpastoError, _explain_failure)
    for name, kind in _ASSETS.items():
        content = (files("impasto.survey") / "page" / name).read_text(encoding="utf-8")
        app.add_api_route(f"/assets/{name}", lambda kind=kind, content=content: Response(content, media_type=kind))

    def known(survey: str) -> Store:
        if survey not in surveys:
            raise HTTPException(404)
        return surveys[survey]

    _add_participation(app, known)
    _add_results(app, known)
    return app


def _add_participation(app: FastAPI, known: Callable[[str], Store]) -> None:
    Known = Annotated[Store, Depends(known)]

    def invited(store: Known, link: str) -> int:
        person = store.participant(link)
        if person is None:
            raise HTTPException(404)
        return person

    Person = Annotated[int, Depends(invited)]

    def check_joining(store: Known, token: str) -> None:
        if not store.is_joining(token):
            raise HTTPException(404)

    @app.get("/{survey}/join/{token}", response_class=HTMLResponse, dependencies=[Depends(check_joining)])
    def show_joining(store: Known) -> str:
        # Only a form takes a place: programs that look at a link before a person does would use them up.
        return render("survey/join.html", title=store.settings.title, introduction=store.settings.introduction)

    @app.post("/{survey}/join/{token}", dependencies=[Depends(check_joining)])
    def join(store: Known) -> Response:
        link = store.join()
        if link is None:
            raise HTTPException(410, "All places of this survey are taken. Thank you for wanting to take part.")
        return RedirectResponse(f"../p/{link}", 303)

    @app.get("/{survey}/p/{link}", response_class=HTMLResponse, dependencies=[Depends(invited)])
    def show(store: Known) -> str:
        return render("survey/survey.html", title=store.settings.title)

    @app.get("/{survey}/p/{link}/state")
    def state(store: Known, person: Person) -> dict[str, Any]:
        settings = store.settings
        shown = ("title", "introduction", "question", "comparison", "lowest", "highest")
        return {
            **{name: getattr(settings, name) for name in shown},
            "scale": SCALE,
            "tasks": [asdict(task) for task in store.tasks(person)],
        }

    @app.get("/{survey}/p/{link}/pictures/{picture}", dependencies=[Depends(invited)])
    def show_picture(store: Known, picture: str) -> Response:
        data = store.picture(picture)
        if data is None:
            raise HTTPException(404)
        # It never changes, and a phone need not load it twice.
        return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})

    @app.put("/{survey}/p/{link}/answers/{position}", status_code=204)
    async def answer(request: Request, store: Known, person: Person, position: int) -> Response:
        value = _value(await request.body())
        try:
            stored = await run_in_threadpool(store.put, person, position, value)
        except (LookupError, OverflowError):
            raise HTTPException(404) from None
        if stored != value:
            return JSONResponse({"message": "this question is answered already", "value": stored}, 409)
        return Response(status_code=204)


def _add_results(app: FastAPI, known: Callable[[str], Store]) -> None:
    def for_admin(request: Request, store: Annotated[Store, Depends(known)]) -> Store:
        if not store.is_admin(_password(request.headers.get("authorization", ""))):
            raise HTTPException(401, headers={"www-authenticate": 'Basic realm="results", charset="UTF-8"'})
        return store

    Admin = Annotated[Store, Depends(for_admin)]

    @app.get("/{survey}/results")
    def results(store: Admin) -> Response:
        text = page(make_report(store, Bootstrap()), store)
        return HTMLResponse(text, headers={"content-security-policy": _REPORT_POLICY})

    @app.get("/{survey}/results.json")
    def numbers(store: Admin) -> Response:
        return Response(report_json(make_report(store, Bootstrap())), media_type="application/json")

    @app.get("/{survey}/results.csv")
    def table(store: Admin) -> Response:
        return Response(answers_csv(store), media_type="text/csv")

    @app.get("/{survey}/results.png")
    def figure(store: Admin) -> Response:
        picture = draw(make_report(store, Bootstrap()))
        if picture is None:
            raise HTTPException(404, missing_extra("the picture of the report", "survey", "matplotlib"))
        return Response(picture, media_type="image/png")


def _password(authorization: str) -> str:
    """The password of HTTP basic authentication, whatever the user's name."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _value(body: bytes) -> Any:
    try:
        match json.loads(body):
            case {"value": value, **others} if not others:
                return value
    except (ValueError, RecursionError):
        pass
    raise HTTPException(422, "an answer is a JSON object with a value")


async def _explain(request: Request, error: Exception) -> Response:
    """A page for a person, JSON for the page's own requests."""
    assert isinstance(error, AnyHTTPError)
    message = error.detail
    if message == HTTPStatus(error.status_code).phrase:
        message = _MESSAGES.get(error.status_code, message)
    return _answer(request, message, error.status_code, error.headers)


def _refuse(scope: Scope, problem: Problem) -> Response:
    return _answer(Request(scope), problem.detail, problem.status, problem.headers)


def _answer(request: Request, message: str, status: int, headers: Mapping[str, str] | None) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(render("survey/message.html", title="Survey", message=message), status, headers)
    return JSONResponse({"message": message}, status, headers)


async def _explain_failure(_: Request, error: Exception) -> Response:
    if isinstance(error, AnswerError):
        return JSONResponse({"message": str(error)}, 422)
    # What went wrong with the file is for whoever runs the server; a page tries again after this.
    return JSONResponse({"message": "the answers cannot be reached at the moment"}, 503, {"retry-after": "2"})


def serve(stores: Sequence[Store], listener: socket.socket, *, proxy: str = "", hosts: Hosts = None) -> None:
    """Ask until the process is told to stop. proxy: as `configured` takes it. hosts: as `make_app` does.

    Raises DataError if a survey is given twice.
    """
    config = configured(make_app(stores, hosts), _LIMITS, proxy=proxy, lifespan="off", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])

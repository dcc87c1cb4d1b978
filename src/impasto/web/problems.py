"""Errors as problems, which status says what, and what OpenAPI says of them."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from impasto.errors import ImpastoError, OptionError
from impasto.methods import every_field
from impasto.options import choosable
from impasto.service.refusals import OtherReplicaError, RefusedError
from impasto.serving.problem import MEDIA_TYPE, Problem
from impasto.video.options import VideoOptions

# By the code of a refusal, or of a job's failure; anything else that a caller can put right is 422.
STATUS: Mapping[str, int] = {
    "queue-full": 503,
    "stopping": 503,
    "unavailable": 503,
    "too-many-jobs": 429,
    "too-large": 413,
    "too-long": 413,
    "not-a-picture": 415,
    "not-a-video": 415,
    "no-videos": 501,
    "no-torch": 501,
    "no-such-upload": 404,
    "no-such-job": 404,
    "other-replica": 421,
    "not-finished": 409,
    "cancelled": 409,
    "internal": 500,
    "worker-died": 500,
}


def problem_of(error: ImpastoError, more: Mapping[str, Any] | None = None) -> Problem:
    """What impasto refused, as an answer. more: further members of the object."""
    members = dict(more or {})
    if isinstance(error, OtherReplicaError):
        members["replica"] = error.replica
    if isinstance(error, RefusedError):
        status = STATUS.get(error.code, 422)
        return Problem(status, error.code, str(error), retry_after=error.retry_after, more=members)
    if isinstance(error, OptionError) and (name := str(error).partition(" ")[0].rstrip(":")) in (
        "method",
        *every_field(),
        *(item.name for item in choosable(VideoOptions)),
    ):
        members["option"] = name
    return Problem(422, type(error).__name__, str(error), more=members)


def install(app: FastAPI, *, with_keys: bool) -> None:
    """Have every error of the app answered as a problem, and its description say so."""

    @app.exception_handler(ImpastoError)
    def refused(_: Request, error: ImpastoError) -> Response:
        return problem_of(error).response()

    @app.exception_handler(HTTPException)
    def routed(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # The router knows only the first of several routes with one path.
            headers["Allow"] = ", ".join(sorted(_methods(request)))
        return Problem(error.status_code, "http", str(error.detail), headers=headers).response()

    @app.exception_handler(RequestValidationError)
    def misread(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name, why = first["loc"][-1], first["msg"]
        if first["type"] == "literal_error":
            why = f"it is '{str(first['input'])[:80]}', but must be {first['ctx']['expected']}, or left out"
        return Problem(422, "wrong-parameter", f"{name}: {why}").response()

    @app.exception_handler(Problem)
    def answered(_: Request, problem: Problem) -> Response:
        return problem.response()

    @app.exception_handler(Exception)
    def broken(_: Request, __: Exception) -> Response:
        return Problem(500, "internal", "something went wrong inside impasto").response()

    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make()
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = PROBLEM
            if with_keys:
                components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
                schema["security"] = [{"key": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _methods(request: Request) -> set[str]:
    here = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in here for method in getattr(route, "methods", None) or ()}


# --- in the description -----------------------------------------------------------------------------------------------

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "for a person"},
        "code": {"type": "string", "description": "for a program"},
        "option": {"type": "string", "description": "the option that is wrong"},
        "job": {"type": "string", "description": "the job that failed"},
        "replica": {"type": "string", "description": "the server that has the job"},
    },
    "example": {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "32 jobs wait already; please come again later",
        "code": "queue-full",
    },
}

_REASONS = {
    400: "the body or the request is broken",
    401: "no key, or none that is known",
    403: "the key is not for this, or the request comes from another site",
    404: "there is no such thing, or no longer",
    408: "the request took too long to arrive",
    409: "the job is not finished, or was cancelled",
    413: "too many bytes or pixels",
    415: "no form, or no picture",
    421: "the job is another replica's",
    422: "an option or a picture is wrong; or why painting failed",
    429: "too many unfinished jobs of one user, or too many requests",
    500: "something went wrong inside impasto",
    501: "this server lacks what it needs for that: films, or PyTorch",
    503: "the queue is full, or the server stops or starts",
}
_LATER = {"Retry-After": {"description": "seconds until it makes sense to try again", "schema": {"type": "integer"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers that are no success, for `responses` of a route; what the guard and keys say is always among them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {
            "description": _REASONS[status],
            "content": content,
            **({"headers": _LATER} if status in (429, 503) else {}),
        }
        for status in sorted({400, 401, 403, 413, 429, 500, 503, *statuses})
    }

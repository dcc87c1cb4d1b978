"""What OpenAPI says of the API: the form from the options, and problems as they are."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from impasto.service import FORMATS, VIDEO_FORMATS, Limits, Offer, PaintRequest, VideoRequest
from impasto.serving.problem import MEDIA_TYPE
from impasto.web.form import REST

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
FILE = {"type": "string", "format": "binary"}
FORMAT = {"type": "string", "enum": list(FORMATS), "default": PaintRequest.format}
JPEG = {"content": {"image/jpeg": {"schema": {"type": "string"}}}}
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


def picture(description: str, formats: Mapping[str, str] = FORMATS) -> dict[str, Any]:
    """An answer that is a painting, or with VIDEO_FORMATS a painted film."""
    return {"description": description, "content": {kind: {"schema": FILE} for kind in formats.values()}}


def video_form(offer: Offer, limits: Limits) -> dict[str, Any]:
    """The body of `POST /v1/stylize-video`."""
    properties: dict[str, Any] = {
        "content": {"type": "string", "description": "the film to paint, as its id from /v1/videos"},
        "style": _styles(offer, limits),
        "format": {"type": "string", "enum": list(VIDEO_FORMATS), "default": VideoRequest.format},
        **{name: _without_words(shown) for name, shown in offer.video_schema().items()},
        **_options(offer),
    }
    example = {"content": "video:...", "style": list(offer.styles)[:1], "size": 640, "start": "2", "end": "5.5"}
    return _body(properties, ["content"], example)


def form(offer: Offer, limits: Limits) -> dict[str, Any]:
    """The body of `POST /v1/stylize`."""
    properties: dict[str, Any] = {
        "content": {**FILE, "description": "the picture to paint, as a file or the id of an upload"},
        "style": _styles(offer, limits),
        "mask": {
            "type": "array",
            "items": {"anyOf": [{"type": "string", "enum": [REST]}, FILE]},
            "maxItems": limits.styles_each,
            "description": "where each style goes, white where it does, as files or ids of uploads;"
            f" '{REST}' for what the others leave",
        },
        "format": FORMAT,
        **_options(offer),
    }
    example = {"content": "(the file)", "style": list(offer.styles)[:1], "strength": 0.8, "size": 512}
    return _body(properties, ["content"], example)


def look_form(offer: Offer) -> dict[str, Any]:
    """The body of `POST /v1/attention`."""
    options = _options(offer)
    looking = offer.looking()
    named = {name for method in looking for name in offer.methods[method].look_options}
    percent = {"type": "number", "minimum": 0, "maximum": 100}
    properties: dict[str, Any] = {
        "content": {**FILE, "description": "the picture that has the place, as a file or the id of an upload"},
        "style": {
            **_style(offer.paintings),
            "description": "the painting it looks in, as a file, the id of an upload, or by its name in /v1/styles;"
            " none for a method that looks in the content",
        },
        "x": {**percent, "description": "of the place, in percent of the content's width"},
        "y": {**percent, "description": "of the place, in percent of the content's height"},
        "format": FORMAT,
        "method": {**options["method"], **({"enum": list(looking), "default": looking[0]} if looking else {})},
        **{name: shown for name, shown in options.items() if name in named},
    }
    example = {"content": "(the file)", "style": next(iter(offer.paintings), ""), "x": 50, "y": 20}
    return _body(properties, ["content", "x", "y"], example)


def _styles(offer: Offer, limits: Limits) -> dict[str, Any]:
    return {
        "type": "array",
        "items": _style(list(offer.styles)),
        "maxItems": limits.styles_each,
        "description": "paintings, as files, ids of uploads, or by their names in /v1/styles; none for a method"
        " whose weights are its style",
    }


def _style(names: list[str]) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "enum": names}, FILE]}


def _options(offer: Offer) -> dict[str, dict[str, Any]]:
    return {name: _without_words(shown) for name, shown in offer.every_schema().items()}


def _without_words(shown: dict[str, Any]) -> dict[str, Any]:
    """What JSON Schema has."""
    return {key: value for key, value in shown.items() if key not in ("unit", "methods", "plain")}


def _body(properties: dict[str, Any], required: list[str], example: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "properties": properties, "additionalProperties": False}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema, "example": example}}}


def complete(app: FastAPI, *, with_keys: bool) -> None:
    """Add to the app's OpenAPI what its routes refer to."""
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

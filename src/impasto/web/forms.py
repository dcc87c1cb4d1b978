"""Forms (multipart/form-data): each as a request of the service, without a file of it ever touching the disk, and as
OpenAPI describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from impasto.errors import OptionError
from impasto.service.limits import Limits
from impasto.service.offer import Offer
from impasto.service.request import FORMATS, VIDEO_FORMATS, PaintRequest, VideoRequest
from impasto.service.service import Service
from impasto.service.uploads import PREFIX, Uploads
from impasto.service.videos import PREFIX as VIDEO_PREFIX
from impasto.serving.problem import Problem

LONGEST_TEXT = 10_000
"""Bytes of a field that is no file."""
REST = "rest"
"""As a mask: what the others leave."""


async def read_form(request: Request, service: Service, user: str, kind: str) -> PaintRequest | VideoRequest:
    """kind: "paint", "look", which says where to look from, in x and y, or "video".

    Raises Problem 415 for another kind of body, 400 for a broken one; OptionError for what the fields say; and what
    naming an upload raises."""
    fields, offer = _sorted(await _items(request, service.limits), service.uploads, user), service.offer
    return _video_request(fields, offer) if kind == "video" else _picture_request(fields, offer, looks=kind == "look")


async def _items(request: Request, limits: Limits) -> list[tuple[str, str | bytes]]:
    """The fields in order; of files, their bytes."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        headers = {"Accept": "multipart/form-data"}
        raise Problem(415, "not-a-form", "the body must be multipart/form-data", headers=headers)
    files = 1 + 2 * limits.styles_each
    try:
        parser = MultiPartParser(
            request.headers, request.stream(), max_files=files, max_fields=100, max_part_size=LONGEST_TEXT
        )  # fmt: skip
        # Files stay in memory; how much there is, the guard has bounded.
        parser.spool_max_size = 2**32
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        detail = error.message if isinstance(error, MultiPartException) else "its boundary or its headers are damaged"
        raise Problem(400, "broken-form", f"the form cannot be read: {detail}") from error
    try:
        return [
            (name, await value.read() if isinstance(value, UploadFile) else value) for name, value in form.multi_items()
        ]
    finally:
        await form.close()


@dataclass
class _Fields:
    """Of a form. content: a file, or the id of a film. texts: all that are neither pictures nor films."""

    content: str | bytes | None = None
    styles: list[str | bytes] = field(default_factory=list)
    masks: list[bytes | None] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


def _sorted(items: list[tuple[str, str | bytes]], uploads: Uploads, user: str) -> _Fields:
    fields = _Fields()
    for name, value in items:
        given = value
        if name in _PICTURES and isinstance(given, str) and given.startswith(PREFIX):
            given = uploads.named(given, user)
        is_film = isinstance(given, str) and given.startswith(VIDEO_PREFIX)
        if name == "content" and (is_film or isinstance(given, bytes)) and fields.content is None:
            fields.content = given
        elif name == "style":
            fields.styles.append(given)
        elif name == "mask" and isinstance(given, bytes):
            fields.masks.append(given)
        elif name == "mask" and given == REST:
            fields.masks.append(None)
        elif isinstance(given, bytes) or name in ("content", "mask"):
            raise OptionError(f"{name[:80]} {_FILES.get(name, 'is a value, but was sent as a file')}")
        elif name in fields.texts:
            raise OptionError(f"{name[:80]} is given twice")
        else:
            fields.texts[name] = given
    return fields


def _picture_request(fields: _Fields, offer: Offer, *, looks: bool) -> PaintRequest:
    texts = fields.texts
    if not isinstance(fields.content, bytes):
        raise OptionError("content is missing: the picture to paint or to look from, as a file or an upload's id")
    place = (_percent(texts, "x"), _percent(texts, "y")) if looks else None
    if looks and not texts.get("method"):
        texts["method"] = next(iter(offer.looking()), "")
    return PaintRequest(
        content=fields.content,
        styles=tuple(fields.styles),
        masks=tuple(fields.masks),
        format=texts.pop("format", "") or PaintRequest.format,
        options=offer.chosen(texts),
        place=place,
    )


def _video_request(fields: _Fields, offer: Offer) -> VideoRequest:
    texts = fields.texts
    if not isinstance(fields.content, str):
        raise OptionError("content is missing: the id of a film that was sent to /v1/videos")
    if fields.masks:
        raise OptionError("masks are for pictures; in a film things move")
    about = {name: texts.pop(name) for name in offer.video_options() if name in texts}
    return VideoRequest(
        clip=fields.content,
        styles=tuple(fields.styles),
        format=texts.pop("format", "") or VideoRequest.format,
        video=offer.chosen_video(about),
        options=offer.chosen(texts),
    )


def _percent(texts: dict[str, str], name: str) -> float:
    """The range is the service's to check."""
    text = texts.pop(name, "")
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"{name} of the place is '{text[:80]}', but must be a number from 0 to 100") from None


_PICTURES = ("content", "style", "mask")
_FILES = {
    "content": "must be one file, or an upload's id",
    "mask": f"must be a file, or '{REST}' for what the others leave",
}


# --- in the description -----------------------------------------------------------------------------------------------

FILE = {"type": "string", "format": "binary"}
FORMAT = {"type": "string", "enum": list(FORMATS), "default": PaintRequest.format}
JPEG = {"content": {"image/jpeg": {"schema": {"type": "string"}}}}


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

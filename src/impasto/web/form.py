"""A form (multipart/form-data) as a request of the service, without a file of it ever touching the disk."""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from impasto.errors import OptionError
from impasto.service import Limits, Offer, PaintRequest, VideoRequest
from impasto.service.videos import PREFIX as VIDEO_PREFIX
from impasto.serving.problem import Problem

LONGEST_TEXT = 10_000
"""Bytes of a field that is no file."""
REST = "rest"
"""As a mask: what the others leave."""
PREFIX = "upload:"
"""How ids of uploads begin, which tells them from the names of styles."""

Stored = Callable[[str], bytes]
"""The bytes of an upload, by its id."""


async def read_form(
    request: Request, limits: Limits, offer: Offer, stored: Stored, *, kind: str = "paint"
) -> PaintRequest | VideoRequest:
    """kind: "paint", "look", which says where to look from, in x and y, or "video".

    Raises Problem 415 for another kind of body, 400 for a broken one; OptionError for what the fields say; and what
    `stored` raises."""
    fields = _sorted(await _items(request, limits), stored)
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


def _sorted(items: list[tuple[str, str | bytes]], stored: Stored) -> _Fields:
    fields = _Fields()
    for name, value in items:
        given = value
        if name in _PICTURES and isinstance(given, str) and given.startswith(PREFIX):
            given = stored(given)
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

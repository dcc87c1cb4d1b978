"""A form (multipart/form-data) as a request of the service, without a file of it ever touching the disk."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from impasto.errors import OptionError
from impasto.service import Limits, Offer, PaintRequest
from impasto.serving.problem import Problem

LONGEST_TEXT = 10_000
"""Bytes of a field that is no file."""
REST = "rest"
"""As a mask: what the others leave."""
PREFIX = "upload:"
"""How ids of uploads begin, which tells them from the names of styles."""


class InMemory(MultiPartParser):
    """Files stay in memory; how much there is, the guard has bounded."""

    spool_max_size = 2**32


Stored = Callable[[str], bytes]
"""The bytes of an upload, by its id."""


async def read_form(
    request: Request, limits: Limits, offer: Offer, stored: Stored, *, looks: bool = False
) -> PaintRequest:
    """looks: it says where to look from, in x and y.

    Raises Problem 415 for another kind of body, 400 for a broken one; OptionError for what the fields say; and what
    `stored` raises."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        headers = {"Accept": "multipart/form-data"}
        raise Problem(415, "not-a-form", "the body must be multipart/form-data", headers=headers)
    files = 1 + 2 * limits.styles_each
    try:
        parser = InMemory(
            request.headers, _stream(request), max_files=files, max_fields=100, max_part_size=LONGEST_TEXT
        )  # fmt: skip
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        detail = error.message if isinstance(error, MultiPartException) else "its boundary or its headers are damaged"
        raise Problem(400, "broken-form", f"the form cannot be read: {detail}") from error
    try:
        return await _request(form.multi_items(), offer, stored, looks=looks)
    finally:
        await form.close()


async def _stream(request: Request) -> AsyncGenerator[bytes, None]:
    async for chunk in request.stream():
        yield chunk


async def _request(items: list[tuple[str, Any]], offer: Offer, stored: Stored, *, looks: bool) -> PaintRequest:
    content: bytes | None = None
    styles: list[str | bytes] = []
    masks: list[bytes | None] = []
    texts: dict[str, str] = {}
    for name, value in items:
        given = await value.read() if isinstance(value, UploadFile) else value
        if name in _PICTURES and isinstance(given, str) and given.startswith(PREFIX):
            given = stored(given)
        if name == "content" and isinstance(given, bytes) and content is None:
            content = given
        elif name == "style":
            styles.append(given)
        elif name == "mask" and (isinstance(given, bytes) or given == REST):
            masks.append(None if given == REST else given)
        elif isinstance(given, bytes) or name in ("content", "mask"):
            raise OptionError(f"{name[:80]} {_FILES.get(name, 'is a value, but was sent as a file')}")
        elif name in texts:
            raise OptionError(f"{name[:80]} is given twice")
        else:
            texts[name] = given
    if content is None:
        raise OptionError("content is missing: the picture to paint or to look from, as a file or an upload's id")
    place = (_percent(texts, "x"), _percent(texts, "y")) if looks else None
    if looks and not texts.get("method"):
        texts["method"] = next(iter(offer.looking()), "")
    return PaintRequest(
        content=content,
        styles=tuple(styles),
        masks=tuple(masks),
        format=texts.pop("format", "") or PaintRequest.format,
        options=offer.chosen(texts),
        place=place,
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

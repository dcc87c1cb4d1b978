"""`/v1/methods`, `/v1/styles` and `/v1/photos`: what a server offers."""

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from impasto.decoding import read_shown
from impasto.errors import OptionError
from impasto.gallery import is_encoded, named_styles, photos, styles_file
from impasto.methods import shipped
from impasto.report.sheets import jpeg, reduced
from impasto.service.offer import Offer
from impasto.service.request import FORMATS, VIDEO_FORMATS
from impasto.service.service import Service
from impasto.serving.problem import Problem
from impasto.web.forms import JPEG
from impasto.web.problems import problems

THUMBNAIL_SIDE = 256
"""Pixels of a thumbnail's longer side."""

router = APIRouter(prefix="/v1")
_PHOTO: dict[int | str, dict[str, Any]] = {200: {"description": "a picture", **JPEG}, **problems(404)}


@router.get("/methods", summary="Methods, options and limits", responses=problems())
async def methods(request: Request) -> dict[str, Any]:
    """What each method can do, and its `options` as JSON Schema, those that most people want (`plain`) first; what is
    `refining` has an effect once one of `refined_by` is not as usual. `generator` is the one that comes with impasto.
    The `options` beside the methods are those of all together; `methods` in them are the only ones that have the
    option. `video` is null where no films are painted."""
    request.app.state.access.visitor(request)
    service: Service = request.app.state.service
    offer = service.offer
    return {
        "default": offer.default,
        "methods": [method_json(name, offer) for name in offer.methods],
        "options": offer.every_schema(),
        "formats": FORMATS,
        "video": None if service.videos.problem else {"formats": VIDEO_FORMATS, "options": offer.video_schema()},
        "limits": asdict(service.limits),
    }


@router.get("/styles", summary="Styles that can be named", responses=problems())
async def styles(request: Request) -> dict[str, Any]:
    """Each with the address of a small picture of it, and what is known of the painting that it was encoded from. Of
    one that is `encoded` there is no more than that: what needs the painting itself refuses it."""
    request.app.state.access.visitor(request)
    offer: Offer = request.app.state.service.offer
    return {"styles": [style_json(name, file) for name, file in offer.styles.items()]}


@router.get(
    "/styles/{name}/thumbnail",
    summary="A style, small",
    response_class=Response,
    responses={200: {"description": "a small picture", **JPEG}, **problems(404)},
    name="thumbnail",
)
async def style_thumbnail(request: Request, name: str) -> Response:
    """JPEG."""
    request.app.state.access.visitor(request)
    try:
        path = request.app.state.service.offer.picture(name)
    except OptionError as error:
        raise Problem(404, "no-such-style", str(error)) from error
    return _jpeg(await run_in_threadpool(thumbnail, path))


@router.get("/photos", summary="Photos to begin with", responses=problems())
async def sample_photos(request: Request) -> dict[str, Any]:
    """For those who have none at hand; each with the addresses of the picture and of a small one."""
    request.app.state.access.visitor(request)
    return {"photos": [_photo(name) for name in photos()]}


@router.get("/photos/{name}", summary="A photo", response_class=Response, responses=_PHOTO)
async def photo(request: Request, name: str) -> Response:
    """JPEG."""
    return _jpeg(await run_in_threadpool(_photo_file(request, name).read_bytes))


@router.get("/photos/{name}/thumbnail", summary="A photo, small", response_class=Response, responses=_PHOTO)
async def photo_thumbnail(request: Request, name: str) -> Response:
    """JPEG."""
    return _jpeg(await run_in_threadpool(thumbnail, _photo_file(request, name)))


@lru_cache(maxsize=256)
def thumbnail(path: Path) -> bytes:
    """A small JPEG file of a picture of the operator's. Raises PictureError."""
    return jpeg(reduced(read_shown(path, side=THUMBNAIL_SIDE), THUMBNAIL_SIDE), 85)


def _photo_file(request: Request, name: str) -> Path:
    request.app.state.access.visitor(request)
    if name not in photos():
        raise Problem(404, "no-such-photo", "there is no photo of this name")
    return photos()[name]


def _jpeg(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _photo(name: str) -> dict[str, str]:
    return {"name": name, "picture": f"/v1/photos/{name}", "thumbnail": f"/v1/photos/{name}/thumbnail"}


def style_json(name: str, file: Path) -> dict[str, Any]:
    """What `/v1/styles` tells of one."""
    about = asdict(named_styles()[name]) if file == styles_file() else {}
    return {"name": name, "thumbnail": f"/v1/styles/{quote(name)}/thumbnail", "encoded": is_encoded(file), **about}


def method_json(name: str, offer: Offer) -> dict[str, Any]:
    """What `/v1/methods` tells of one."""
    kind, file = offer.methods[name], shipped().get(offer.methods[name].weights_name)
    return {
        "name": name,
        "about": kind.about,
        "takes_style": kind.takes_styles,
        "needs_style": kind.needs_style,
        "takes_several": kind.blends,
        "takes_masks": kind.takes_masks,
        "takes_encoded": bool(kind.encoded),
        "refined_by": list(kind.refined_by) if offer.torch else [],
        "looks_in": kind.looks_in,
        "look_options": list(kind.look_options),
        **({"generator": file.stem} if file is not None and offer.weights.get(kind.weights_name) == file else {}),
        "options": offer.schema(name),
    }

"""`/v1/methods` and `/v1/styles`: what a server offers."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from impasto.errors import OptionError
from impasto.gallery import named_styles, styles_file
from impasto.service import FORMATS, Offer
from impasto.serving.problem import Problem
from impasto.web.copies import style_thumbnail
from impasto.web.schema import problems

router = APIRouter(prefix="/v1")


@router.get("/methods", summary="Methods, options and limits", responses=problems())
async def methods(request: Request) -> dict[str, Any]:
    """What each method can do, and its `options` as JSON Schema, those that most people want (`plain`) first; what is
    `refining` has an effect once one of `refined_by` is not as usual. The `options` beside the methods are those of all
    together; `methods` in them are the only ones that have the option."""
    request.app.state.access.visitor(request)
    offer: Offer = request.app.state.service.offer
    return {
        "default": offer.default,
        "methods": [_method(name, offer) for name in offer.methods],
        "options": offer.every_schema(),
        "formats": FORMATS,
        "limits": asdict(request.app.state.service.limits),
    }


@router.get("/styles", summary="Styles that can be named", responses=problems())
async def styles(request: Request) -> dict[str, Any]:
    """Each with the address of a small picture of it, and what is known of the painting that it was encoded from."""
    request.app.state.access.visitor(request)
    offer: Offer = request.app.state.service.offer
    return {"styles": [_style(name, file) for name, file in offer.styles.items()]}


@router.get(
    "/styles/{name}/thumbnail",
    summary="A style, small",
    response_class=Response,
    responses={
        200: {"description": "a small picture", "content": {"image/jpeg": {"schema": {"type": "string"}}}},
        **problems(404),
    },
)
async def thumbnail(request: Request, name: str) -> Response:
    """JPEG."""
    request.app.state.access.visitor(request)
    try:
        path = request.app.state.service.offer.picture(name)
    except OptionError as error:
        raise Problem(404, "no-such-style", str(error)) from error
    data = await run_in_threadpool(style_thumbnail, path)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _style(name: str, file: Path) -> dict[str, str]:
    about = asdict(named_styles()[name]) if file == styles_file() else {}
    return {"name": name, "thumbnail": f"/v1/styles/{name}/thumbnail", **about}


def _method(name: str, offer: Offer) -> dict[str, Any]:
    kind = offer.methods[name]
    return {
        "name": name,
        "about": kind.about,
        "takes_style": kind.takes_styles,
        "needs_style": kind.needs_style,
        "takes_several": kind.blends,
        "takes_masks": kind.takes_masks,
        "takes_encoded": bool(kind.encoded),
        "refined_by": list(kind.refined_by),
        "looks_in": kind.looks_in,
        "look_options": list(kind.look_options),
        "options": offer.schema(name),
    }

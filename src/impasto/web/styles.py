"""`/v1/methods` and `/v1/styles`: what a server offers."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from impasto.errors import OptionError
from impasto.options import StylizeOptions
from impasto.service import FORMATS, Offer
from impasto.serving.problem import Problem
from impasto.web.copies import style_thumbnail
from impasto.web.schema import problems

router = APIRouter(prefix="/v1")


@router.get("/methods", summary="Methods, options and limits", responses=problems())
async def methods(request: Request) -> dict[str, Any]:
    """`options` is JSON Schema; `methods` in it are the only ones that have the option."""
    request.app.state.access.visitor(request)
    offer: Offer = request.app.state.service.offer
    schema = offer.schema()
    return {
        "methods": [_method(name, schema) for name in schema["method"]["enum"]],
        "options": schema,
        "formats": FORMATS,
        "limits": asdict(request.app.state.service.limits),
    }


@router.get("/styles", summary="Styles that can be named", responses=problems())
async def styles(request: Request) -> dict[str, Any]:
    """Each with the address of a small picture of it."""
    request.app.state.access.visitor(request)
    offer: Offer = request.app.state.service.offer
    return {"styles": [{"name": name, "thumbnail": f"/v1/styles/{name}/thumbnail"} for name in offer.styles]}


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
        path = request.app.state.service.offer.style(name)
    except OptionError as error:
        raise Problem(404, "no-such-style", str(error)) from error
    data = await run_in_threadpool(style_thumbnail, path)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _method(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    own = [option for option, shown in schema.items() if name in shown.get("methods", [name])]
    return {"name": name, "takes_style": StylizeOptions(method=name).takes_style, "options": own}

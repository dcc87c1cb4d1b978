"""`/v1/session`: signing in with a browser, and letting go of everything on leaving.

The key itself becomes a cookie: whoever is taken off the list is out within a second, and the server keeps no list of
its own of who is in. No script can read the cookie, and no other site can have it sent.
"""

import contextlib
import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from impasto.service.refusals import NoSuchJobError, RefusedError
from impasto.service.videos import PREFIX as VIDEO_PREFIX
from impasto.serving.problem import Problem
from impasto.web.access import COOKIE, Access, is_encrypted
from impasto.web.form import PREFIX
from impasto.web.schema import problems

router = APIRouter(prefix="/v1")


def _body(required: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": [required], "properties": properties}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.get("/session", summary="Whether a key is wanted, and there is one", responses=problems())
async def session(request: Request) -> dict[str, bool]:
    """For everybody."""
    access: Access = request.app.state.access
    try:
        access.visitor(request, "stylize")
    except Problem as problem:
        if problem.status not in (401, 403):
            raise
        return {"wants_key": True, "signed_in": False}
    return {"wants_key": access.wants_keys, "signed_in": access.wants_keys}


@router.post(
    "/session",
    summary="Sign in with a browser",
    status_code=204,
    responses=problems(422),
    openapi_extra=_body("key", {"key": {"type": "string"}}),
)
async def sign_in(request: Request) -> Response:
    """The key becomes a cookie, if it is one that may paint."""
    access: Access = request.app.state.access
    key = (await _sent(request)).get("key")
    if not isinstance(key, str):
        raise Problem(422, "no-key", "the body must be an object with a key")
    answer = Response(status_code=204)
    if access.wants_keys:
        access.key_of(key.strip(), "stylize", request)
        answer.set_cookie(COOKIE, key.strip(), httponly=True, samesite="strict", secure=is_encrypted(request))
    return answer


@router.delete("/session", summary="Sign out", status_code=204, responses=problems())
async def sign_out() -> Response:
    """The cookie goes."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.post(
    "/forget",
    summary="Let go of jobs and uploads",
    status_code=204,
    responses=problems(422),
    openapi_extra=_body("ids", {"ids": {"type": "array", "items": {"type": "string"}}}),
)
async def forget(request: Request) -> Response:
    """Of both, and of films, by their ids; of jobs that wait or are painted, too. What is gone already is no error."""
    state = request.app.state
    user = state.access.visitor(request, "stylize").user
    ids = (await _sent(request)).get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise Problem(422, "no-ids", "the body must be an object with a list of ids")
    for one in ids:
        if one.startswith(PREFIX):
            with contextlib.suppress(Problem):
                state.uploads.forget(one, user)
        elif one.startswith(VIDEO_PREFIX):
            with contextlib.suppress(RefusedError):
                state.service.videos.forget(one, user)
        else:
            with contextlib.suppress(NoSuchJobError):
                state.service.forget(one, user, entirely=True)
            state.copies.forget(one)
    return Response(status_code=204)


async def _sent(request: Request) -> dict[str, Any]:
    """A JSON object; the guard has bounded it. Raises Problem."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Problem(400, "broken-json", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Problem(422, "no-object", "the body must be a JSON object")
    return body

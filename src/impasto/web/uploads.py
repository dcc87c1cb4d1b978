"""`/v1/uploads` and `/v1/videos`: pictures and films that are sent once, and named in requests from then on. For a
while, pictures stay in memory, and films lie on the disk."""

from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from impasto.service.request import largest_size, size_of
from impasto.service.service import Service
from impasto.serving.problem import Problem
from impasto.web.forms import FILE
from impasto.web.problems import problems

UPLOADS, VIDEOS = "/v1/uploads", "/v1/videos"
PIECE = 2**20
"""Bytes of a film that are written at a time."""
PROBES = 2
"""Films that are looked at at a time."""

router = APIRouter()
_FILE_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": FILE}}}}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What was sent once, and is named by its id in requests from then on. keep_seconds: of not being named in one."""

    id: str
    width: int
    height: int
    bytes: int
    keep_seconds: float


@dataclass(frozen=True, kw_only=True)
class StoredVideo(Stored):
    """The same of a film. largest_size: longer side that it can be painted at here."""

    frames: int
    fps: float
    seconds: float
    largest_size: int


def _stored(model: type[Stored], description: str) -> dict[str, Any]:
    return {"model": model, "description": description, "headers": {"Location": {"schema": {"type": "string"}}}}


def _sender(request: Request) -> str:
    """The user who sends a file. Raises what `Access.visitor` and `Service.check_open` do, and Problem for a form."""
    user: str = request.app.state.access.visitor(request, "stylize").user
    if request.headers.get("content-type", "").startswith("multipart/"):
        detail = "the body must be the bare bytes of the file (curl --data-binary @FILE), not a form (-F)"
        raise Problem(415, "a-form", detail)
    request.app.state.service.check_open()
    return user


def _answer(path: str, about: Stored) -> Response:
    headers = {"Location": f"{path}/{about.id}", "Cache-Control": "no-store"}
    return JSONResponse(asdict(about), 201, headers)


@router.post(
    UPLOADS,
    summary="Send a picture once, to name it in requests",
    status_code=201,
    responses={201: _stored(Stored, "its id, which a form takes for the file itself"), **problems(408, 413, 415, 422)},
    openapi_extra=_FILE_BODY,
)
async def upload(request: Request) -> Response:
    """The body is the file. Of more than one user may have here, those go that were not used for the longest time."""
    user = _sender(request)
    service: Service = request.app.state.service
    limits = service.limits
    data = await request.body()
    width, height = await run_in_threadpool(size_of, data, "the picture", limits)
    name = service.uploads.put(data, user)
    about = Stored(id=name, width=width, height=height, bytes=len(data), keep_seconds=limits.keep_seconds)
    return _answer(UPLOADS, about)


@router.delete(f"{UPLOADS}/{{upload_id}}", summary="Forget an upload", status_code=204, responses=problems(404))
async def delete(request: Request, upload_id: str) -> Response:
    """Jobs that were begun with it go on."""
    state = request.app.state
    state.service.uploads.forget(upload_id, state.access.visitor(request, "stylize").user)
    return Response(status_code=204)


@router.post(
    VIDEOS,
    summary="Send a film once, to have it painted",
    status_code=201,
    responses={
        201: _stored(StoredVideo, "its id, which the form of /v1/stylize-video takes as `content`"),
        **problems(408, 413, 415, 422, 501),
    },
    openapi_extra=_FILE_BODY,
)
async def send(request: Request) -> Response:
    """The body is the file: a film of any kind, GIF, animated WebP or APNG. It is written to the disk as it comes, and
    looked at by a process of its own. Of more than one user may have here, those go that were not used for the longest
    time."""
    user = _sender(request)
    service: Service = request.app.state.service
    length = request.headers.get("content-length")
    video, path = await run_in_threadpool(service.videos.receive, user, None if length is None else int(length))
    try:
        path.touch(mode=0o600)
        with path.open("wb", buffering=PIECE) as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
        async with request.app.state.probes:
            about = await run_in_threadpool(service.videos.keep, video)
    except BaseException:
        service.videos.discard(video)
        raise
    answer = StoredVideo(
        id=about.id, width=about.width, height=about.height, bytes=about.num_bytes, frames=about.frames, fps=about.fps,
        seconds=about.seconds, largest_size=largest_size(about, service.limits),
        keep_seconds=service.limits.keep_seconds,
    )  # fmt: skip
    return _answer(VIDEOS, answer)


@router.delete(
    f"{VIDEOS}/{{video_id}}", summary="Forget a film", status_code=204, responses=problems(404, 501), name="delete"
)
async def delete_video(request: Request, video_id: str) -> Response:
    """Jobs that were begun with it go on."""
    service: Service = request.app.state.service
    service.videos.forget(video_id, request.app.state.access.visitor(request, "stylize").user)
    return Response(status_code=204)

"""`/v1/videos`: films that are sent once, and named in requests from then on. They lie on the disk, for a while."""

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from impasto.service import SentVideo, Service
from impasto.service.video_request import largest_size
from impasto.web.schema import FILE, problems

VIDEOS = "/v1/videos"
PIECE = 2**20
"""Bytes that are written at a time."""
PROBES = 2
"""Films that are looked at at a time."""

router = APIRouter(prefix=VIDEOS)
_NUMBERS = {
    "width": "integer", "height": "integer", "frames": "integer", "bytes": "integer", "fps": "number",
    "seconds": "number",
}  # fmt: skip
_STORED = {
    "description": "its id, which the form of /v1/stylize-video takes as `content`",
    "headers": {"Location": {"schema": {"type": "string"}}},
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["id", *_NUMBERS, "largest_size", "keep_seconds"],
                "properties": {
                    "id": {"type": "string"},
                    **{name: {"type": kind} for name, kind in _NUMBERS.items()},
                    "largest_size": {"type": "integer", "description": "longer side that it can be painted at here"},
                    "keep_seconds": {"type": "number", "description": "of not being named in a request"},
                },
            }
        }
    },
}


@router.post(
    "",
    summary="Send a film once, to have it painted",
    status_code=201,
    responses={201: _STORED, **problems(408, 413, 415, 422, 501)},
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": FILE}}}},
)
async def send(request: Request) -> Response:
    """The body is the file: a film of any kind, GIF, animated WebP or APNG. It is written to the disk as it comes, and
    looked at by a process of its own. Of more than one user may have here, those go that were not used for the longest
    time."""
    service: Service = request.app.state.service
    user = request.app.state.access.visitor(request, "stylize").user
    length = request.headers.get("content-length")
    video, path = await run_in_threadpool(service.videos.receive, user, None if length is None else int(length))
    try:
        with path.open("wb") as file:
            piece = bytearray()
            async for chunk in request.stream():
                piece += chunk
                if len(piece) >= PIECE:
                    await run_in_threadpool(file.write, bytes(piece))
                    piece.clear()
            file.write(piece)
        async with request.app.state.probes:
            about = await run_in_threadpool(service.videos.keep, video)
    except BaseException:
        service.videos.discard(video)
        raise
    headers = {"Location": f"{VIDEOS}/{video}", "Cache-Control": "no-store"}
    return JSONResponse(video_json(about, service), 201, headers)


@router.delete("/{video_id}", summary="Forget a film", status_code=204, responses=problems(404, 501))
async def delete(request: Request, video_id: str) -> Response:
    """Jobs that were begun with it go on."""
    service: Service = request.app.state.service
    service.videos.forget(video_id, request.app.state.access.visitor(request, "stylize").user)
    return Response(status_code=204)


def video_json(about: SentVideo, service: Service) -> dict[str, Any]:
    """A film that was sent, as the API shows it."""
    return {
        "id": about.id, "width": about.width, "height": about.height, "frames": about.frames, "fps": about.fps,
        "seconds": about.seconds, "bytes": about.num_bytes, "largest_size": largest_size(about, service.limits),
        "keep_seconds": service.limits.keep_seconds,
    }  # fmt: skip

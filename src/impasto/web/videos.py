"""`/v1/videos`: films that are sent once, and named in requests from then on. They lie on the disk, for a while."""

from dataclasses import asdict, dataclass

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from impasto.service import Service
from impasto.service.request import largest_size
from impasto.web.schema import FILE_BODY, Stored, check_bare, problems, stored

VIDEOS = "/v1/videos"
PIECE = 2**20
"""Bytes that are written at a time."""
PROBES = 2
"""Films that are looked at at a time."""

router = APIRouter(prefix=VIDEOS)


@dataclass(frozen=True, kw_only=True)
class StoredVideo(Stored):
    """The same of a film. largest_size: longer side that it can be painted at here."""

    frames: int
    fps: float
    seconds: float
    largest_size: int


@router.post(
    "",
    summary="Send a film once, to have it painted",
    status_code=201,
    responses={
        201: stored(StoredVideo, "its id, which the form of /v1/stylize-video takes as `content`"),
        **problems(408, 413, 415, 422, 501),
    },
    openapi_extra=FILE_BODY,
)
async def send(request: Request) -> Response:
    """The body is the file: a film of any kind, GIF, animated WebP or APNG. It is written to the disk as it comes, and
    looked at by a process of its own. Of more than one user may have here, those go that were not used for the longest
    time."""
    service: Service = request.app.state.service
    user = request.app.state.access.visitor(request, "stylize").user
    check_bare(request)
    service.check_open()
    length = request.headers.get("content-length")
    video, path = await run_in_threadpool(service.videos.receive, user, None if length is None else int(length))
    try:
        path.touch(mode=0o600)
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
    answer = StoredVideo(
        id=about.id, width=about.width, height=about.height, bytes=about.num_bytes, frames=about.frames, fps=about.fps,
        seconds=about.seconds, largest_size=largest_size(about, service.limits),
        keep_seconds=service.limits.keep_seconds,
    )  # fmt: skip
    return JSONResponse(asdict(answer), 201, headers)


@router.delete("/{video_id}", summary="Forget a film", status_code=204, responses=problems(404, 501))
async def delete(request: Request, video_id: str) -> Response:
    """Jobs that were begun with it go on."""
    service: Service = request.app.state.service
    service.videos.forget(video_id, request.app.state.access.visitor(request, "stylize").user)
    return Response(status_code=204)

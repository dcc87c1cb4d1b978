"""`/v1/jobs`: what becomes of a job, as it happens, and its painting, in the format that is asked for."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from impasto import image
from impasto.gallery import SUFFIX_OF
from impasto.record import find_record
from impasto.service.job import JobResult, Snapshot
from impasto.service.refusals import NoSuchJobError
from impasto.service.request import VIDEO_FORMATS
from impasto.service.service import Service, changes
from impasto.serving.problem import Problem
from impasto.web.forms import JPEG, picture
from impasto.web.problems import problems

HEARTBEAT_SECONDS = 15.0
"""Of silence, after which a stream of events says that it is still there."""
CHUNK = 2**16
"""Bytes of an answer that are sent at a time, so that a client that does not read is noticed."""

router = APIRouter(prefix="/v1/jobs/{job_id}")
_RESULT = picture("the painting or the film; of a job that was stopped, the best so far, or the frames so far")
_RESULT["content"] |= picture("", VIDEO_FORMATS)["content"]


@router.get("", summary="How a job is", response_model=Snapshot, responses=problems(404, 421))
async def status(request: Request, job_id: str) -> JSONResponse:
    """Position and waiting time are estimates, from how long jobs took lately."""
    service, user = _service(request)
    return JSONResponse(asdict(service.status(job_id, user)), headers={"Cache-Control": "no-store"})


@router.get(
    "/result",
    summary="The painting, or the painted film",
    response_class=Response,
    responses={
        200: _RESULT,
        206: {"description": "the part of a film that `Range` asks for"},
        304: {"description": "it is the one that `If-None-Match` names"},
        416: {"description": "a film has no such part"},
        **problems(404, 409, 415, 421, 422),
    },
)
async def result(
    request: Request,
    job_id: str,
    format: Annotated[  # noqa: A002
        Literal["jpeg", "webp"] | None, Query(description="another than the painting was asked for in")
    ] = None,
) -> Response:
    """409 while there is none yet; what went wrong, if there will be none. A painting never changes."""
    service, user = _service(request)
    painting = service.result(job_id, user)
    kind = format or painting.format
    headers = {"ETag": f'"{job_id}.{kind}"', "Cache-Control": "private, no-cache"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if kind != painting.format and painting.path is not None:
        raise Problem(422, "wrong-parameter", f"format: the film was painted as {painting.format}")
    if kind != painting.format:
        if (data := painting.copies.get(kind)) is None:
            data = await run_in_threadpool(copy, painting.data, kind)
            service.add_copy(job_id, kind, data)
        painting = replace(painting, data=data, format=kind)
    answer = result_response(painting, job_id)
    answer.headers.update(headers)
    return answer


@router.get(
    "/preview",
    summary="The latest preview",
    response_class=Response,
    responses={200: {"description": "a small picture", **JPEG}, **problems(404, 421)},
)
async def preview(request: Request, job_id: str) -> Response:
    """Of films and of methods that take steps, while they do; `previews` of the job counts them."""
    service, user = _service(request)
    data = service.preview(job_id, user)
    if data is None:
        raise Problem(404, "no-preview", "there is no preview of this job")
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get(
    "/events",
    summary="What happens to a job, as it happens",
    response_class=Response,
    responses={
        200: {
            "description": "server-sent events `job`, whose data are what GET of the job shows, and, if they are asked"
            " for, `preview`, whose data are a data URL; they end with the job, with `gone` if it is forgotten, or with"
            " one that is queued, where the server stops and the next one is to go on with it",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(404, 421, 422),
    },
)
async def events(
    request: Request, job_id: str, previews: Annotated[bool, Query(description="send previews, too")] = False
) -> Response:
    """The first comes at once."""
    service, user = _service(request)
    service.status(job_id, user)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(service, job_id, user, previews), media_type="text/event-stream", headers=headers)


@router.delete("", summary="Cancel a job, or forget its result", status_code=204, responses=problems(404, 421))
async def delete(request: Request, job_id: str) -> Response:
    """A job that waits or is painted is cancelled, and can still be asked for; one that is over is gone at once."""
    service, user = _service(request)
    service.forget(job_id, user)
    return Response(status_code=204)


def result_response(painting: JobResult, job_id: str) -> Response:
    """A painting in pieces, or a film, of which players ask for parts. Raises NoSuchJobError if it went just now."""
    suffix = SUFFIX_OF.get(painting.format, f".{painting.format}")
    headers = {
        "Content-Disposition": f'inline; filename="impasto{suffix}"',
        "Cache-Control": "no-store",
        "Impasto-Job": job_id,
    }
    if painting.path is not None:
        try:
            return FileResponse(
                painting.path, headers=headers, media_type=painting.media_type, stat_result=painting.path.stat()
            )  # fmt: skip
        except FileNotFoundError:
            raise NoSuchJobError() from None
    headers["Content-Length"] = str(len(painting.data))
    return StreamingResponse(_pieces(painting.data), media_type=painting.media_type, headers=headers)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


async def _events(service: Service, job_id: str, user: str, previews: bool) -> AsyncIterator[str]:
    shown = 0
    try:
        async for snapshot in changes(service, job_id, user, heartbeat=HEARTBEAT_SECONDS):
            if snapshot is None:
                yield ": still here\n\n"
                continue
            yield f"event: job\ndata: {json.dumps(asdict(snapshot))}\n\n"
            if previews and snapshot.previews > shown and (data := service.preview(job_id, user)) is not None:
                shown = snapshot.previews
                yield f"event: preview\ndata: data:image/jpeg;base64,{base64.b64encode(data).decode()}\n\n"
    except NoSuchJobError:
        yield "event: gone\ndata: {}\n\n"


def _service(request: Request) -> tuple[Service, str]:
    return request.app.state.service, request.app.state.access.visitor(request, "stylize").user


def copy(painting: bytes, format: str) -> bytes:  # noqa: A002
    """A painting of impasto's as JPEG or WebP, with its record. Raises PictureError."""
    # The best so far of a painting that was stopped has no record.
    return image.encode(image.on_white(image.read(painting)), format, record=find_record(painting))

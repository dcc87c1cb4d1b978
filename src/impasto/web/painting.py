"""`POST /v1/stylize`, `/v1/attention` and `/v1/stylize-video`: a picture or a film in, a painting, where a place looks
or a painted film out; or a job, if that takes longer."""

import asyncio
import contextlib
import math
from dataclasses import asdict

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from impasto.service.job import Failure, Snapshot, Status
from impasto.service.refusals import JobFailedError
from impasto.service.request import VIDEO_FORMATS
from impasto.service.service import Service, finished
from impasto.web.access import Visitor
from impasto.web.forms import form, look_form, picture, read_form, video_form
from impasto.web.jobs import result_response
from impasto.web.problems import problem_of, problems

STYLIZE, LOOK, STYLIZE_VIDEO = "/v1/stylize", "/v1/attention", "/v1/stylize-video"


def make_router(service: Service) -> APIRouter:
    """The forms' schemas depend on what the service offers."""
    router = APIRouter()
    accepted = {
        "model": Snapshot,
        "description": "it takes longer; the picture will be at the job in Location",
        "headers": {name: {"schema": {"type": "string"}} for name in ("Location", "Preference-Applied", "Retry-After")},
    }
    others = {202: accepted, **problems(404, 408, 409, 415, 422, 501)}
    offer, limits = service.offer, service.limits
    for path, endpoint, body, summary, result in (
        (STYLIZE, stylize, form(offer, limits), "Paint a picture in the style of others", picture("the painting")),
        (LOOK, attention, look_form(offer), "See where a place of a picture looks",
         picture("what the place looks in, bright where it looks")),
        (STYLIZE_VIDEO, stylize_video, video_form(offer, limits), "Paint a film in the style of pictures",
         picture("the painted film", VIDEO_FORMATS)),
    ):  # fmt: skip
        router.add_api_route(
            path, endpoint, methods=["POST"], summary=summary, response_class=Response,
            responses={200: result, **others}, openapi_extra={"requestBody": body},
        )  # fmt: skip
    return router


async def stylize(request: Request) -> Response:
    """Waits for the painting up to the server's limit; then, or at once with `Prefer: respond-async`, the answer is 202
    with a job. `Prefer: wait=5` waits at most 5 seconds."""
    return await _answered(request, "paint")


async def attention(request: Request) -> Response:
    """Waits as painting does. The place looks in the style, whose best match has a ring; or, with trained generators,
    in the content itself, where the place has one."""
    return await _answered(request, "look")


async def stylize_video(request: Request) -> Response:
    """Waits as painting does. The film holds still and has its sound. A job that is cancelled, or takes too long or too
    much of the disk, keeps a film of the frames that were painted."""
    return await _answered(request, "video")


async def _answered(request: Request, kind: str) -> Response:
    state = request.app.state
    service: Service = state.service
    visitor: Visitor = state.access.visitor(request, "stylize")
    # Before the pictures are read: who will be refused need not send them.
    if kind == "look":
        service.offer.check_looks()
    state.access.check_share(visitor, service)
    service.check_room(visitor.user, int(request.headers.get("content-length", "0")))
    state.access.spend(visitor)
    wish = await read_form(request, service, visitor.user, kind)
    job = await run_in_threadpool(service.submit, wish, visitor.user)
    # From here the upload is the service's alone, which lets go of it as soon as it can.
    del wish
    wait = _wait_seconds(request.headers.get("prefer", ""), state.http.wait_seconds)
    ended = await _finished_or_gone(request, service, job, wait)
    if ended.status is Status.DONE:
        return result_response(service.result(ended.id, visitor.user), ended.id)
    if ended.status.is_final:
        failure = ended.failure or Failure("cancelled", "the job was cancelled")
        raise problem_of(JobFailedError(failure.message, failure.code), {"job": ended.id})
    await run_in_threadpool(service.keep, ended.id)
    left = (ended.wait_seconds or 0) + (ended.seconds_left or 0)
    headers = {"Location": f"/v1/jobs/{ended.id}", "Retry-After": str(max(1, math.ceil(left)))}
    if request.headers.get("prefer"):
        headers["Preference-Applied"] = f"wait={wait:g}" if wait else "respond-async"
    return JSONResponse(asdict(ended), 202, headers)


def _wait_seconds(prefer: str, limit: float) -> float:
    """Seconds to wait by the header Prefer (RFC 7240), at most `limit`."""
    for part in prefer.lower().split(","):
        name, _, value = part.strip().partition("=")
        if name == "respond-async":
            return 0.0
        if name == "wait":
            with contextlib.suppress(ValueError):
                return min(limit, float(max(0, int(value))))
    return limit


async def _finished_or_gone(request: Request, service: Service, job: Snapshot, wait: float) -> Snapshot:
    """The job when it is final or the time is over; if the client goes away before it has the job's name, nobody will
    ever ask for it, and it is cancelled."""
    if wait == 0:
        return job
    done = asyncio.ensure_future(finished(service, job.id, wait))
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            service.cancel(job.id)
        return await done
    except asyncio.CancelledError:
        service.cancel(job.id)
        raise
    finally:
        for task in (done, gone):
            task.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue

"""`/v1/uploads`: pictures that are sent once, and named in requests from then on. They stay in memory, for a while."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from impasto.service import Limits
from impasto.service.job import owner
from impasto.service.limits import MEGA
from impasto.service.request import size_of
from impasto.serving.problem import Problem
from impasto.web.form import PREFIX
from impasto.web.schema import FILE_BODY, Stored, check_bare, problems, stored

UPLOADS = "/v1/uploads"
LEAST_BYTES = 65_536
"""That an upload counts for, so that none are too many."""


@dataclass
class _Kept:
    """used: when it was sent, or last named in a request."""

    user: str
    data: bytes
    used: float

    @property
    def size(self) -> int:
        return max(LEAST_BYTES, len(self.data))


class Uploads:
    """Bounded in bytes for each key or address and for all of them, and in age. Belongs to the event loop.

    What is too much of one goes, the longest unused first; it is sent again when it is needed. Nobody's goes for
    another's.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def num_bytes(self) -> int:
        return sum(kept.size for kept in self._kept.values())

    def put(self, data: bytes, user: str) -> str:
        """Its id. Raises Problem 413 and 503 if there is no room for it."""
        self.sweep()
        limits, new = self._limits, _Kept(user, data, self._clock())
        if new.size > limits.uploads_each_mb * MEGA:
            detail = f"the picture has more than {limits.uploads_each_mb:g} MB, which is the limit of this server"
            raise Problem(413, "too-large", detail)
        sizes = {name: kept.size for name, kept in self._kept.items() if owner(kept.user) == owner(user)}
        going, room = [], limits.uploads_each_mb * MEGA - sum(sizes.values())
        for name, size in sizes.items():
            if room >= new.size:
                break
            going.append(name)
            room += size
        if self.num_bytes - sum(sizes[name] for name in going) + new.size > limits.uploads_mb * MEGA:
            # Should one alone be allowed as much as all together, there may be none.
            oldest = next(iter(self._kept.values()), new).used
            wait = limits.keep_seconds - (self._clock() - oldest)
            raise Problem(503, "queue-full", "too many pictures are on the server now", retry_after=wait)
        for name in going:
            del self._kept[name]
        upload = PREFIX + secrets.token_urlsafe(16)
        self._kept[upload] = new
        return upload

    def read(self, upload: str, user: str) -> bytes:
        """Its bytes, whose time begins anew. Raises Problem 404 if it is gone, or another user's."""
        self.sweep()
        kept = self._kept.get(upload)
        if kept is None or kept.user != user:
            raise Problem(404, "no-such-upload", "there is no such upload, or no longer; send the picture again")
        kept.used = self._clock()
        self._kept.move_to_end(upload)
        return kept.data

    def forget(self, upload: str, user: str) -> None:
        """Raises what `read` raises."""
        self.read(upload, user)
        del self._kept[upload]

    def sweep(self) -> None:
        """Let go of what was not used for `keep_seconds`."""
        oldest = self._clock() - self._limits.keep_seconds
        while self._kept and next(iter(self._kept.values())).used <= oldest:
            self._kept.popitem(last=False)


router = APIRouter(prefix=UPLOADS)


@router.post(
    "",
    summary="Send a picture once, to name it in requests",
    status_code=201,
    responses={201: stored(Stored, "its id, which a form takes for the file itself"), **problems(408, 413, 415, 422)},
    openapi_extra=FILE_BODY,
)
async def upload(request: Request) -> Response:
    """The body is the file. Of more than one user may have here, those go that were not used for the longest time."""
    state = request.app.state
    user = state.access.visitor(request, "stylize").user
    limits: Limits = state.service.limits
    check_bare(request)
    state.service.check_open()
    data = await request.body()
    width, height = await run_in_threadpool(size_of, data, "the picture", limits)
    name = state.uploads.put(data, user)
    about = Stored(id=name, width=width, height=height, bytes=len(data), keep_seconds=limits.keep_seconds)
    headers = {"Location": f"{UPLOADS}/{name}", "Cache-Control": "no-store"}
    return JSONResponse(asdict(about), 201, headers)


@router.delete("/{upload_id}", summary="Forget an upload", status_code=204, responses=problems(404))
async def delete(request: Request, upload_id: str) -> Response:
    """Jobs that were begun with it go on."""
    state = request.app.state
    state.uploads.forget(upload_id, state.access.visitor(request, "stylize").user)
    return Response(status_code=204)

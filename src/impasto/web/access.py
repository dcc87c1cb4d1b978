"""Who a request comes from, and whether it may. `/v1/session`: signing in with a browser, and letting go of everything
on leaving.

The key itself becomes a cookie: whoever is taken off the list is out within a second, and the server keeps no list of
its own of who is in. No script can read the cookie, and no other site can have it sent.
"""

import contextlib
import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from impasto.errors import CheckpointError
from impasto.service.job import VISIT, owner
from impasto.service.refusals import NoSuchJobError, RefusedError
from impasto.service.service import Service
from impasto.service.uploads import PREFIX, BoundedStore
from impasto.service.videos import PREFIX as VIDEO_PREFIX
from impasto.serving.guard import Seldom
from impasto.serving.hosts import is_loopback
from impasto.serving.problem import Problem
from impasto.web.keys import Key, Keys
from impasto.web.problems import problems

logger = logging.getLogger("impasto.serving")

MOST_USERS = 10_000
"""Users whose rate is remembered."""
COOKIE = "impasto_key"
"""Holds the key of who has signed in with a browser."""
VISIT_COOKIE = "impasto_visit"
"""Tells visitors of one address apart."""
SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

_VISIT = re.compile(r"[A-Za-z0-9_-]{22}")


def is_encrypted(request: Request) -> bool:
    """Whether the browser speaks with this server, or the proxy in front of it, over HTTPS."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def is_visit(text: str) -> bool:
    """Whether this is what a visit is called."""
    return _VISIT.fullmatch(text) is not None


@dataclass(frozen=True)
class Visitor:
    """user: as the service knows it; its `owner` is the key or address. rate: paintings a minute; 0 is any number."""

    user: str
    rate: float


class Access:
    """Tells visitors apart: by key, or, on a server without keys, by address, and in browsers by visit.

    Each has a token bucket: a minute's worth of paintings may be asked for at once, then one after the other.
    """

    def __init__(self, keys: Keys | None, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._rate, self._told, self._clock = keys, rate, Seldom(), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def wants_keys(self) -> bool:
        return self._keys is not None

    def visitor(self, request: Request, scope: str = "") -> Visitor:
        """Who asks. Raises Problem 401 without a key that is known, 403 for a key that has not this scope, and for a
        change that a cookie vouches for, but no `Origin`."""
        if self._keys is None:
            address = f"address {request.client.host if request.client else ''}"
            visit = request.cookies.get(VISIT_COOKIE, "")
            return Visitor(f"{address}{VISIT}{visit}" if is_visit(visit) else address, self._rate)
        key = self.key_of(self._text(request), scope, request)
        return Visitor(f"key {key.name}", self._rate if key.rate is None else key.rate)

    def check_share(self, visitor: Visitor, service: Service) -> None:
        """However many visits one address pretends to be, it gets no more than half of the queue.

        Raises RefusedError "too-many-jobs".
        """
        address = owner(visitor.user).removeprefix("address ")
        share = max(service.limits.per_user, service.limits.queue // 2)
        if self.wants_keys or is_loopback(address):
            return
        jobs = service.unfinished(owner(visitor.user))
        if len(jobs) >= share:
            soon = min((job.wait_seconds or 0.0) + (job.seconds_left or 0.0) for job in jobs)
            raise RefusedError(
                "too-many-jobs", f"your address has {len(jobs)} unfinished jobs, its share", retry_after=max(1.0, soon)
            )

    def spend(self, visitor: Visitor) -> None:
        """Raises Problem 429 with the time until the next painting may be asked for."""
        if not visitor.rate:
            return
        now, full = self._clock(), max(1.0, visitor.rate)
        left, since = self._buckets.pop(owner(visitor.user), (full, now))
        left = min(full, left + (now - since) * visitor.rate / 60)
        allowed = left >= 1
        self._buckets[owner(visitor.user)] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MOST_USERS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = (1 - left) * 60 / visitor.rate
            raise Problem(429, "too-often", f"you may ask for {visitor.rate:g} paintings a minute", retry_after=wait)

    def key_of(self, text: str, scope: str, request: Request) -> Key:
        """Whose key this is. Raises Problem 401, 403, and 503 if the keys cannot be read."""
        assert self._keys is not None
        try:
            key = self._keys.find(text) if text else None
        except CheckpointError as error:
            raise Problem(503, "unavailable", "the server's keys cannot be read") from error
        if key is None:
            detail = "this server wants an API key, as Authorization: Bearer KEY"
            if text:
                detail = "this key is not known here: it was removed, or is none of this server's"
                address = request.client.host if request.client else ""
                if self._told.is_due(address):
                    logger.warning("refused a key that is not known, from %s", address)
            raise Problem(401, "no-key", detail, headers={"WWW-Authenticate": 'Bearer realm="impasto"'})
        if scope and scope not in key.scopes:
            raise Problem(403, "wrong-scope", f"this key is not for {scope}")
        return key

    @staticmethod
    def _text(request: Request) -> str:
        """A key as it was sent. A browser sends cookies along whoever asks it to, but always says who did: what came
        with another `Origin`, the guard has refused."""
        if "authorization" in request.headers:
            scheme, _, text = request.headers["authorization"].partition(" ")
            return text.strip() if scheme.lower() == "bearer" else ""
        text = request.cookies.get(COOKIE, "")
        if text and request.method not in SAFE and "origin" not in request.headers:
            raise Problem(403, "other-site", "a change with a cookie needs an Origin")
        return text


# --- the requests -----------------------------------------------------------------------------------------------------

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
    service: Service = request.app.state.service
    user = request.app.state.access.visitor(request, "stylize").user
    ids = (await _sent(request)).get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise Problem(422, "no-ids", "the body must be an object with a list of ids")
    stores: dict[str, BoundedStore[Any]] = {PREFIX: service.uploads, VIDEO_PREFIX: service.videos}
    for one in ids:
        store = next((store for prefix, store in stores.items() if one.startswith(prefix)), None)
        if store is not None:
            with contextlib.suppress(RefusedError):
                store.forget(one, user)
        else:
            with contextlib.suppress(NoSuchJobError):
                service.forget(one, user, entirely=True)
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

"""The HTTP API `/v1` on FastAPI, the page in front of it, and uvicorn with an end that is graceful."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import fields
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import impasto
from impasto.progress import stoppable
from impasto.service.limits import MEGA
from impasto.service.metrics import CONTENT_TYPE, Health
from impasto.service.service import Service
from impasto.serving.guard import HEALTH, GuardMiddleware, UploadLimits
from impasto.serving.hosts import Hosts
from impasto.serving.http_limits import HttpLimits
from impasto.serving.server import configured
from impasto.web import access, jobs, painting, site, styles, uploads
from impasto.web.access import Access
from impasto.web.keys import Keys
from impasto.web.painting import LOOK, STYLIZE, STYLIZE_VIDEO
from impasto.web.problems import install, problems
from impasto.web.uploads import PROBES, UPLOADS, VIDEOS

logger = logging.getLogger("impasto.serving")

# Boundaries and the names of fields come on top of the pictures.
FORM_BYTES = 100_000
LAST_SECONDS = 5.0
"""That the server still answers when nothing is painted any more, so that results can be fetched."""
GRACEFUL_SECONDS = 10
"""That answers on their way are given after that."""


def create_app(
    service: Service, http: HttpLimits | None = None, *, keys: Keys | None = None, hosts: Hosts = ()
) -> FastAPI:
    """The app, on a service that somebody else starts and closes.

    keys: who may come in; None lets everybody in. hosts: names by which requests may call the server; as it is, only
    this machine's for itself, so that no page of another site can reach it through a visitor's browser.
    """
    http = http or HttpLimits()
    app = FastAPI(
        title="impasto",
        summary="Turns pictures into paintings.",
        version=impasto.__version__,
        openapi_url=site.DESCRIPTION,
        # Its pages of documentation load their scripts from another server.
        docs_url=None,
        redoc_url=None,
    )
    app.state.service, app.state.http = service, http
    app.state.access = Access(keys, http.rate)
    app.state.probes = asyncio.Semaphore(PROBES)
    install(app, with_keys=keys is not None)
    for router in (painting.make_router(service), jobs.router, styles.router, uploads.router, access.router):
        # Not `include_router`, which may hide its routes from the answer to a wrong method.
        app.router.routes.extend(router.routes)
    answer = {"model": Health, "description": "how the server is"}
    app.get(HEALTH, responses={200: answer, 503: answer}, summary="Whether paintings are made")(health)
    text = {"description": "for Prometheus", "content": {"text/plain": {"schema": {"type": "string"}}}}
    app.get("/metrics", responses={200: text, **problems()}, summary="Numbers", response_class=Response)(metrics)
    app.router.routes.extend(site.routes())
    limits = service.limits
    large = UploadLimits(
        (LOOK, STYLIZE, STYLIZE_VIDEO, UPLOADS), limits.upload_mb * MEGA + FORM_BYTES, limits.waiting_mb * MEGA,
        on_disk={VIDEOS: limits.video_mb * MEGA},
    )  # fmt: skip

    def count(scope: MutableMapping[str, Any], status: int) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if route != "other" else "other"
        service.metrics.http_requests.labels(method, route, status).inc()

    app.add_middleware(GuardMiddleware, limits=http, hosts=hosts, uploads=large, count=count)
    return app


async def health(request: Request) -> JSONResponse:
    """For load balancers and containers; needs no key."""
    state = request.app.state.service.health()
    body = {item.name: getattr(state, item.name) for item in fields(Health)}
    return JSONResponse(body, 200 if state.ready else 503, None if state.ready else {"Retry-After": "5"})


async def metrics(request: Request) -> Response:
    """In Prometheus' text format; needs the scope `metrics`."""
    request.app.state.access.visitor(request, "metrics")
    return Response(request.app.state.service.metrics.text(), media_type=CONTENT_TYPE)


class Server(uvicorn.Server):
    """From the first signal on new jobs are refused, and everything else is answered until the last job is over."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._is_ending = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Not uvicorn's own, which sends itself the signal again once it is done, before the service is closed.
        with stoppable(self.stop):
            yield

    def stop(self) -> None:
        """The second time by force."""
        if self._is_ending:
            self.should_exit = self.force_exit = True
            return
        self._is_ending = True
        # A handler interrupts whatever the main thread does, which may hold the lock that this needs.
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        logger.info("stopping")
        try:
            if self._service.drain():
                time.sleep(LAST_SECONDS)
        finally:
            self.should_exit = True


def make_server(app: FastAPI, *, proxy: str = "") -> Server:
    """proxy: as `configured` takes it."""
    how = {"lifespan": "off", "timeout_graceful_shutdown": GRACEFUL_SECONDS}
    return Server(configured(app, app.state.http, proxy=proxy, **how), app.state.service)

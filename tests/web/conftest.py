"""A real server on loopback, over a service that does not paint, and a way to ask it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium, echo, page, visit
from connections import Answer, ask
from fake_service import go, offer, serve

from impasto.client import _form
from impasto.service.service import Service
from impasto.serving.hosts import Hosts
from impasto.serving.http_limits import HttpLimits
from impasto.serving.server import listen
from impasto.web.app import create_app, make_server
from impasto.web.keys import Keys

__all__ = ["chromium", "echo", "go", "offer", "page", "serve", "visit"]


@dataclass(frozen=True)
class Site:
    """service: behind it. port: on loopback. app: that answers."""

    service: Service
    port: int
    app: Any

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, source: str = "127.0.0.1", **headers: str
    ) -> Answer:
        return ask(self.port, method, path, body, source, **headers)

    def stylize(self, *fields: tuple[str, str | bytes], path: str = "/v1/stylize", **headers: str) -> Answer:
        body, kind = _form(fields)
        return self.ask("POST", path, body, **{"Content_Type": kind, **headers})


@contextmanager
def _running(
    service: Service,
    keys: Keys | None = None,
    hosts: Hosts = (),
    place: tuple[str, int] = ("127.0.0.1", 0),
    **http: Any,
) -> Iterator[Site]:
    with listen(*place) as sock:
        app = create_app(service, HttpLimits(**http), keys=keys, hosts=hosts)
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield Site(service, sock.getsockname()[1], app)
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join()


@pytest.fixture(scope="session")
def running() -> Callable[..., AbstractContextManager[Site]]:
    """Starts a server on a service, until the context ends."""
    return _running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of keys."""
    return tmp_path / "keys.json"


@pytest.fixture
def site(serve: Callable[..., Service]) -> Iterator[Callable[..., Site]]:
    """Starts servers that end with the test. limits: of the service."""
    with ExitStack() as stack:

        def make(keys: Keys | None = None, limits: dict[str, Any] | None = None, **http: Any) -> Site:
            return stack.enter_context(_running(serve(**(limits or {})), keys, **http))

        yield make


@pytest.fixture
def here(site: Callable[..., Site]) -> Site:
    """One with the usual limits, and without keys."""
    return site()


@pytest.fixture
def submitted(here: Site, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the service behind `here` is asked for from now on."""
    submit, requests = here.service.submit, list[Any]()
    monkeypatch.setattr(here.service, "submit", lambda wish, user: requests.append(wish) or submit(wish, user))
    return requests

"""The hardening that all servers share, before an app of one line."""

import asyncio
import socket
import threading
from contextlib import ExitStack

import pytest
from connections import ask, read_all, until

pytest.importorskip("uvicorn")

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from impasto.errors import OptionError
from impasto.serving.guard import TOLD_SECONDS, GuardMiddleware, Seldom, UploadLimits
from impasto.serving.hosts import named
from impasto.serving.http_limits import HttpLimits
from impasto.serving.server import LEAST_EACH, configured, listen

SOON = 20


class Site:
    """A server that says how long the body was; on /held, once it is told to."""

    def __init__(self, stack, limits, proxy="", **how):
        self.hold = threading.Event()
        self.held = 0

        async def app(scope, receive, send):
            body = await Request(scope, receive).body()
            if scope["path"] == "/held":
                self.held += 1
                while not self.hold.is_set():
                    await asyncio.sleep(0.01)
            await PlainTextResponse(f"{len(body)} of {scope['client'][0]}")(scope, receive, send)

        self.guard = GuardMiddleware(app, limits, **how)
        sock = stack.enter_context(listen("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        config = configured(self.guard, limits, proxy=proxy, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        thread = threading.Thread(target=self._server.run, kwargs={"sockets": [sock]})
        thread.start()
        stack.callback(thread.join)
        stack.callback(self._end)
        self._stack = stack

    def _end(self):
        self.hold.set()
        self._server.should_exit = True

    def ask(self, method="GET", path="/", body=None, source="127.0.0.1", **headers):
        answer = ask(self.port, method, path, body, source, **headers)
        return answer.status, answer.json if answer.status >= 400 else answer.body.decode()

    def raw(self, data=b"", source="127.0.0.1"):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=SOON, source_address=(source, 0))
        self._stack.callback(connection.close)
        connection.sendall(data)
        return connection


@pytest.fixture
def site():
    with ExitStack() as stack:
        yield lambda how=None, **limits: Site(stack, HttpLimits(**limits), **(how or {}))


HALF = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nkey="


def test_half_sent_requests_of_one_address_leave_room_for_others_and_for_health(site, monkeypatch):
    monkeypatch.setattr("impasto.serving.guard.BODY_SECONDS", 0.7)
    here = site(connections=4)
    first = here.raw(HALF)
    until(lambda: here.guard.active.total() == 1)
    assert [here.raw(HALF).recv(65536)[9:12] for _ in range(3)] == [b"429"] * 3
    assert here.ask(path="/healthz")[0] == 200
    assert here.ask()[1]["code"] == "too-many-requests"
    assert here.ask(source="127.0.0.2")[0] == 200
    assert read_all(first).startswith(b"HTTP/1.1 408 ")
    assert here.ask()[0] == 200


def test_who_hangs_up_in_the_middle_fills_no_log(site, capfd):
    here = site()
    with here.raw(HALF):
        until(lambda: here.guard.active.total() == 1)
    until(lambda: not here.guard.active)
    assert here.ask()[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_requests_of_all_are_bounded_and_health_is_exempt(site):
    here = site(connections=4)
    for number in range(1, 5):
        here.raw(b"GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n", f"127.0.0.{number}")
    until(lambda: here.held == 4)
    status, problem = here.ask(source="127.0.0.5")
    assert (status, problem["code"]) == (503, "queue-full")
    assert here.ask(path="/healthz", source="127.0.0.5")[0] == 200
    here.hold.set()
    until(lambda: here.ask(source="127.0.0.5")[0] == 200)
    until(lambda: not here.guard.active)


def test_behind_a_proxy_addresses_are_those_of_the_clients(site):
    here = site({"proxy": "127.0.0.1"}, connections=4)
    for number in range(1, 3):
        head = b"GET /held HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n" % number
        here.raw(head)
    until(lambda: here.held == 2)
    assert here.ask(X_Forwarded_For="192.0.2.1")[0] == 429
    assert here.ask(X_Forwarded_For="192.0.2.3") == (200, "0 of 192.0.2.3")
    # Nobody else is believed.
    assert here.ask(X_Forwarded_For="192.0.2.9", source="127.0.0.2") == (200, "0 of 127.0.0.2")


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\n"])
def test_connections_that_ask_nothing_are_hung_up_where_there_are_too_many(start, site, monkeypatch):
    monkeypatch.setattr("impasto.serving.server.CROWDED_SECONDS", 0.3)
    here = site(connections=4)
    idle = [here.raw(start) for _ in range(LEAST_EACH + 4)]
    other = here.raw(start, "127.0.0.2")
    assert here.ask(path="/healthz")[0] == 200
    assert [read_all(one) for one in idle[:4]] == [b""] * 4
    for one in (idle[-1], other):
        one.settimeout(0.1)
        with pytest.raises(TimeoutError):
            one.recv(1)


def test_many_who_ask_at_the_same_moment_are_answered(site):
    here = site(connections=400)
    crowd = [here.raw() for _ in range(90)]
    for one in crowd:
        one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert all(b"0 of 127.0.0.1" in read_all(one) for one in crowd)


def test_connections_of_all_addresses_together_are_bounded_too(site, monkeypatch):
    monkeypatch.setattr("impasto.serving.server.CROWDED_SECONDS", 0.5)
    here = site(connections=4)
    idle = [here.raw(source=f"127.0.0.{number}") for number in range(1, 7) for _ in range(11)]
    assert [read_all(one) for one in idle[: len(idle) - 4 * LEAST_EACH]] == [b""] * 2
    idle[-1].settimeout(0.1)
    with pytest.raises(TimeoutError):
        idle[-1].recv(1)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_a_body_that_is_no_upload_is_small_whatever_it_says_that_it_is(kind, site):
    here = site({"uploads": UploadLimits({"/upload"}, 3_000_000)})
    head = f"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: %d\r\n\r\n"
    answer = read_all(here.raw((head % ("/other", 1_000_001)).encode()))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"at most 1,000,000 bytes" in answer
    assert b"at most 3,000,000 bytes" in read_all(here.raw((head % ("/upload", 3_000_001)).encode()))
    assert here.ask("POST", "/other", bytes(1_000_000), Content_Type=kind)[0] == 200
    assert here.ask("POST", "/upload", bytes(2_000_000), Content_Type=kind)[0] == 200


def test_only_uploads_may_be_slow(site, monkeypatch):
    monkeypatch.setattr("impasto.serving.guard.BODY_SECONDS", 0.2)
    here = site({"uploads": UploadLimits({"/upload"}, 3_000_000)}, connections=8)
    slow, small = here.raw(HALF.replace(b"/sign-in", b"/upload")), here.raw(HALF)
    assert b"a request has 0.2 s to arrive" in read_all(small)
    slow.sendall(bytes(16))
    assert slow.recv(65536).startswith(b"HTTP/1.1 200 ")


HERE = "paint.example:8000"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200), ({"Origin": f"http://{HERE}"}, 200), ({"Origin": "http://PAINT.example:8000"}, 200),
        ({"Origin": "http://evil.example"}, 403), ({"Origin": "http://paint.example"}, 403),
        ({"Origin": "http://paint.example:9000"}, 403), ({"Origin": "null"}, 403), ({"Origin": ""}, 403),
        ({"Origin": "http://paint.example:x"}, 403), ({"Origin": f"http://{HERE}.evil.example"}, 403),
        ({"Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"}, 403),
        ({"Origin": f"http://{HERE}", "Sec_Fetch_Site": "cross-site"}, 403), ({"Sec_Fetch_Site": "none"}, 200),
        ({"Origin": "http://h", "Host": "h:80"}, 200), ({"Origin": "https://h", "Host": "h"}, 200),
        ({"Origin": "null", "Host": ""}, 403), ({"Origin": "http://[::1]:80", "Host": "[::1]"}, 200),
    ],
)  # fmt: skip
def test_over_plain_http_pages_of_other_sites_are_known_by_their_origin(headers, status, site):
    here = site()
    for method in ("POST", "PUT", "DELETE"):
        found, said = here.ask(method, **{"Host": HERE, **headers})
        assert found == status
        assert status == 200 or said["code"] == "other-site"
    # Looking is free.
    assert here.ask(**{"Host": HERE, **headers})[0] == 200


def test_a_server_answers_to_the_names_that_it_was_given(site):
    here = site({"hosts": named(["Paint.example"], "--allow-host")})
    for host in ("paint.example", "PAINT.example:80", "paint.example.", "localhost:5", "127.0.0.1", "[::1]:5"):
        assert here.ask(Host=host)[0] == 200
    for host in ("evil.example", "paint.example.evil.example", "192.168.1.2", "127.0.0.1.evil.example"):
        assert here.ask(Host=host)[1]["code"] == "other-site"


@pytest.mark.parametrize("name", ["", "http://a", "a/b", "a:80", "*.a", "a b"])
def test_names_are_names(name):
    with pytest.raises(OptionError, match="--allow-host"):
        named([name], "--allow-host")


def test_about_one_thing_there_is_a_line_a_minute(monkeypatch):
    monkeypatch.setattr("impasto.serving.guard.MOST_TOLD", 2)
    now = 0.0
    lines = Seldom(lambda: now)
    assert [lines.is_due(what) for what in "aab"] == [True, False, True]
    now = TOLD_SECONDS
    assert [lines.is_due(what) for what in "aba"] == [True, True, False]
    lines.is_due("c")
    assert lines.is_due("a"), "what is remembered is bounded"

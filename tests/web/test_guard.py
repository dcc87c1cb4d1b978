"""Clients that mean harm, or are only slow."""

import socket
import time

import pytest
from connections import read_all, until
from wishes import picture

from impasto.service.job import JobResult
from impasto.serving.server import TimeoutProtocol

SOON = 20


def raw(here, data=b""):
    connection = socket.create_connection(("127.0.0.1", here.port), timeout=SOON)
    connection.sendall(data)
    return connection


def head(length=None, extra=b""):
    size = b"" if length is None else b"Content-Length: %d\r\n" % length
    return (
        b"POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        + size + extra + b"\r\n"
    )  # fmt: skip


PART = b'--x\r\nContent-Disposition: form-data; name="content"; filename="x"\r\n\r\n'


def test_an_upload_that_takes_too_long(site):
    here = site(upload_seconds=0.3)
    with raw(here, head(1000) + b"--x\r\n") as connection:
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()


def test_waiting_for_a_painting_is_not_slow_uploading(site):
    here = site(upload_seconds=0.2, wait_seconds=1.0)
    assert here.stylize(("content", picture()), ("style", "hold")).status == 202


@pytest.mark.parametrize("start", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_request_that_does_not_come(start, here, monkeypatch):
    monkeypatch.setattr("impasto.serving.server.HEADER_SECONDS", 0.3)
    began = time.monotonic()
    with raw(here, start) as connection:
        assert read_all(connection) == b""
    assert time.monotonic() - began < SOON / 2


def test_a_connection_that_is_used_again_may_be_slow_only_for_so_long(here, monkeypatch):
    monkeypatch.setattr("impasto.serving.server.HEADER_SECONDS", 0.3)
    with raw(here, b"GET /v1/styles HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /v1/sty")
        read_all(connection)
    assert TimeoutProtocol._timers == ()


def test_an_answer_that_is_not_read(site, monkeypatch):
    here = site(unread_seconds=0.3)
    job = here.stylize(("content", picture()), ("style", "now")).headers["Impasto-Job"]
    here.service._jobs.by_id[job].result = JobResult(bytes(20_000_000), "png")
    with raw(here) as connection:
        connection.sendall(b"GET /v1/jobs/%s/result HTTP/1.1\r\nHost: localhost\r\n\r\n" % job.encode())
        until(lambda: 'route="/v1/jobs/{job_id}/result",status="200"' in here.service.metrics.text())
        assert len(read_all(connection)) < 20_000_000


def test_uploads_on_their_way_are_bounded_together(site):
    here = site(limits={"waiting_mb": 0.05}, upload_seconds=5)
    connections = [raw(here, head(40_000) + PART + b"y" * 30_000) for _ in range(2)]
    answers = []
    for connection in connections:
        connection.settimeout(2)
        try:
            answers.append(connection.recv(65536))
        except TimeoutError:
            answers.append(b"")
        connection.close()
    assert sum(answer.startswith(b"HTTP/1.1 503 ") for answer in answers) >= 1


@pytest.mark.parametrize("line", [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"])
def test_what_is_no_http(line, here):
    with raw(here, line) as connection:
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    assert here.ask("GET", "/v1/styles").status == 200


def test_the_operator_is_told_of_a_proxy_that_hands_on_another_host(site, here, caplog):
    for headers in (
        {"Origin": "http://127.0.0.1:8080"}, {"Origin": "http://127.0.0.1:8080", "Sec_Fetch_Site": "same-origin"},
    ):  # fmt: skip
        assert here.stylize(("content", picture()), Host="127.0.0.1", **headers).status == 403
    assert here.stylize(Origin="http://evil.example", Sec_Fetch_Site="cross-site").status == 403
    told = [record.getMessage() for record in caplog.records if record.name == "impasto.serving"]
    assert told == ["Origin 'http://127.0.0.1:8080' is not Host '127.0.0.1'; check the proxy's Host header"]

"""What tests of servers share: a connection without what a client would do for one, problems, and patience."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side ends it, in whichever way."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, method: str, path: str, body: bytes | None, source: str, **headers: str) -> Answer:
    """source: address of this machine's that it comes from. headers: with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def until(condition: Callable[[], object], timeout: float = 20) -> None:
    """Wait for what a server does by itself."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def is_problem(answer: Any, status: int, code: str) -> Any:
    """The JSON of an answer that is one (RFC 9457)."""
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    found = answer.json
    assert (found["status"], found["code"], found["type"]) == (status, code, "about:blank")
    assert found["title"]
    assert found["detail"]
    return found

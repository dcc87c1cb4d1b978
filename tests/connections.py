"""What tests of servers share: a connection without what a client would do for one, problems, and patience."""

import socket
import time
from collections.abc import Callable
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

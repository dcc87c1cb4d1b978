"""A server of files on this machine, with or without ranges, that can break off and change its mind."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class File:
    """breaks_after: bytes of one answer after which the connection is closed. waits: seconds before an answer. tag: the
    file's ETag, if it has one."""

    body: bytes = b""
    has_ranges: bool = True
    breaks_after: int | None = None
    announces: bool = True
    waits: float = 0.0
    tag: str = ""


@dataclass
class FileServer:
    """requests: (path, its header Range or '', the status of the answer)."""

    url: str
    files: dict[str, File] = field(default_factory=dict)
    requests: list[tuple[str, str, int]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: FileServer = self.server.state  # type: ignore[attr-defined]
        file = server.files.get(self.path)
        if file is None:
            server.requests.append((self.path, "", 404))
            self.send_error(404)
            return
        time.sleep(file.waits)
        start, status = self._part(file)
        server.requests.append((self.path, self.headers.get("Range", ""), status))
        body = b"" if status == 416 else file.body[start:]
        with suppress(ConnectionError):
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(file.body) - 1}/{len(file.body)}")
            if file.has_ranges:
                self.send_header("Accept-Ranges", "bytes")
            if file.announces:
                self.send_header("Content-Length", str(len(body)))
            if file.tag:
                self.send_header("ETag", file.tag)
            self.end_headers()
            self.wfile.write(body[: file.breaks_after])

    def _part(self, file: File) -> tuple[int, int]:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not file.has_ranges or match is None or self.headers.get("If-Range", file.tag) != file.tag:
            return 0, 200
        start = int(match[1])
        return start, 206 if start < len(file.body) else 416

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        pass


@contextmanager
def serving() -> Iterator[FileServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        http.state = FileServer(f"http://127.0.0.1:{http.server_port}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http.state  # type: ignore[attr-defined]
        http.shutdown()
        thread.join()

"""A client of `impasto serve`, on nothing but Python's own library.

from impasto.client import Client

painting = Client("http://127.0.0.1:8000").stylize("photo.jpg", "swirls", strength=0.8)
"""

import http.client
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from impasto.errors import ImpastoError, OptionError, PictureError, reason_of
from impasto.files import check_output, replace_file, replacing
from impasto.gallery import FORMATS

Picture = bytes | str | os.PathLike[str]
Fields = Sequence[tuple[str, str | bytes]]
"""Of a form: text, or the bytes of a file."""

Body = bytes | BinaryIO

UPLOAD, VIDEO = "upload:", "video:"
"""How ids begin of uploads, and of films that were sent."""
SHORTEST_PAUSE = 0.2
"""Seconds between two questions for a job."""


class ServerError(ImpastoError):
    """The server said no. status: of HTTP. problem: its problem details. retry_after: seconds, where it said so."""

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None) -> None:
        super().__init__(str(problem.get("detail") or f"the server answered {status}"))
        self.status, self.problem, self.retry_after = status, problem, retry_after


class Client:
    """One server and, where it wants one, a key."""

    def __init__(self, url: str = "http://127.0.0.1:8000", *, key: str | None = None, timeout: float = 60) -> None:
        """timeout: seconds without a word after which a request has failed. Raises OptionError for what is no URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OptionError(f"url is '{url}', but must be like http://127.0.0.1:8000")
        self._parts, self._timeout = parts, timeout
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def stylize(
        self,
        content: Picture,
        style: Picture | Sequence[Picture] = (),
        *,
        masks: Sequence[Picture] = (),
        output: str | os.PathLike[str] | None = None,
        format: str = "",  # noqa: A002
        wait_seconds: float = 600,
        progress: Callable[[dict[str, Any]], None] | None = None,
        **options: Any,
    ) -> bytes:
        """A painting as a file of the format; by itself PNG, or what the suffix of `output` says, where it is written.

        content, style, masks: the bytes of picture files, paths, or ids of uploads. A style that is text and no file
        here is the name of one of the server's; a mask may be "rest". options: as of `impasto.stylize`. wait_seconds:
        at most, also until a full server has room. progress: called with the job whenever it has changed.
        Raises ServerError, TimeoutError, PictureError for a file that cannot be read or written, and ImpastoError if
        there is no server.
        """
        if output is not None:
            format = format or _format_of(check_output(output, overwrite=True))  # noqa: A001
        fields = _fields(content, style, masks, {"format": format or None, **options})
        job = self._finished("/v1/stylize", fields, time.monotonic() + wait_seconds, progress)
        painting = self.result(job["id"])
        if output is not None:
            replace_file(Path(output), painting)
        return painting

    def stylize_video(
        self,
        clip: str | os.PathLike[str],
        style: Picture | Sequence[Picture] = (),
        *,
        output: str | os.PathLike[str],
        wait_seconds: float = 3600,
        progress: Callable[[dict[str, Any]], None] | None = None,
        **options: Any,
    ) -> Path:
        """A painted film, written to `output`, whose suffix is its format: mp4, webm, gif or webp.

        clip: a path, or the id of a film that was sent. options: as of `impasto.stylize_video`; a `size` that is not
        given is the largest that the server paints. The rest is as for `stylize`. A job that failed in the middle is an
        ImpastoError; what was painted until then is written all the same.
        """
        target = Path(output)
        deadline = time.monotonic() + wait_seconds
        if not (name := os.fspath(clip)).startswith(VIDEO):
            sent = self._until(deadline, lambda: self.upload_video(clip))
            name, options = sent["id"], {"size": sent["largest_size"], **options}
        fields = _fields(name, style, (), {"format": target.suffix[1:].lower(), **options})
        job = self._finished("/v1/stylize-video", fields, deadline, progress)
        result = f"/v1/jobs/{job['id']}/result"
        with self._asked("GET", result) as answer, replacing(target) as part, part.open("wb") as file:
            shutil.copyfileobj(answer, file)
        if job["failure"] is not None:
            raise ImpastoError(f"{target} holds {job['step']} frames of {job['total']}: {job['failure']['message']}")
        return target

    def upload_video(self, clip: str | os.PathLike[str]) -> dict[str, Any]:
        """Send a film: its `id`, `width`, `height`, `frames`, `fps`, `seconds`, and the `largest_size` that it can be
        painted at. It is kept as `upload` keeps a picture."""
        with _opened(clip) as file:
            length = str(os.fstat(file.fileno()).st_size)
            headers = {"Content-Type": "application/octet-stream", "Content-Length": length}
            return self._json("POST", "/v1/videos", file, headers)

    def attention(
        self,
        content: Picture,
        style: Picture | Sequence[Picture] = (),
        place: tuple[float, float] = (50, 50),
        *,
        format: str = "png",  # noqa: A002
        wait_seconds: float = 600,
        **options: Any,
    ) -> bytes:
        """Where a place of the content looks, as a file of the format: the style, or, with a method of trained
        generators, the content itself, bright where the place looks.

        place: (x, y) in percent of the content's width and height. The rest is as for `stylize`.
        """
        values = {"x": place[0], "y": place[1], "format": format, **options}
        fields = _fields(content, style, (), values)
        return self.result(self._finished("/v1/attention", fields, time.monotonic() + wait_seconds)["id"])

    def submit(
        self,
        content: Picture,
        style: Picture | Sequence[Picture] = (),
        *,
        masks: Sequence[Picture] = (),
        format: str = "png",  # noqa: A002
        **options: Any,
    ) -> dict[str, Any]:
        """The job that paints it, as `job` shows it. Raises ServerError, also for a full server."""
        return self._submitted("/v1/stylize", _fields(content, style, masks, {"format": format, **options}))

    def upload(self, picture: Picture) -> str:
        """Send a picture once: its id, which `stylize`, `attention` and `submit` take for the picture itself.

        The server keeps it as long as it is used, within bounds: where it is gone, they raise ServerError 404.
        """
        body = _file(picture)
        assert isinstance(body, bytes)
        headers = {"Content-Type": "application/octet-stream"}
        return str(self._json("POST", "/v1/uploads", body, headers)["id"])

    def forget(self, *ids: str) -> None:
        """Have the server let go of jobs and uploads, of those that are painted, too."""
        body = json.dumps({"ids": ids}).encode()
        self._ask("POST", "/v1/forget", body, {"Content-Type": "application/json"})

    def job(self, job_id: str) -> dict[str, Any]:
        """How a job is."""
        return self._json("GET", f"/v1/jobs/{job_id}")

    def result(self, job_id: str, format: str = "") -> bytes:  # noqa: A002
        """The painting of a job that is done; of one that was stopped, the best so far.

        format: "jpeg" or "webp", for another file than was asked for.
        """
        return self._ask("GET", f"/v1/jobs/{job_id}/result" + (f"?format={format}" if format else ""))

    def preview(self, job_id: str) -> bytes:
        """The latest preview, JPEG."""
        return self._ask("GET", f"/v1/jobs/{job_id}/preview")

    def cancel(self, job_id: str) -> None:
        """Stop a job; a finished one is forgotten."""
        self._ask("DELETE", f"/v1/jobs/{job_id}")

    def events(self, job_id: str) -> Iterator[dict[str, Any]]:
        """The job, again and again whenever it has changed, until it is over or forgotten."""
        with self._asked("GET", f"/v1/jobs/{job_id}/events") as answer:
            event = b""
            for line in answer:
                if line.startswith(b"event: "):
                    event = line.removeprefix(b"event: ").strip()
                elif line.startswith(b"data: ") and event == b"job":
                    yield json.loads(line.removeprefix(b"data: "))

    def methods(self) -> dict[str, Any]:
        """Methods, options, formats and limits."""
        return self._json("GET", "/v1/methods")

    def styles(self) -> list[str]:
        """Names of the server's styles."""
        return [style["name"] for style in self._json("GET", "/v1/styles")["styles"]]

    def _finished(
        self, path: str, fields: Fields, deadline: float, progress: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """The job of a form, when it is over. Raises TimeoutError."""
        job = self._until(deadline, lambda: self._submitted(path, fields))
        while job["status"] in ("queued", "running"):
            if progress:
                progress(job)
            left = (job["wait_seconds"] or 0) + (job["seconds_left"] or 0)
            self._sleep(min(1.0, max(SHORTEST_PAUSE, left / 4)), deadline)
            job = self.job(job["id"])
        return job

    def _submitted(self, path: str, fields: Fields) -> dict[str, Any]:
        body, kind = _form(fields)
        return self._json("POST", path, body, {"Content-Type": kind, "Prefer": "respond-async"})

    def _until(self, deadline: float, submit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Ask again, as long as the server says when."""
        while True:
            try:
                return submit()
            except ServerError as error:
                if error.status not in (429, 503) or error.retry_after is None:
                    raise
                self._sleep(error.retry_after, deadline, error)

    def _sleep(self, seconds: float, deadline: float, cause: Exception | None = None) -> None:
        if time.monotonic() + seconds > deadline:
            raise TimeoutError("the painting is not there in time") from cause
        time.sleep(seconds)

    def _json(self, method: str, path: str, body: Body = b"", headers: dict[str, str] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._ask(method, path, body, headers))
        return answer

    def _ask(self, method: str, path: str, body: Body = b"", headers: dict[str, str] | None = None) -> bytes:
        with self._asked(method, path, body, headers) as answer:
            return answer.read()

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Body = b"", headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer that is no error, to be read. Raises ServerError, and ImpastoError if there is no server."""
        parts = self._parts
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        with closing(kind(parts.hostname or "", parts.port, timeout=self._timeout)) as connection:
            try:
                # A server that refuses an upload need not read it to its end; its answer may be there all the same.
                with suppress(BrokenPipeError, ConnectionResetError):
                    target = parts.path.rstrip("/") + path
                    connection.request(method, target, body or None, {**self._headers, **(headers or {})})
                answer = connection.getresponse()
                problem = None if answer.status < 400 else _error(answer)
            except (OSError, http.client.HTTPException) as error:
                where = f"{parts.scheme}://{parts.netloc}"
                raise ImpastoError(f"{where}: the server cannot be reached: {error}") from error
            if problem is not None:
                raise problem
            yield answer


def _error(answer: http.client.HTTPResponse) -> ServerError:
    try:
        problem = json.loads(answer.read(2**20))
    except ValueError:
        problem = {}
    after = answer.headers.get("Retry-After", "")
    return ServerError(
        answer.status, problem if isinstance(problem, dict) else {}, float(after) if after.isdigit() else None
    )


def _fields(
    content: Picture, style: Picture | Sequence[Picture], masks: Sequence[Picture], values: Mapping[str, Any]
) -> Fields:
    fields: list[tuple[str, str | bytes]] = [("content", _file(content))]
    for name, pictures in (("style", style), ("mask", masks)):
        several = pictures if isinstance(pictures, list | tuple) else [pictures]
        fields += [(name, _file_or_name(one)) for one in several]  # type: ignore[arg-type]
    return [*fields, *((name, str(value)) for name, value in values.items() if value is not None)]


def _file(picture: Picture) -> str | bytes:
    """Its bytes; of what was sent before, the id."""
    if isinstance(picture, bytes) or (isinstance(picture, str) and picture.startswith((UPLOAD, VIDEO))):
        return picture
    with _opened(picture) as file:
        return file.read()


def _opened(path: str | os.PathLike[str]) -> BinaryIO:
    """Raises PictureError."""
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise PictureError(f"{os.fspath(path)}: it cannot be read: {reason_of(error)}") from error


def _format_of(output: Path) -> str:
    """Of a suffix that is not known, that itself, for the server to refuse."""
    suffix = output.suffix.lower()
    return FORMATS.get(suffix, suffix[1:]).lower()


def _file_or_name(picture: Picture) -> str | bytes:
    if isinstance(picture, bytes):
        return picture
    path = Path(picture)
    return _file(path) if path.exists() or not isinstance(picture, str) else picture


def _form(fields: Fields) -> tuple[bytes, str]:
    """The body of a form (RFC 7578) and its media type."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in fields:
        is_file = isinstance(value, bytes)
        about = f'Content-Disposition: form-data; name="{name}"' + ('; filename="picture"' if is_file else "")
        head = f"--{boundary}\r\n{about}\r\n" + ("Content-Type: application/octet-stream\r\n" if is_file else "")
        parts += [head.encode(), b"\r\n", value if isinstance(value, bytes) else value.encode(), b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"

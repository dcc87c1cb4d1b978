"""The page: files of `web/page`, which need nothing but `/v1`, as they are."""

import gzip
import hashlib
import mimetypes
import secrets
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from impasto.serving.problem import Problem
from impasto.web.access import VISIT_COOKIE, is_encrypted, is_visit

START, ICON = "index.html", "icon.svg"
DESCRIPTION = "/v1/openapi.json"
# Nothing from elsewhere, and nothing that is written into the page itself. `blob:` is what the visitor dropped, `data:`
# a preview. The last three let the page share memory between threads, where it paints by itself.
HEADERS = {
    "Content-Security-Policy": "; ".join((
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:",
        "media-src 'self' blob:", "connect-src 'self'", "worker-src 'self'", "manifest-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )),
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """data: as it is, and packed: by gzip."""

    data: bytes
    packed: bytes
    media_type: str
    etag: str

    def response(self, request: Request) -> Response:
        headers = {**HEADERS, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.packed, media_type=self.media_type, headers=headers)
        return Response(self.data, media_type=self.media_type, headers=headers)


def page_files() -> dict[str, File]:
    """{name: file} of the page."""
    folder = files("impasto.web") / "page"
    return {one.name: _file(one.name, one.read_bytes()) for one in folder.iterdir() if one.is_file()}


def routes() -> list[Route]:
    """`/` and `/page/NAME`, for everybody; what they show comes from `/v1`."""
    known = page_files()

    async def start(request: Request) -> Response:
        answer = known[START].response(request)
        if not is_visit(request.cookies.get(VISIT_COOKIE, "")):
            name = secrets.token_urlsafe(16)
            answer.set_cookie(VISIT_COOKIE, name, httponly=True, samesite="strict", secure=is_encrypted(request))
        return answer

    async def file(request: Request) -> Response:
        name = request.path_params.get("name", ICON)
        if name not in known:
            raise Problem(404, "http", "there is no such file")
        return known[name].response(request)

    async def described(_: Request) -> Response:
        return RedirectResponse(DESCRIPTION)

    return [
        Route("/", start), Route("/page/{name}", file), Route("/favicon.ico", file),
        # Where people look who know the API's name, or other servers.
        *(Route(path, described) for path in ("/v1", "/docs", "/redoc", "/openapi.json")),
    ]  # fmt: skip


def _file(name: str, data: bytes) -> File:
    kind = {"js": "text/javascript"}.get(name.rpartition(".")[2]) or mimetypes.guess_type(name)[0] or "text/plain"
    digest = hashlib.sha256(data).hexdigest()[:16]
    return File(data, gzip.compress(data, mtime=0), kind, f'"{digest}"')

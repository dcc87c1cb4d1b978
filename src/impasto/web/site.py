"""The page: files of `web/page`, which need nothing but `/v1`, as they are."""

import mimetypes
import secrets

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

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


class Page(StaticFiles):
    """The files, which are asked for again when they have changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.update(HEADERS)
        return answer


def routes() -> list[Route]:
    """`/` and `/page/NAME`, for everybody; what they show comes from `/v1`."""
    # Not every system knows this, and browsers run nothing else.
    mimetypes.add_type("text/javascript", ".js")
    page = Page(packages=[("impasto.web", "page")])

    async def start(request: Request) -> Response:
        answer = await page.get_response(START, request.scope)
        if not is_visit(request.cookies.get(VISIT_COOKIE, "")):
            name = secrets.token_urlsafe(16)
            answer.set_cookie(VISIT_COOKIE, name, httponly=True, samesite="strict", secure=is_encrypted(request))
        return answer

    async def file(request: Request) -> Response:
        return await page.get_response(request.path_params.get("name", ICON), request.scope)

    async def described(_: Request) -> Response:
        return RedirectResponse(DESCRIPTION)

    return [
        *(
            Route(path, answer, middleware=[Middleware(GZipMiddleware)])
            for path, answer in (("/", start), ("/page/{name}", file), ("/favicon.ico", file))
        ),
        # Where people look who know the API's name, or other servers.
        *(Route(path, described) for path in ("/v1", "/docs", "/redoc", "/openapi.json")),
    ]

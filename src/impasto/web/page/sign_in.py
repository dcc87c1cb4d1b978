"""Signing in to the page of a server that wants keys.

The page would otherwise be a door around the keys; leaving it out would leave those out who have a key and no terminal.
The key itself is the cookie: whoever is taken off the list is out within a second, as in the API, and the server
keeps no list of its own of who is in. No script can read the cookie, and no other site can have it sent.
"""

from html import escape
from importlib.resources import files
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from impasto.serving.problem import Problem
from impasto.web.access import COOKIE, Access
from impasto.web.form import LONGEST_TEXT

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"


async def sign_in(request: Request, access: Access) -> Response:
    """The key that was typed becomes a cookie, if it is one that may paint."""
    text = await _typed(request)
    if not access.wants_keys:
        return RedirectResponse("/", 303)
    try:
        access.owner(text, "stylize")
    except Problem as problem:
        return _form(problem.status, "This is not a key of this server." if problem.status == 401 else problem.detail)
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    answer.set_cookie(COOKIE, text, httponly=True, samesite="strict", secure=secure)
    return answer


def sign_out() -> Response:
    """The cookie goes."""
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def signed_out_page(problem: Problem) -> Response:
    """Instead of the page. problem: why."""
    return _form(problem.status, "" if problem.status == 401 else problem.detail)


async def _typed(request: Request) -> str:
    if int(request.headers.get("content-length", "0")) > LONGEST_TEXT:
        raise Problem(413, "too-large", "this is longer than any key")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_TEXT:
            raise Problem(413, "too-large", "this is longer than any key")
    return parse_qs(body.decode("latin-1")).get("key", [""])[0].strip()


def _form(status: int, why: str) -> Response:
    page = (files("impasto.web.page") / "sign_in.html").read_text()
    return HTMLResponse(page.replace("{why}", escape(why)), status, {"Cache-Control": "no-store"})

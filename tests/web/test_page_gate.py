"""What of gradio can be reached through the page's server, and who may."""

import json
import socket
from pathlib import Path

import pytest
from fake_service import faked
from wishes import picture

from impasto.client import _form
from impasto.web.keys import Keys, add_key, remove_key

SECRET = b"only for the server"


@pytest.fixture(scope="module")
def here(tmp_path_factory, running):
    """One for all that ask of it nothing that stays."""
    with faked(tmp_path_factory.mktemp("worker")) as service, running(service, page=True) as site:
        yield site


def upload(here, *files, **headers):
    body, kind = _form([("files", one) for one in files])
    return here.ask("POST", "/gradio_api/upload", body, **{"Content_Type": kind, **headers})


def join(here, data, **more):
    body = json.dumps({"data": data, "fn_index": 0, "session_hash": "abc", **more}).encode()
    return here.ask("POST", "/gradio_api/queue/join", body, Content_Type="application/json")


def file(path, **more):
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def test_the_page_is_at_the_root_and_lets_nothing_in_from_elsewhere(here):
    answer = here.ask("GET", "/")
    assert answer.status == 200
    assert b"impasto" in answer.body
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert b"fonts.g" not in answer.body + here.ask("GET", "/theme.css").body
    assert here.ask("HEAD", "/").status == 200
    assert here.ask("GET", "/favicon.ico").headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/proxy=https://x.hf.space/file"), ("GET", "/gradio_api/info"), ("GET", "/gradio_api/api"),
        ("POST", "/gradio_api/call/paint"), ("POST", "/gradio_api/call/v2/paint"), ("POST", "/gradio_api/run/paint"),
        ("POST", "/gradio_api/api/paint"), ("POST", "/gradio_api/component_server"), ("POST", "/login"),
        ("GET", "/gradio_api/deep_link?session_hash=abc"), ("GET", "/gradio_api/openapi.json"), ("GET", "/monitoring"),
        ("GET", "/gradio_api/file/etc/passwd"), ("GET", "/gradio_api/custom_component/x/client/component/index.js"),
        ("GET", "/gradio_api/runs"), ("GET", "/manifest.json"), ("GET", "/gradio_api/app_id"), ("GET", "/docs"),
        ("GET", "/gradio_api/queue/join"), ("POST", "/"), ("GET", "/gradio_api/dev/reload"), ("GET", "/svelte/x.js"),
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(here, method, path):
    answer = here.ask(method, path, b"{}" if method == "POST" else None, Content_Type="application/json")
    assert answer.status == 404
    assert answer.json["code"] == "http"


def test_the_api_answers_as_it_does_without_a_page(here):
    assert here.ask("GET", "/v1/nothing").json["status"] == 404
    wrong = here.ask("DELETE", "/v1/methods")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET")
    assert here.stylize(("content", picture()), ("style", "now")).status == 200
    here.ask("GET", "/")
    assert 'route="page",status="200"' in here.ask("GET", "/metrics").body.decode()


@pytest.mark.parametrize("path", ["/etc/passwd", "http://127.0.0.1:1/x", "../../etc/passwd", "%2e%2e/etc/passwd", ""])
def test_no_other_file_can_be_had(here, path, tmp_path):
    (tmp_path / "secret.txt").write_bytes(SECRET)
    for one in (path, str(tmp_path / "secret.txt")):
        answer = here.ask("GET", f"/gradio_api/file={one}")
        assert answer.status == 404
        assert SECRET not in answer.body


def test_an_upload_stays_in_memory(here, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    photo = picture(7, size=(40, 30))
    answer = upload(here, photo, picture(8))
    assert answer.status == 200
    one, two = answer.json
    assert here.ask("GET", f"/gradio_api/file={one}").body == photo
    assert here.ask("GET", f"/gradio_api/file={two}").body == picture(8)
    assert here.ask("GET", f"/gradio_api/file={one}").headers["Cache-Control"] == "private, no-store"
    assert not Path(one).parent.parent.exists()
    assert list(tmp_path.rglob("*.png")) == []


def test_what_is_no_picture_is_sent_back_as_nothing_that_runs(here):
    body, kind = _form([("files", b"<script>alert(1)</script>")])
    body = body.replace(b'filename="picture"', b'filename="x.html"')
    (path,) = here.ask("POST", "/gradio_api/upload", body, Content_Type=kind).json
    assert path.endswith("/x.html")
    answer = here.ask("GET", f"/gradio_api/file={path}")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_upload_is_bounded_and_must_come_from_the_page_itself(site):
    here = site(page=True, limits={"upload_mb": 0.01, "results_mb": 0.15})
    assert upload(here, bytes(200_000)).json["code"] == "too-large"
    assert upload(here, picture(), Host="example.org").json["code"] == "other-site"
    assert upload(here, picture(), Sec_Fetch_Site="cross-site").json["code"] == "other-site"
    assert here.ask("POST", "/gradio_api/upload", b"nothing", Content_Type="multipart/form-data").status == 400
    assert upload(here, bytes(100_000)).status == 200
    full = upload(here, bytes(100_000))
    assert (full.status, full.json["code"]) == (503, "queue-full")
    assert int(full.headers["Retry-After"]) > 500


@pytest.mark.parametrize(
    "data",
    [
        [file("/etc/passwd")], [{"a": [{"deep": file("http://127.0.0.1:1/x.png")}]}], [{"path": "/etc/passwd"}],
        [file("relative.png", url="https://example.org/x.png")], [{"path": 5}], [[file("")]],
        [{"url": "https://example.org/x.png"}], [{"path": None, "url": "http://127.0.0.1:1/x"}],
    ],
)  # fmt: skip
def test_a_call_names_only_uploads(here, data):
    answer = join(here, data)
    assert (answer.status, answer.json["code"]) == (422, "foreign-file")
    assert join(here, [], event_data=data).status == 422


@pytest.mark.parametrize("number", [None, -1, 99_999, "0", [0], {}])
def test_a_call_is_of_one_of_the_pages_handlers(here, number):
    answer = join(here, [], fn_index=number)
    assert (answer.status, answer.json["code"]) == (422, "no-such-handler")


def test_a_call_that_is_broken(here):
    for body in (b"", b"{", b"[" * 100_000):
        answer = here.ask("POST", "/gradio_api/queue/join", body, Content_Type="application/json")
        assert (answer.status, answer.json["code"]) == (400, "broken-call")


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_call_that_is_too_large_is_refused_before_it_is_there(here, path, kind):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 1500000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", here.port), timeout=30) as connection:
        connection.sendall(head.encode() + b"[" + b"{}," * 10_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_small_pictures_of_the_styles(here):
    answer = here.ask("GET", "/page/styles/now")
    assert answer.body == here.ask("GET", "/v1/styles/now/thumbnail").body
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert here.ask("GET", "/page/styles/none").status == 404
    assert here.ask("GET", "/page/styles/..%2f..%2fetc%2fpasswd").status == 404


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def key(key_file):
    return add_key(key_file, "ada", ("stylize",))


@pytest.fixture(scope="module")
def locked(tmp_path_factory, running, key_file, key):
    with faked(tmp_path_factory.mktemp("worker")) as service, running(service, Keys(key_file), page=True) as site:
        yield site


def sign_in(locked, key):
    form = "application/x-www-form-urlencoded"
    return locked.ask("POST", "/sign-in", f"key={key}".encode(), Content_Type=form)


def test_without_a_key_there_is_only_the_door(locked):
    answer = locked.ask("GET", "/")
    assert answer.status == 401
    assert b"gradio" not in answer.body
    assert b'name="key" type="password"' in answer.body
    for path in ("/config", "/page/styles/now", "/gradio_api/file=x", "/assets/index.js", "/gradio_api/queue/data"):
        assert locked.ask("GET", path).status == 401
    assert upload(locked, picture()).status == 401
    assert join(locked, []).status == 401


def test_a_key_opens_it_and_only_it(locked, key):
    answer = sign_in(locked, key)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    cookie = cookie.partition(";")[0]
    page = locked.ask("GET", "/", Cookie=cookie)
    assert page.status == 200
    assert b"Sign out" in page.body
    assert upload(locked, picture(), Cookie=cookie).status == 200
    # A cookie goes along with whatever a browser is made to ask; the API wants the key itself.
    assert locked.stylize(("content", picture()), ("style", "now"), Cookie=cookie).status == 401
    assert locked.stylize(("content", picture()), ("style", "now"), Authorization=f"Bearer {key}").status == 200
    assert 'impasto_key=""' in locked.ask("POST", "/sign-out", b"", Cookie=cookie).headers["Set-Cookie"]


def test_over_encryption_the_cookie_stays_there(locked, key):
    form = "application/x-www-form-urlencoded"
    answer = locked.ask(
        "POST", "/sign-in", f"key={key}".encode(), Content_Type=form, X_Forwarded_Proto="https"
    )  # fmt: skip
    assert "Secure" in answer.headers["Set-Cookie"]


def test_no_other_key_does(locked, key_file, key):
    metrics = add_key(key_file, "prometheus", ("metrics",))
    for wrong in ("impasto_wrong", "", "%00", "x" * 9000):
        answer = sign_in(locked, wrong)
        assert answer.status == 401
        assert b"not a key of this server" in answer.body
        assert "Set-Cookie" not in answer.headers
    assert sign_in(locked, "x" * 20_000).status == 413
    assert "Set-Cookie" not in sign_in(locked, metrics).headers


def test_a_key_that_is_taken_back_closes_it(locked, key_file, key, monkeypatch):
    monkeypatch.setattr("impasto.web.keys.RELOAD_SECONDS", 0)
    cookie = sign_in(locked, key).headers["Set-Cookie"].partition(";")[0]
    assert locked.ask("GET", "/config", Cookie=cookie).status == 200
    remove_key(key_file, "ada")
    assert locked.ask("GET", "/config", Cookie=cookie).status == 401
    assert locked.ask("GET", "/", Cookie=cookie).status == 401

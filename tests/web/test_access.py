"""Who may come in, by key or by cookie, how often, and from where."""

import json
import socket
import stat

import pytest
from wishes import picture

from impasto.errors import CheckpointError, OptionError
from impasto.serving.problem import Problem
from impasto.web import keys as keys_module
from impasto.web.access import Access, Visitor
from impasto.web.keys import Keys, add_key, read_keys, remove_key

FORM = (("content", picture()), ("style", "now"))


@pytest.fixture
def key(file):
    return add_key(file, "ada", ("stylize",))


@pytest.fixture
def locked(site, file, key):
    return site(Keys(file))


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_the_file_holds_hashes_and_is_for_its_owner(file):
    key = add_key(file, "ada", ("stylize", "metrics"), 30)
    add_key(file, "bob", ("stylize",))
    assert key.startswith("impasto_")
    assert key not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [(one.name, one.scopes, one.rate) for one in read_keys(file)] == [
        ("ada", ("stylize", "metrics"), 30), ("bob", ("stylize",), None)
    ]  # fmt: skip
    found = Keys(file).find(key)
    assert found.name == "ada"
    assert Keys(file).find(key[:-1]) is None
    assert Keys(file).find(found.sha256) is None


def test_names_scopes_and_rates_are_checked(file):
    add_key(file, "ada", ("stylize",))
    for name, scopes, rate, said in (
        ("ada", ("stylize",), None, "the name 'ada' is taken"),
        ("", ("stylize",), None, "is empty"),
        ("bob", ("admin",), None, "no scope 'admin'"),
        ("bob", ("stylize",), -1, "rate is -1"),
        ("bob", ("stylize",), float("nan"), "rate is nan"),
    ):
        with pytest.raises(OptionError, match=said):
            add_key(file, name, scopes, rate)
    with pytest.raises(OptionError, match="no key named 'bob'"):
        remove_key(file, "bob")
    assert len(read_keys(file)) == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"keys": [{}]}', '{"keys": [{"name": 1, "sha256": 2, "scopes": []}]}']
)
def test_damaged_files_are_refused(text, file):
    file.write_text(text)
    with pytest.raises(CheckpointError):
        read_keys(file)


def test_a_key_that_is_taken_away_stops_working(file, monkeypatch):
    monkeypatch.setattr(keys_module, "RELOAD_SECONDS", 0)
    key = add_key(file, "ada", ("stylize",))
    other = add_key(file, "bob", ("stylize",))
    keys = Keys(file)
    remove_key(file, "ada")
    assert keys.find(key) is None
    assert keys.find(other).name == "bob"
    file.unlink()
    for _ in range(2):
        with pytest.raises(CheckpointError):
            keys.find(other)


def test_a_minute_of_requests_at_once_and_then_one_after_the_other():
    now = [0.0]
    access = Access(None, 0, lambda: now[0])
    visitor = Visitor("ada", 6.0)
    for _ in range(6):
        access.spend(visitor)
    with pytest.raises(Problem) as refused:
        access.spend(visitor)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "10")
    now[0] = 9.9
    with pytest.raises(Problem):
        access.spend(visitor)
    access.spend(Visitor("bob", 6.0))
    now[0] = 10.1
    access.spend(visitor)
    for _ in range(100):
        access.spend(Visitor("free", 0.0))


def test_keys_and_scopes_over_http(site, file):
    painter = add_key(file, "ada", ("stylize",))
    reader = add_key(file, "prometheus", ("metrics",))
    here = site(Keys(file))
    for headers in ({}, bearer("impasto_wrong"), {"Authorization": f"Basic {painter}"}, {"Authorization": painter}):
        answer = here.stylize(*FORM, **headers)
        assert (answer.status, answer.json["code"]) == (401, "no-key")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert here.stylize(*FORM, **bearer(painter)).status == 200
    assert here.stylize(*FORM, **bearer(reader)).status == 403
    assert here.ask("GET", "/metrics", **bearer(painter)).status == 403
    assert here.ask("GET", "/metrics", **bearer(reader)).status == 200
    for path in ("/v1/methods", "/v1/styles", "/metrics", "/v1/jobs/x", "/v1/styles/now/thumbnail"):
        assert here.ask("GET", path).status == 401
    assert here.ask("GET", "/v1/styles", **bearer(reader)).status == 200
    assert here.ask("GET", "/healthz").status in (200, 503)
    assert "securitySchemes" in here.ask("GET", "/v1/openapi.json").json["components"]


def test_jobs_of_other_keys_do_not_exist(site, file):
    ada, bob = add_key(file, "ada", ("stylize",)), add_key(file, "bob", ("stylize",))
    here = site(Keys(file))
    path = here.stylize(*FORM, Prefer="respond-async", **bearer(ada)).headers["Location"]
    for end in ("", "/result", "/preview", "/events"):
        assert here.ask("GET", path + end, **bearer(bob)).status == 404
    assert here.ask("DELETE", path, **bearer(bob)).status == 404
    assert here.ask("GET", path, **bearer(ada)).status == 200


def test_rates_over_http(site, file):
    key = add_key(file, "ada", ("stylize",), rate=2)
    here = site(Keys(file), rate=1)
    assert [here.stylize(*FORM, **bearer(key)).status for _ in range(3)] == [200, 200, 429]
    answer = here.stylize(*FORM, **bearer(key))
    assert answer.json["code"] == "too-often"
    assert 1 <= int(answer.headers["Retry-After"]) <= 30


def test_pages_of_other_sites_are_kept_out(site, here):
    assert here.stylize(*FORM, Sec_Fetch_Site="cross-site").status == 403
    assert here.stylize(*FORM, Sec_Fetch_Site="same-origin").status == 200
    assert here.ask("GET", "/v1/styles", Host="evil.example").status == 403
    assert site(hosts=None).ask("GET", "/v1/styles", Host="paint.example").status == 200


def test_keys_command(file, capsys):
    from impasto.cli.main import main

    def impasto_keys(*words):
        return main(["keys", *words]), *capsys.readouterr()

    code, out, err = impasto_keys("add", "ada", "--keys", str(file), "--scope", "stylize", "metrics", "--rate", "5")
    assert code == 0
    assert Keys(file).find(out.strip()).rate == 5
    assert str(file) in err
    assert impasto_keys("list", "--keys", str(file))[1].startswith("ada  stylize,metrics  5/min  20")
    assert impasto_keys("add", "ada", "--keys", str(file))[0] == 2
    assert impasto_keys("remove", "ada", "--keys", str(file))[0] == 0
    assert json.loads(file.read_text()) == {"keys": []}
    assert impasto_keys("list", "--keys", str(file) + "x")[0] == 1


@pytest.mark.parametrize("path", ["/v1/stylize", "/v1/attention", "/v1/uploads"])
def test_of_a_stranger_no_upload_is_waited_for(path, locked):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with socket.create_connection(("127.0.0.1", locked.port), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: 1000000\r\n\r\n--x\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_a_wrong_key_is_told_from_none_and_stands_in_the_log_once(locked, caplog):
    for _ in range(2):
        answer = locked.ask("GET", "/v1/styles", Authorization="Bearer impasto_wrong")
        assert (answer.status, "this key is not known" in answer.json["detail"]) == (401, True)
    assert "wants an API key" in locked.ask("GET", "/v1/styles").json["detail"]
    # The service logs from threads of its own.
    said = [record.getMessage() for record in caplog.records if record.name == "impasto.serving"]
    assert said == ["refused a key that is not known, from 127.0.0.1"]


# --- with a browser ---------------------------------------------------------------------------------------------------


def sign_in(here, key, **headers):
    return here.ask("POST", "/v1/session", json.dumps({"key": key}).encode(), **headers)


def with_cookie(here, key):
    return {"Cookie": f"impasto_key={key}", "Origin": here.url, "Host": here.url.removeprefix("http://")}


def test_a_key_becomes_a_cookie_that_no_script_reads(locked, key):
    assert locked.ask("GET", "/v1/session").json == {"wants_key": True, "signed_in": False}
    answer = sign_in(locked, f" {key} ")
    assert answer.status == 204
    assert answer.headers["Set-Cookie"] == f"impasto_key={key}; HttpOnly; Path=/; SameSite=strict"
    ada = with_cookie(locked, key)
    assert locked.ask("GET", "/v1/session", **ada).json == {"wants_key": True, "signed_in": True}
    job = locked.stylize(*FORM, Prefer="respond-async", **ada).headers["Location"]
    assert locked.ask("GET", job, Authorization=f"Bearer {key}").status == 200
    out = locked.ask("DELETE", "/v1/session", **ada)
    assert 'impasto_key=""' in out.headers["Set-Cookie"]


def test_over_encryption_the_cookie_stays_there(locked, key):
    assert "; Secure" in sign_in(locked, key, X_Forwarded_Proto="https").headers["Set-Cookie"]


def test_no_other_key_does(locked, file, monkeypatch):
    monkeypatch.setattr(keys_module, "RELOAD_SECONDS", 0)
    reader = add_key(file, "prometheus", ("metrics",))
    for wrong, status in (("impasto_wrong", 401), ("", 401), (reader, 403), (7, 422)):
        answer = sign_in(locked, wrong)
        assert answer.status == status
        assert "Set-Cookie" not in answer.headers
    assert locked.ask("GET", "/v1/session", Cookie=f"impasto_key={reader}").json["signed_in"] is False


def test_a_cookie_changes_nothing_without_the_origin_of_the_page(locked, key):
    ada = with_cookie(locked, key)
    for change in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}):
        assert locked.stylize(*FORM, **{**ada, **change}).status == 403
    without = {name: value for name, value in ada.items() if name != "Origin"}
    answer = locked.stylize(*FORM, **without)
    assert (answer.status, answer.json["code"]) == (403, "other-site")
    assert locked.ask("DELETE", "/v1/jobs/none", **without).status == 403
    # Looking needs none, and browsers send none then; a program with a key has none.
    assert locked.ask("GET", "/v1/styles", **without).status == 200
    assert locked.stylize(*FORM, Authorization=f"Bearer {key}").status == 200
    # What is said beside a cookie counts, not the cookie.
    assert locked.stylize(*FORM, **ada, Authorization="Bearer impasto_wrong").status == 401


def test_without_keys_everybody_is_in(here):
    assert here.ask("GET", "/v1/session").json == {"wants_key": False, "signed_in": False}
    answer = sign_in(here, "anything")
    assert (answer.status, answer.headers["Set-Cookie"]) == (204, None)

"""Signing in with a browser, and who may change things with a cookie."""

import json

import pytest
from wishes import picture

from impasto.web import keys as keys_module
from impasto.web.keys import Keys, add_key, remove_key

FORM = (("content", picture()), ("style", "now"))


@pytest.fixture
def key(file):
    return add_key(file, "ada", ("stylize",))


@pytest.fixture
def locked(site, file, key):
    return site(Keys(file))


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


def test_a_key_that_is_taken_back_closes_it(locked, file, key, monkeypatch):
    monkeypatch.setattr(keys_module, "RELOAD_SECONDS", 0)
    ada = with_cookie(locked, key)
    assert locked.ask("GET", "/v1/styles", **ada).status == 200
    remove_key(file, "ada")
    assert locked.ask("GET", "/v1/styles", **ada).status == 401


def test_without_keys_everybody_is_in(site):
    here = site()
    assert here.ask("GET", "/v1/session").json == {"wants_key": False, "signed_in": False}
    answer = sign_in(here, "anything")
    assert (answer.status, answer.headers["Set-Cookie"]) == (204, None)

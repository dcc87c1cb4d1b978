"""The page's files: which there are, what they may do in a browser, how large they are, what they say."""

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

from impasto import web

FILES = {path.name: path.read_bytes() for path in (Path(web.__file__).parent / "page").iterdir() if path.is_file()}
LATER = {"sheet.js", "compare.js", "explore.js", "video.js"}
"""Are loaded when their tab is opened."""


def test_the_page_is_at_the_root(here):
    answer = here.ask("GET", "/")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    cookie = answer.headers["Set-Cookie"]
    visit = re.fullmatch(r"impasto_visit=([\w-]{22}); HttpOnly; Path=/; SameSite=strict", cookie)[1]
    assert "Set-Cookie" not in here.ask("GET", "/", Cookie=f"impasto_visit={visit}").headers
    assert "Set-Cookie" in here.ask("GET", "/", Cookie="impasto_visit=../../etc/passwd").headers
    assert here.ask("GET", "/favicon.ico").headers["Content-Type"] == "image/svg+xml"
    assert here.ask("HEAD", "/").status == 200
    assert here.ask("POST", "/").status == 405


def test_nothing_runs_but_its_own_files(here):
    for path in ("/", "/page/main.js", "/page/page.css"):
        headers = here.ask("GET", path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert policy["frame-ancestors"] == "'none'"


def test_a_file_is_sent_once_and_packed(here):
    plain = here.ask("GET", "/page/main.js")
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    packed = here.ask("GET", "/page/main.js", Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == FILES["main.js"]
    again = here.ask("GET", "/page/main.js", If_None_Match=plain.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/page/", "/page/none.js", "/page/..%2Fapp.py", "/page/../app.py", "/page/%2e%2e/app.py"]
)
def test_no_other_file_can_be_had(path, site):
    assert site().ask("GET", path).status == 404


def test_the_first_view_is_small():
    first = sum(len(gzip.compress(data)) for name, data in FILES.items() if name not in LATER)
    assert first < 50_000


def test_all_modules_of_the_first_view_are_fetched_at_once():
    named = re.findall(r'"modulepreload" href="page/([\w.]+)"', FILES["index.html"].decode())
    assert set(named) == {name for name in FILES if name.endswith(".js")} - LATER - {"main.js", "theme.js"}


def test_files_refer_to_nothing_elsewhere():
    for name, data in FILES.items():
        text = data.decode()
        found = re.findall(r"https?://[^\s'\"`)]+", text)
        assert set(found) <= {"http://www.w3.org/2000/svg"}, name
        if name.endswith(".js"):
            for module in re.findall(r"(?:from|import\()\s*'\./([\w.-]+)'", text):
                assert module in FILES, (name, module)


def test_both_languages_say_everything():
    text = FILES["texts.js"].decode()
    english, russian = (dict(block(text, name)) for name in ("ENGLISH", "RUSSIAN"))
    assert english.keys() == russian.keys()
    for key, said in english.items():
        assert places(said) == places(russian[key]), key
    used = set()
    for name, data in FILES.items():
        if name in ("texts.js", "dom.js"):
            continue
        source = data.decode()
        used |= set(re.findall(r"\b(?:t|tLabel|tAlt|tTitle|tPlaceholder): '([\w-]+)'", source))
        used |= set(re.findall(r"\bsay\('([\w-]+)'", source)) | set(re.findall(r"new Error\('([\w-]+)'\)", source))
        used |= set(re.findall(r'data-t(?:-label|-title)?="([\w-]+)"', source))
    assert used <= english.keys(), used - english.keys()


def block(text, name):
    body = text.split(f"const {name} = {{\n", 1)[1].split("\n}\n", 1)[0]
    return re.findall(r"^  '?([\w-]+)'?: '(.*)',$", body, re.MULTILINE)


def places(said):
    return set(re.findall(r"\{(\w+)\}", said))


def test_modules_are_javascript(tmp_path):
    node = pytest.importorskip("shutil").which("node")
    if node is None:
        pytest.skip("node is not installed")
    for name, data in FILES.items():
        if name.endswith(".js"):
            run = subprocess.run([node, "--input-type=module", "--check"], input=data, capture_output=True, check=False)
            assert run.returncode == 0, (name, run.stderr.decode())


def test_every_option_has_a_schema_at_its_method(site):
    found = site().ask("GET", "/v1/methods").json
    json.dumps(found, allow_nan=False)
    for method in found["methods"]:
        assert method["options"].keys() <= found["options"].keys()
        assert set(method["refined_by"]) <= {name for name, one in method["options"].items() if "refining" not in one}
    adain, gatys = found["methods"]
    assert (adain["name"], adain["takes_encoded"], adain["refined_by"]) == ("adain", True, ["quality", "refine"])
    assert adain["options"]["pooling"]["refining"] is True
    assert "steps" not in adain["options"]
    assert adain["options"]["strength"]["plain"] is True
    assert (gatys["looks_in"], "attention_layers" in gatys["look_options"]) == ("style", True)


def test_photos_to_begin_with(here):
    photos = here.ask("GET", "/v1/photos").json["photos"]
    assert {photo["name"] for photo in photos} == {"mountains", "still_life"}
    for photo in photos:
        assert here.ask("GET", photo["picture"]).headers["Content-Type"] == "image/jpeg"
        assert len(here.ask("GET", photo["thumbnail"]).body) < len(here.ask("GET", photo["picture"]).body)
    assert here.ask("GET", "/v1/photos/swirls").status == 404
    assert here.ask("GET", "/v1/photos/none/thumbnail").json["code"] == "no-such-photo"


@pytest.mark.parametrize("path", ["/v1", "/docs", "/redoc", "/openapi.json"])
def test_who_looks_for_the_description_is_led_to_it(path, site):
    answer = site().ask("GET", path)
    assert (answer.status, answer.headers["Location"]) == (307, "/v1/openapi.json")

"""Names of files that are no Unicode, long, or alike: every command takes them, or says what to do."""

import json
import os
import shutil

import pytest

from impasto.comparison import runner
from impasto.record import read_record
from impasto.service.offer import styles_in

# As they come from old disks and archives, in Latin-1.
CAFE, STYLE = os.fsdecode(b"caf\xe9.png"), os.fsdecode(b"styl\xe9.png")
SAID = r"caf\xe9.png"


@pytest.fixture
def latin(folder):
    shutil.move("photo.png", CAFE)
    shutil.move("style.png", STYLE)
    return folder


def test_stylize_takes_names_that_are_no_unicode(paint, impasto, latin):
    for words in (["--json"], ["--save-every", "2"], ["--init", STYLE, "-o", "deep/"]):
        outcome = paint(CAFE, "-s", STYLE, *words, *([] if "-o" in words else ["--overwrite"]))
        assert (outcome.code, outcome.err) == (0, ""), outcome.err
    record = read_record(os.fsdecode(b"caf\xe9-impasto.png"))
    assert (record["content"], record["style"]) == (SAID, [r"styl\xe9.png"])
    assert SAID in impasto("info", os.fsdecode(b"caf\xe9-impasto.png")).out
    again = paint(CAFE, "-s", STYLE, "--resume")
    assert "is painted already" in again.err


def test_json_says_names_that_are_no_unicode(impasto, latin):
    outcome = impasto("stylize", CAFE, "-s", STYLE, "--json")
    assert json.loads(outcome.out)["output"] == r"caf\xe9-impasto.png"


def test_an_encoded_style_may_have_such_a_name(impasto, latin):
    assert impasto("encode", STYLE).code == 0
    outcome = impasto("stylize", CAFE, "-s", os.fsdecode(b"styl\xe9.style.safetensors"), "-o", "out.png")
    assert (outcome.code, outcome.err) == (0, "")
    assert read_record("out.png")["style"] == [r"styl\xe9.style.safetensors"]


def test_attention_and_evaluation_take_such_names(impasto, latin):
    assert impasto("attention", CAFE, "-s", STYLE, "--size", "32", "-o", "look.html").code == 0
    assert r"caf\xe9.png looks at styl\xe9.png" in (latin / "look.html").read_text(encoding="utf-8")
    words = ["--content", STYLE, "--pair", "order", "--networks", "none", "-o", os.fsdecode(b"out\xe9")]
    assert impasto("evaluate", CAFE, *words).code == 0
    assert len(list((latin / os.fsdecode(b"out\xe9")).iterdir())) == 4


def test_comparisons_take_such_names(impasto, latin, monkeypatch):
    def lines(job):
        job = json.loads(json.dumps(job))
        for pair in job["pairs"]:
            shutil.copy(pair["content"], pair["target"])
            yield {"pair": pair["number"], "seconds": 2.5, "peak_bytes": 2**28, "before_bytes": 2**27}

    monkeypatch.setattr(runner, "_lines_of_worker", lines)
    outcome = impasto("compare", CAFE, "--style", STYLE, "--methods", "adain", "--size", "16", "-o", "out")
    assert (outcome.code, outcome.err) == (0, "")
    assert r"caf\xe9 in styl\xe9" in (latin / "out" / "index.html").read_text(encoding="utf-8")


def test_studies_and_surveys_take_such_names(impasto, latin):
    outcome = impasto("study", "pooling", "--content", CAFE, "--style", STYLE, "--size", "32", "--steps", "2")
    assert (outcome.code, outcome.err) == (0, "")
    assert r"caf\xe9" in (latin / "study-pooling" / "report.md").read_text(encoding="utf-8")
    for name in "csr":
        (latin / name).mkdir()
        shutil.copy(CAFE, name)
    words = ["--content", "c", "--style", "s", "--result", "r", "--participants", "1"]
    assert impasto("survey", "create", os.fsdecode(b"s\xe9"), *words).code == 0
    assert impasto("survey", "report", os.fsdecode(b"s\xe9"), "--resamples", "100").code == 0


def test_a_server_offers_styles_of_such_names(latin, draw):
    draw(latin / "a.png")
    draw(latin / "a.gif")
    assert list(styles_in(latin)) == ["a.gif", "a.png", r"caf\xe9", r"styl\xe9"]

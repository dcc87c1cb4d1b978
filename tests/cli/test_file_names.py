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
        if words == ["--json"]:
            assert json.loads(outcome.out)["output"] == r"caf\xe9-impasto.png"
    record = read_record(os.fsdecode(b"caf\xe9-impasto.png"))
    assert (record["content"], record["style"]) == (SAID, [r"styl\xe9.png"])
    assert SAID in impasto("info", os.fsdecode(b"caf\xe9-impasto.png")).out
    again = paint(CAFE, "-s", STYLE, "--resume")
    assert "is painted already" in again.err


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
    def told(entry, device, pairs):
        for number, (content, _, target) in pairs.items():
            shutil.copy(content.path, target)
            yield number, {"seconds": 2.5, "peak_bytes": 2**28, "before_bytes": 2**27}

    monkeypatch.setattr(runner, "_messages", told)
    outcome = impasto("compare", CAFE, "--style", STYLE, "--methods", "adain", "--size", "16", "-o", "out")
    assert (outcome.code, outcome.err) == (0, "")
    assert r"caf\xe9 in styl\xe9" in (latin / "out" / "index.html").read_text(encoding="utf-8")


def test_studies_and_surveys_take_such_names(impasto, latin):
    outcome = impasto("study", "pooling", "--content", CAFE, "--style", STYLE, "--size", "32", "--steps", "2")
    assert outcome.code == 0
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


@pytest.fixture
def long(folder):
    """A name that fits, and nothing more with it."""
    name = f"{'a' * 246}.png"
    shutil.copy("photo.png", name)
    return name


def test_a_name_that_would_be_too_long_is_refused_with_one_that_fits(paint, long, folder):
    for words in (["-o", "out/"], ["-s", "style.png"], ["-o", f"out/{'b' * 240}.png", "--save-every", "1"]):
        paint(long, *words).refuses(2, "is longer than the 255 bytes that a file's may have")
        assert not (folder / "out").exists()
    assert paint(long, "-o", "out/", "--name", "{number}-{style}{suffix}").code == 0
    assert (folder / "out" / "1-style.png").exists()


def test_an_encoded_style_may_have_the_longest_name(impasto, folder):
    name = f"{'a' * (255 - len('.style.safetensors'))}.style.safetensors"
    assert impasto("encode", "style.png", "-o", name).code == 0
    assert (folder / name).exists()


def test_contents_of_one_stem_are_both_painted(paint, folder, draw):
    (folder / "stems").mkdir()
    draw(folder / "stems" / "a.png")
    draw(folder / "stems" / "a.gif")
    assert paint("stems", "-o", "out/").code == 0
    assert {path.name for path in (folder / "out").iterdir()} == {"a-style.png", "a.gif-style.png"}
    assert paint("stems").code == 0
    assert {path.name for path in (folder / "stems").glob("*impasto*")} == {"a-impasto.png", "a.gif-impasto.png"}


def test_advice_on_names_that_are_alike_works(paint, folder, draw):
    (folder / "other").mkdir()
    draw(folder / "other" / "photo.png")
    words = ["photo.png", "other/photo.png", "-o", "out/"]
    outcome = paint(*words)
    outcome.refuses(2, "photo.png in style.png and other/photo.png in style.png would both")
    pattern = outcome.err.partition("--name '")[2].partition("'")[0]
    assert paint(*words, "--name", pattern).code == 0
    assert len(list((folder / "out").iterdir())) == 2
    draw(folder / "other" / "style.png")
    styles = ["-s", "style.png", "-s", "other/style.png", "--grid", "grid.png", "-o", "two/"]
    assert "rename one of the styles" in paint("photo.png", *styles).err

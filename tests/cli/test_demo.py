import re

import pytest
from PIL import Image

from impasto.cli import demo
from impasto.record import read_record


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(demo, "CHOICES", {"size": 32})


def test_says_where_the_picture_lies_and_how_long_painting_took(quick, impasto, folder):
    outcome = impasto("demo")
    assert outcome.code == 0
    path = re.escape(str(folder / "impasto-demo.png"))
    assert re.fullmatch(rf"{path}: 32 x 21 pixels, painted in \d+\.\d s by adain\n", outcome.out)
    record = read_record("impasto-demo.png")
    assert (record["content"], record["style"]) == ("mountains", ["swirls"])


def test_the_slow_alternative_is_named_and_works(quick, impasto, monkeypatch):
    assert "impasto demo --method gatys" in impasto("demo").err
    monkeypatch.setattr(demo, "CHOICES", {"size": 32, "steps": 2, "coarse_steps": 2})
    outcome = impasto("demo", "--method", "gatys")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("s by gatys\n")
    assert read_record("impasto-demo.png")["method"] == "gatys"


def test_replaces_its_own_picture_and_no_other(quick, impasto, folder):
    assert "in place of" not in impasto("demo").out
    assert "impasto-demo.png: in place of an earlier demo's picture, 32 x 21 pixels" in impasto("demo").out
    before = (folder / "photo.png").read_bytes()
    outcome = impasto("demo", "-o", "photo.png")
    assert (outcome.code, (folder / "photo.png").read_bytes()) == (1, before)
    assert "photo.png: the file exists" in outcome.err


@pytest.mark.slow
def test_the_real_demo(impasto):
    assert impasto("demo").code == 0
    with Image.open("impasto-demo.png") as picture:
        assert max(picture.size) == 512

import json

import pytest
from PIL import Image, PngImagePlugin

from impasto import StylizeOptions
from impasto.methods.gatys.options import PRESETS
from impasto.record import read_record


@pytest.fixture
def painted(paint):
    assert paint("photo.png", "-o", "out.png", "--seed", "4").code == 0
    return "out.png"


def test_says_what_the_picture_is_and_how_it_was_made(painted, impasto):
    outcome = impasto("info", painted)
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert (outcome.code, outcome.err) == (0, "")
    assert lines[0] == "out.png: PNG, 32 x 24 pixels"
    assert {"method gatys", "seed 4", "content photo.png", "style style.png", "size 32 x 24", "device cpu"} <= set(
        lines
    )
    assert {
        "steps 3",
        f"scales {PRESETS['default']['scales']}, by the preset",
        f"style_scale {StylizeOptions().style_scale}",
    } <= set(lines)
    assert lines[-1] == "The same again: impasto stylize CONTENT --like out.png"


def test_what_has_no_place_is_left_out(paint, impasto, folder):
    (folder / "out").mkdir()
    assert paint("photo.png", "-s", "swirls", "style.png", "-o", "out/x.png").code == 0
    lines = [" ".join(line.split()) for line in impasto("info", "out/x.png").out.splitlines()]
    assert lines[lines.index("places") + 1] == "style ../style.png"


def test_json_is_the_record(painted, impasto):
    outcome = impasto("info", painted, "--json")
    assert json.loads(outcome.out) == read_record(painted)
    assert outcome.err == ""


def test_a_picture_without_record_fails_but_says_what_it_is(impasto):
    outcome = impasto("info", "photo.png")
    assert (outcome.code, outcome.out) == (1, "photo.png: PNG, 32 x 24 pixels\n")
    assert "photo.png: it carries no record of how it was made" in outcome.err
    assert impasto("info", "photo.png", "--json").out == ""


def test_a_strange_record_cannot_command_the_terminal(impasto):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("impasto", json.dumps({"style": ["\x1b]0;x\x07", None], "more": {"deep": {"er": True}}, "n": {}}))
    Image.new("RGB", (2, 1)).save("strange.png", pnginfo=chunks)
    outcome = impasto("info", "strange.png")
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    assert "\\x1b]0;x\\x07, None" in outcome.out
    assert "      er  True" in outcome.out.splitlines()

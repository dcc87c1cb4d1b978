"""The default method at the command line: masks, encoded styles, strength, colours, refinement, folders."""

import re

import numpy as np
import pytest
from PIL import Image

from impasto import api
from impasto.record import read_record


@pytest.fixture
def paint(impasto):
    """`impasto stylize` with the default method, in the style style.png unless told otherwise."""

    def run(*words):
        style = () if {"-s", "--style", "--like"} & set(words) else ("--style", "style.png")
        return impasto("stylize", *words, *style)

    return run


@pytest.fixture
def masks(folder):
    """left.png is white in its left half, and soft.png fades from white to black."""
    half = np.zeros((24, 32), np.uint8)
    half[:, :16] = 255
    Image.fromarray(half).save(folder / "left.png")
    Image.fromarray(np.tile(np.linspace(255, 0, 32, dtype=np.uint8), (24, 1))).save(folder / "soft.png")


def test_is_the_default_and_equals_the_library(paint, pixels):
    outcome = paint("photo.png", "-o", "out.png")
    assert (outcome.code, outcome.err) == (0, "")
    record = read_record("out.png")
    assert record["method"] == "adain"
    assert set(record["weights"]) == {"lite", "adain"}
    api.stylize("photo.png", "style.png", output="library.png")
    assert np.array_equal(pixels("out.png"), pixels("library.png"))


def test_a_mask_leaves_the_rest_to_the_bit(paint, masks, pixels):
    assert paint("photo.png", "-o", "left.out.png", "--mask", "left.png").code == 0
    assert paint("photo.png", "-o", "right.out.png", "--mask", "not:left.png").code == 0
    left, right, photo = pixels("left.out.png"), pixels("right.out.png"), pixels("photo.png")
    assert np.array_equal(left[:, 17:], photo[:, 17:])
    assert np.array_equal(right[:, :15], photo[:, :15])
    assert not np.array_equal(left[:, :15], photo[:, :15])
    assert not np.array_equal(right[:, 17:], photo[:, 17:])
    assert read_record("right.out.png")["masks"] == ["not:left.png"]


def test_refine_goes_on_from_the_result(paint, pixels):
    assert paint("photo.png", "-o", "zero.png").code == 0
    # Like gatys, it can be kept on the way and gone on with.
    outcome = paint("photo.png", "-o", "three.png", "--refine", "3", "--style-weight", "80", "--save-every", "2")
    assert outcome.code == 0, outcome.err
    assert not np.array_equal(pixels("zero.png"), pixels("three.png"))
    assert read_record("three.png")["options"]["refine"] == 3


def test_a_quality_is_one_of_few(paint):
    outcome = paint("photo.png", "-o", "none.png", "--quality", "best")
    assert (outcome.code, "instant" in outcome.err, "finer" in outcome.err) == (2, True, True)


def test_an_encoded_style_paints_as_its_painting(impasto, paint, pixels, folder):
    outcome = impasto("encode", "style.png")
    assert outcome.code == 0
    assert re.fullmatch(r"style\.style\.safetensors: \d+\.\d s\n", outcome.out)
    assert paint("photo.png", "-o", "first.png").code == 0
    assert paint("photo.png", "-s", "style.style.safetensors", "-o", "second.png").code == 0
    assert np.array_equal(pixels("first.png"), pixels("second.png"))
    paint("photo.png", "-s", "style.style.safetensors", "-o", "third.png", "--colour", "match").refuses(
        2, "needs the painting itself"
    )
    assert "the file exists" in impasto("encode", "style.png").err
    assert impasto("encode", "style.png", "--overwrite").code == 0


def test_like_repeats_styles_and_masks(paint, impasto, masks, pixels):
    words = ("--mask", "not:left.png", "--strength", "0.5")
    assert paint("photo.png", "-o", "first.png", *words).code == 0
    assert impasto("stylize", "photo.png", "--like", "first.png", "-o", "again.png").code == 0
    assert np.array_equal(pixels("first.png"), pixels("again.png"))
    # What the other method does not have stays behind.
    outcome = impasto("stylize", "photo.png", "--like", "first.png", "-o", "g.png", "--method", "gatys", "--steps", "1")
    assert outcome.code == 0, outcome.err
    assert read_record("g.png")["options"]["method"] == "gatys"

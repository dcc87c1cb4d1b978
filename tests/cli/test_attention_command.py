"""`impasto attention` and `impasto study`: files where they are asked for, and clear refusals."""

import json

import pytest
from PIL import Image

from impasto.studies import STUDIES

TINY = ("--size", "32", "--steps", "2")


def test_draws_a_figure(impasto, folder):
    outcome = impasto("attention", "photo.png", "--style", "style.png", "--at", "50%,50%", "--at", "3,4", "--map")
    assert (outcome.code, outcome.err, outcome.out) == (0, "", "attention.png\n")
    with Image.open(folder / "attention.png") as picture:
        assert picture.width > 7 * 24
    again = impasto("attention", "photo.png", "-s", "style.png", "--at", "3,4")
    assert (again.code, again.err) == (1, "impasto: attention.png: exists already; --overwrite replaces it\n")
    assert impasto("attention", "photo.png", "-s", "style.png", "--at", "3,4", "--overwrite").code == 0


def test_writes_a_page(impasto, folder):
    assert (
        impasto("attention", "photo.png", "-s", "style.png", "--attention-layers", "relu3_1", "-o", "look.html").code
        == 0
    )
    text = (folder / "look.html").read_text()
    assert "photo.png looks at style.png" in text
    assert "relu3_1" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--at", "1,1", "-o", "look.jpg"], "--output is look.jpg, but must be NAME.png or NAME.html"),
        ([], "--at names no place"),
        (["--at", "100,1"], "place '100,1' lies outside the picture of 32 x 24 pixels"),
        (["--at", "1,1", "--attention-layers", "relu9_1"], "--attention-layers names 'relu9_1'"),
        (["--at", "1,1", "--attention-temperature", "0"], "--attention-temperature is 0"),
        (["--at", "1,1", "--attention-features", "deep"], "--attention-features is 'deep'"),
    ],
)
def test_refuses_what_makes_no_figure(words, message, impasto, folder):
    outcome = impasto("attention", "photo.png", "-s", "style.png", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (folder / "attention.png").exists()


def test_studies_are_listed(impasto):
    outcome = impasto("study")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()] == list(STUDIES)


def test_a_study_of_other_numbers(impasto, folder):
    outcome = impasto(
        "study", "ratio-sweep", "--content", "photo.png", "--style", "style.png", "--values", "10,1e5", *TINY
    )
    assert (outcome.code, outcome.out) == (0, "study-ratio-sweep/report.md\n")
    numbers = json.loads((folder / "study-ratio-sweep" / "numbers.json").read_text())
    assert [row["variant"] for row in numbers["rows"]] == ["10", "100000"]
    assert [chosen["style_weight"] for chosen in numbers["options"].values()] == [10, 1e5]


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["ratio"], "no study 'ratio'; there are ratio-sweep, ", 2),
        (["ratio-sweep", "--values", "a"], "--values is 'a', but must be numbers like 1,1e3,1e6", 2),
        (["pooling", "--values", "1"], "--values are for studies of one number, which pooling is not", 2),
        (["pooling", "--content", "nowhere.png"], "nowhere.png", 1),
        (["pooling", "--size", "0"], "size is 0", 2),
    ],
)
def test_refuses_what_is_no_study(words, message, code, impasto):
    outcome = impasto("study", *words)
    assert outcome.code == code
    assert message in outcome.err

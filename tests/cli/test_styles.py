"""Styles by name at the command line: the list, the sheet, and wherever a style is taken."""

import json
import re

import numpy as np
from PIL import Image

from impasto import api
from impasto.gallery import named_styles
from impasto.record import read_record


def test_lists_them(impasto):
    outcome = impasto("styles")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines] == list(named_styles())
    assert lines[0].split("  ")[0] == "starry-night"
    assert "The Starry Night" in lines[0]
    assert lines[0].endswith("Vincent van Gogh        1889")
    found = json.loads(impasto("styles", "--json").out)
    assert found[0] == {
        "name": "starry-night", "title": "The Starry Night", "artist": "Vincent van Gogh", "year": "1889"
    }  # fmt: skip


def test_paints_a_photo_in_all_of_them(impasto, pixels):
    outcome = impasto("styles", "photo.png", "--size", "32", "--detail", "1")
    assert outcome.code == 0, outcome.err
    assert re.fullmatch(r"photo-styles\.jpg: \d+\.\d s\n", outcome.out)
    assert read_record("photo-styles.jpg")["contact_sheet"] == {
        "contents": ["photo.png"],
        "styles": list(named_styles()),
    }
    # The photo and 24 pictures of 32 x 24 pixels, four abreast, each below its name.
    sheet = pixels("photo-styles.jpg")
    assert sheet.shape == (7 * (20 + 24 + 8) + 8, 4 * (32 + 8) + 8, 3)
    cells = [sheet[8 + 52 * row + 20 :][:24, 8 + 40 * column :][:, :32] for row in range(6) for column in range(4)]
    assert min(np.abs(cells[0].astype(int) - other).mean() for other in cells[1:]) > 2
    assert "the file exists" in impasto("styles", "photo.png", "--size", "32").err
    assert impasto("styles", "photo.png", "--size", "16", "--overwrite").code == 0


def test_stylize_takes_a_name_and_repeats_it(impasto, pixels):
    outcome = impasto("stylize", "photo.png", "-s", "starry-night", "-o", "out.png")
    assert (outcome.code, outcome.err) == (0, "")
    assert read_record("out.png")["style"] == ["starry-night"]
    api.stylize("photo.png", "starry-night", output="library.png")
    assert np.array_equal(pixels("out.png"), pixels("library.png"))
    assert impasto("stylize", "photo.png", "--like", "out.png", "-o", "again.png").code == 0
    assert np.array_equal(pixels("out.png"), pixels("again.png"))


def test_in_a_folder_and_on_a_grid_each_is_called_by_its_name(impasto, folder):
    words = ["photo.png", "-s", "storm", "-s", "venice", "--grid", "sheet.png", "-o", "painted/"]
    assert impasto("stylize", *words).code == 0
    assert {path.name for path in (folder / "painted").iterdir()} == {"photo-storm.png", "photo-venice.png"}
    with Image.open("painted/photo-storm.png") as storm, Image.open("painted/photo-venice.png") as venice:
        assert np.abs(np.asarray(storm).astype(int) - np.asarray(venice)).mean() > 10

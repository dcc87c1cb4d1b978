"""`impasto evaluate` as it is typed."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folders(folder):
    for name, seed in (("outputs", 1), ("content", 2)):
        (folder / name).mkdir()
        random = np.random.default_rng(seed)
        for number in range(2):
            noise = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / name / f"{number}.png")
    return folder


def test_a_table_on_stdout_and_files_in_the_folder(impasto, folders):
    done = impasto("evaluate", "outputs", "--content", "content", "--networks", "none", "-o", "out")
    assert done.code == 0
    header, *rows = done.out.splitlines()
    assert header.split() == ["subject", "measure", "value", "better", "count", "protocol"]
    assert rows[0].split()[:2] == ["outputs", "PSNR"]
    found = json.loads((folders / "out" / "evaluation.json").read_text())
    assert {number["measure"] for number in found["numbers"]} == {"PSNR", "SSIM", "content distance-lite"}
    assert sorted(path.suffix for path in (folders / "out").iterdir()) == [".csv", ".json", ".md", ".tex"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "either outputs to evaluate, or trained runs"),
        (["outputs", "--run", "run"], "either outputs to evaluate, or trained runs"),
        (["outputs"], "none was given"),
        (["outputs", "--content", "content", "--data", "A=x"], "--data is for --run"),
        (["--run", "run", "--content", "content"], "--content is for outputs"),
        (["--run", "run", "--data", "A=x"], "--data needs B=FOLDER"),
        (["--run", "run", "--data", "C=x"], "must be A=FOLDER or B=FOLDER"),
        (["--run", "run", "--data", "A=x", "B=y", "--size", "-1"], "--size is -1"),
    ],
)
def test_wrong_usage_is_said(impasto, folders, words, said):
    done = impasto("evaluate", *words)
    assert (done.code, said in done.err) == (2, True), done.err


def test_pairs_that_do_not_match_are_named(impasto, folders):
    (folders / "content" / "1.png").rename(folders / "content" / "other.png")
    done = impasto("evaluate", "outputs", "--content", "content", "--networks", "none")
    assert done.code == 1
    assert "no content picture is called like 1.png" in done.err
    by_order = impasto("evaluate", "outputs", "--content", "content", "--networks", "none", "--pair", "order")
    assert by_order.code == 0

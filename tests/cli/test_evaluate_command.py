"""`impasto evaluate` as it is typed."""

import json

import pytest


@pytest.fixture
def folders(folder, fill):
    fill("outputs", 2)
    fill("content", 2, seed=2)
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
    impasto("evaluate", *words).refuses(2, said)


def test_pairs_by_order(impasto, folders):
    (folders / "content" / "1.png").rename(folders / "content" / "other.png")
    words = ("outputs", "--content", "content", "--networks", "none")
    impasto("evaluate", *words).refuses(1, "no content picture is called like 1.png")
    assert impasto("evaluate", *words, "--pair", "order").code == 0

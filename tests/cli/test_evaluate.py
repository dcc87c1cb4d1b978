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


def test_pairs_by_order(impasto, folders):
    (folders / "content" / "1.png").rename(folders / "content" / "other.png")
    words = ("outputs", "--content", "content", "--networks", "none")
    impasto("evaluate", *words).refuses(1, "no content picture is called like 1.png")
    assert impasto("evaluate", *words, "--pair", "order").code == 0

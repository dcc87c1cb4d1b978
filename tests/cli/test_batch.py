"""`impasto batch` at the command line."""

import json

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")


@pytest.fixture
def album(folder, draw):
    (folder / "album" / "deep").mkdir(parents=True)
    for number, name in enumerate(("a.png", "deep/b.png")):
        draw(folder / "album" / name, number)
    return folder / "album"


@pytest.fixture
def batch(impasto):
    def run(*arguments):
        return impasto("batch", *arguments, "--style", "style.png", "--workers", "1", "--device", "cpu")

    return run


def test_a_folder(album, batch, folder):
    outcome = batch("album", "-o", "out")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "2 done, 0 skipped, 0 failed; out/ledger.parquet says of what\n"
    assert (folder / "out" / "deep" / "b.png").exists()
    (album / "bad.png").write_text("text")
    outcome = batch("album", "none.png", "-o", "out", "--json")
    assert outcome.code == 1
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert sorted(row["state"] for row in rows) == ["failed", "failed", "skipped", "skipped"]
    assert outcome.err.splitlines()[0] == "impasto: 2 of 4 could not be painted:"
    assert len(outcome.err.splitlines()) == 3

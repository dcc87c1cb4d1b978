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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "out"], "INPUTS are missing"),
        (["album"], "--output is missing"),
        (["album", "-o", "out", "--per-shard", "0"], "--per-shard is 0, but must be 1 or more"),
        (["album", "-o", "out", "--gpus", "1"], "--gpus is for Ray"),
        (["album", "-o", "out", "--bits", "16", "--format", "jpg"], "--bits 16 is for PNG and TIFF"),
        (["album", "-o", "nosuch://out"], "nosuch://out: this address cannot be used"),
        (["album", "-o", "album"], "album: lies in the output, or is it"),
    ],
)
def test_wrong_usage(album, batch, arguments, said):
    batch(*arguments).refuses(2, said)


def test_what_is_wrong_with_all_is_said_once(album, impasto):
    for style, said in (
        (["--style", "nostyle"], "nostyle: there is no such file"),
        ([], "at least one style is needed"),
    ):
        outcome = impasto("batch", "album", "-o", "out", *style)
        outcome.refuses(outcome.code, f"impasto: {said}")


def test_nothing_to_paint(batch):
    outcome = batch("none", "-o", "out")
    assert (outcome.code, outcome.err) == (1, "impasto: none: there are no pictures there\n")

"""Numbers on paper: every form holds every number, and JSON every protocol."""

import csv
import json

import pytest

from impasto.errors import DataError, PictureError
from impasto.evaluation import numbers
from impasto.evaluation.numbers import Number, over_runs

NUMBERS = [
    Number(subject="A2B last", measure="PSNR", value=float("inf"), count=2, protocol={"sets": {"sha256": "a" * 64}}),
    Number(
        subject="A2B last", measure="FID-lite", value=12.345678, count=2, spread=0.5, spread_over="runs",
        protocol={"resize": "100 % & _"},
    ),
]  # fmt: skip


def test_json_comes_back_as_it_was(tmp_path):
    paths = numbers.write(NUMBERS, tmp_path / "new")
    assert [path.name for path in paths] == [f"evaluation.{suffix}" for suffix in ("json", "csv", "tex", "md")]
    assert numbers.read(paths[0]) == NUMBERS
    assert json.loads(paths[0].read_text())["numbers"][0]["value"] == "inf"


def test_csv_has_every_digit():
    rows = list(csv.DictReader(numbers.to_csv(NUMBERS).splitlines()))
    assert (rows[1]["value"], rows[1]["spread"], rows[1]["better"]) == ("12.345678", "0.5", "less")
    assert rows[1]["protocol"] == NUMBERS[1].fingerprint


def test_latex_and_markdown_escape_what_they_must():
    latex = numbers.to_latex(NUMBERS)
    assert "A2B last & FID-lite & 12.35 $\\pm$ 0.5 & less & 2 & " in latex
    assert "% " + NUMBERS[1].fingerprint + ": resize 100 % & _" in latex
    markdown = numbers.to_markdown(NUMBERS)
    assert f"| A2B last | FID-lite | 12.35 ± 0.5 | less | 2 | {NUMBERS[1].fingerprint} |" in markdown
    assert f"- `{NUMBERS[0].fingerprint}`: sets (sha256 aaaaaaaaaaaa)" in markdown
    assert "± is over runs" in markdown


def test_what_is_no_evaluation_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DataError, match=r"is no evaluation\.json"):
        numbers.read(tmp_path / "x.json")
    with pytest.raises(DataError, match="cannot be read"):
        numbers.read(tmp_path / "nowhere.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(PictureError, match="this is a file, not a folder"):
        numbers.write(NUMBERS, tmp_path / "file")


def test_a_mean_over_runs_needs_all_of_them():
    other = [Number(subject="A2B last", measure="FID-lite", value=10.345678, count=2)]
    (mean,) = over_runs([NUMBERS, other])
    assert mean.measure == "FID-lite"
    assert mean.value == pytest.approx(11.345678)
    assert mean.spread == pytest.approx(2**0.5)
    assert len(mean.protocol["runs"]) == 2

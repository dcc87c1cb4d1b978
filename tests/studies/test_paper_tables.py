"""Tables of paper 003: ours from evaluations, the published ones apart."""

import csv
import json

import pytest

from impasto.errors import DataError, OptionError, PictureError
from impasto.evaluation.numbers import Number, write
from impasto.studies.paper_tables import assemble

ROW = "Horse2zebra/CycleGAN"


@pytest.fixture
def evaluation(tmp_path):
    def make(*numbers):
        return write(numbers, tmp_path / "evaluation")[0]

    return make


def protocol(a=120, b=140, method="cyclegan", **more):
    return {"sets": {"found": {"count": a}, "reference": {"count": b}}, "method": method, **more}


def number(subject, measure, value, **more):
    return Number(subject=subject, measure=measure, value=value, count=3, **({"protocol": protocol()} | more))


def rows_of(folder):
    return list(csv.DictReader((folder / "tables.csv").read_text().splitlines()))


def test_means_over_runs_stand_beside_the_published_figures(evaluation, tmp_path):
    clean = {"runs": [protocol(resize="clean")]}
    path = evaluation(
        number("A2B last, mean of 3 runs", "FID", 61.5, spread=2.25, spread_over="runs", protocol=clean),
        number("A2B best, mean of 3 runs", "FID", 45.5),
        number("A2B last, seed1", "FID", 99.0),
        number("B2A last, mean of 3 runs", "FID", 88.0),
        number("A2B last, mean of 3 runs", "structure SSIM", 0.71),
    )
    files = assemble({ROW: path}, tmp_path / "out")
    last, best, munit = rows_of(tmp_path / "out")[:3]
    assert (last["checkpoint"], last["FID"], last["structure SSIM"]) == ("last", "61.5 ± 2.2", "0.71")
    assert (best["checkpoint"], best["FID"], best["structure SSIM"]) == ("best", "45.5", "–")
    assert (last["published PSNR"], last["published FID"]) == ("18.43", "41.5")
    assert (munit["method"], munit["FID"], munit["published FID"]) == ("MUNIT", "–", "39.5")
    about = json.loads((tmp_path / "out" / "tables.json").read_text())
    assert clean in about["protocols"].values()
    text = files[0].read_text()
    assert "not measured like the other columns" in text
    assert {"99", "88"}.isdisjoint(row["FID"] for row in rows_of(tmp_path / "out"))


def test_both_tables_have_all_their_rows_without_any_run(tmp_path):
    assemble({}, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [sum(row["table"] == f"Table {n}" for row in rows) for n in (1, 2)] == [8, 6]
    full = [row for row in rows if row["method"] in ("Ours", "GAN+Semantic loss+Attention")]
    assert [row["published SSIM"] for row in full] == ["0.93", "0.68", "0.93", "0.68"]


def test_one_run_alone_counts_and_numbers_of_lite_never_stand_under_the_standard_names(evaluation, tmp_path):
    measured = {"FID-lite": 3.5, "KID-lite": 0.25, "cycle PSNR": 20.5}
    path = evaluation(*(number("A2B last", measure, value) for measure, value in measured.items()))
    assemble({ROW: path}, tmp_path / "out")
    row = rows_of(tmp_path / "out")[0]
    assert (row["FID"], row["FID-legacy"], row["KID"]) == ("–", "–", "–")
    assert {measure: float(row[measure]) for measure in measured} == measured


@pytest.mark.parametrize(
    ("of_a2b", "of_b2a", "shown"), [((266, 248), (248, 266), ("B2A", "2.5")), ((248, 266), (266, 248), ("A2B", "1.5"))]
)
def test_oranges_become_apples_whichever_kind_is_called_a(of_a2b, of_b2a, shown, evaluation, tmp_path):
    """The data set's authors call it apple2orange: A are apples."""
    path = evaluation(
        number("A2B last", "FID-lite", 1.5, protocol=protocol(*of_a2b, "semantic-gan")),
        number("B2A last", "FID-lite", 2.5, protocol=protocol(*of_b2a, "semantic-gan")),
        number("B2A last", "structure SSIM", 0.75, protocol={"sets": {"outputs": {"count": 248}}}),
    )
    assemble({"Orange2apple/Ours": path}, tmp_path / "out")
    (row,) = (row for row in rows_of(tmp_path / "out") if row["data set"] == "Orange2apple" and row["FID-lite"] != "–")
    assert (row["direction"], row["FID-lite"]) == shown
    assert row["structure SSIM"] == ("0.75" if shown[0] == "B2A" else "–")


FEW = number("A2B last", "KID-lite", 0.25, protocol=protocol(16, 20, "semantic-gan"))
MIXED = {"runs": [protocol(120, 140, "semantic-gan"), protocol(120, 20, "semantic-gan")]}
SWAPPED = number("A2B last", "FID-lite", 1.5, protocol=protocol(266, 248, "semantic-gan"))
OF_CYCLEGAN = number("A2B last", "KID-lite", 0.25)
KNOWN = r"no row '{}' .*Orange2apple/GAN\+Semantic loss\+Attention"


@pytest.mark.parametrize(
    ("row", "measured", "error", "said"),
    [
        ("horse2zebra/Ours", FEW, OptionError, KNOWN.format("horse2zebra/Ours")),
        ("orange2apple/CycleGAN", FEW, OptionError, KNOWN.format("orange2apple/CycleGAN")),
        ("Horse2zebra/CycleGan", FEW, OptionError, KNOWN.format("Horse2zebra/CycleGan")),
        ("Monet", FEW, OptionError, "no row 'Monet'"),
        (ROW, number("outputs", "FID", 3.0), DataError, "no numbers of the direction A2B"),
        ("Horse2zebra/Ours", FEW, DataError,
         r"sets of 16 and 20 pictures, but those of Horse2zebra have 120 and 140; .*mine/Ours"),
        ("Horse2zebra/Ours", number("A2B last, mean of 2 runs", "KID-lite", 0.25, protocol=MIXED), DataError,
         "sets of 120 and 20; 120 and 140 pictures"),
        ("Orange2apple/Ours", SWAPPED, DataError,
         "sets of 266 and 248 pictures, but those of Orange2apple have 248 and 266"),
        ("Horse2zebra/MUNIT", OF_CYCLEGAN, DataError,
         "is of the method cyclegan, but the row Horse2zebra/MUNIT is of munit"),
        ("Monet/AgGAN", OF_CYCLEGAN, DataError, "is of the method cyclegan"),
    ],
)  # fmt: skip
def test_what_does_not_belong_is_refused(row, measured, error, said, evaluation, tmp_path):
    with pytest.raises(error, match=said):
        assemble({row: evaluation(measured)}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_of_somebody_else_stay(tmp_path):
    (tmp_path / "tables.md").write_text("mine")
    with pytest.raises(PictureError, match=r"holds a tables\.md"):
        assemble({}, tmp_path)
    assert (tmp_path / "tables.md").read_text() == "mine"


def test_rows_of_other_data_have_a_table_of_their_own(evaluation, tmp_path):
    path = evaluation(number("A2B last", "KID-lite", 0.25, protocol=protocol(16, 20, "semantic-gan")))
    assemble({"Monet/Ours": path}, tmp_path / "out")
    mine = rows_of(tmp_path / "out")[-1]
    assert (mine["table"], mine["data set"], mine["method"], mine["KID-lite"]) == (
        "Other data sets", "Monet", "Ours", "0.25"
    )  # fmt: skip
    assert mine["published FID"] == "–"
    assert "## Other data sets" in (tmp_path / "out" / "tables.md").read_text()

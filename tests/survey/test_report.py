import csv
import io
import json
import math
import sys

import pytest
from standalone import Page

from impasto.survey.report import make_report
from impasto.survey.report_files import FILES, answers_csv, pictures_csv, preferences_csv, report_json, write_report
from impasto.survey.statistics import Bootstrap

QUICK = Bootstrap(resamples=200)


def answer(store, person, choose):
    """choose: (kind, pair, methods in the order of the page) -> a value."""
    course = store._rows(
        "SELECT position, kind, pair, shown FROM task JOIN question ON number = question WHERE participant = ?", person
    )
    for position, kind, pair, shown in course:
        value = choose(kind, pair, json.loads(shown))
        if value is not None:
            store.put(person, position, value)


def test_the_sentence_of_paper_004(make):
    """Means of 6.3 to 8.7 with a mean of 7.3, by 52 people: what the report says when that is what people answered."""
    means = [6.3, 6.6, 6.9, 7.0, 7.1, 7.2, 7.3, 7.6, 8.3, 8.7]
    store, _ = make(pairs=10, places=52)
    for person in range(1, 53):
        # As many round up as bring the mean there.
        answer(store, person, lambda _, pair, __, p=person: math.floor(means[pair]) + (p <= 52 * (means[pair] % 1)))
    (rated,) = make_report(store, QUICK).rated
    assert rated.finding == "52 people rated 10 pictures on a 10-point scale: 7.3 on average, 6.3 to 8.7 per picture."
    low, high = rated.overall.interval
    assert low <= rated.overall.mean <= high
    assert rated.overall.answers == 520


def test_counts_of_people_and_unfinished_ones(make):
    store, _ = make(pairs=3, places=4)
    answer(store, 1, lambda *_: 4)
    answer(store, 2, lambda _, pair, __: 6 if pair == 0 else None)
    report = make_report(store, QUICK)
    assert (report.invited, report.started, report.finished, report.answers) == (4, 2, 1, 4)
    (rated,) = report.rated
    assert (rated.people, [one.mean for one in rated.pictures]) == (2, [5, 4, 4])
    assert rated.finding.endswith("4.0 to 5.0 per picture.")


def test_letters_of_the_page_become_methods_again(make):
    """Everybody prefers method 1, then 0, then 2, wherever on the page they stand."""
    store, _ = make(pairs=4, methods=3, kinds=("rate", "ab", "rank"), places=5)
    liking = {1: 0, 0: 1, 2: 2}

    def choose(kind, pair, shown):
        if kind == "rate":
            return 9 - 2 * liking[shown[0]]
        order = sorted(range(len(shown)), key=lambda index: liking[shown[index]])
        return order[0] if kind == "ab" else order

    for person in range(1, 6):
        answer(store, person, choose)
    report = make_report(store, QUICK)
    assert [rated.overall.mean for rated in report.rated] == [7, 9, 5]
    for preferred in report.preferred:
        assert preferred.wins == ((0, 0, 20), (20, 0, 20), (0, 0, 0))
        assert preferred.scores[1] > preferred.scores[0] > preferred.scores[2]
        assert not preferred.determined
        assert preferred.agreement == pytest.approx(1)
    assert [preferred.kind for preferred in report.preferred] == ["ab", "rank"]
    assert [preferred.answers for preferred in report.preferred] == [60, 20]


def test_intervals_of_scores_hold_the_scores(make):
    store, _ = make(pairs=3, methods=2, kinds=("ab",), places=9)
    for person in range(1, 10):
        answer(store, person, lambda _, pair, shown, p=person: shown.index(0 if (p + pair) % 3 else 1))
    (preferred,) = make_report(store, QUICK).preferred
    assert preferred.scores[0] - preferred.scores[1] == pytest.approx(math.log(2), abs=1e-6)
    assert preferred.intervals[0][0] <= preferred.scores[0] <= preferred.intervals[0][1]


def test_a_survey_without_answers(make, tmp_path):
    store, _ = make(methods=2, kinds=("rate", "ab", "rank"))
    report = make_report(store, QUICK)
    assert [rated.finding for rated in report.rated] == ["Nobody has rated a picture yet."] * 2
    assert report.preferred[0].intervals == (None, None)
    write_report(report, store, tmp_path / "out")
    assert "Nobody has rated" in (tmp_path / "out" / "report.html").read_text()


def test_tables_and_json_hold_what_was_answered(make):
    store, _ = make(pairs=2, methods=2, kinds=("rate", "rank"), places=2)
    answer(store, 1, lambda kind, pair, shown: 3 + pair if kind == "rate" else [shown.index(1), shown.index(0)])
    report = make_report(store, QUICK)
    rows = list(csv.DictReader(io.StringIO(answers_csv(store))))
    assert len(rows) == 6
    assert {(row["picture"], row["answer"]) for row in rows if row["kind"] == "rate"} == {("p0", "3"), ("p1", "4")}
    assert {row["answer"] for row in rows if row["kind"] == "rank"} == {"m1 > m0"}
    pictures = list(csv.DictReader(io.StringIO(pictures_csv(report))))
    assert [(row["method"], row["picture"], row["mean"]) for row in pictures[:3]] == [
        ("m0", "p0", "3.0"), ("m0", "p1", "4.0"), ("m0", "all", "3.5"),
    ]  # fmt: skip
    assert pictures[0]["rated 3"] == "1"
    preferences = list(csv.DictReader(io.StringIO(preferences_csv(report))))
    assert [row["preferred to m0"] for row in preferences] == ["0", "2"]
    numbers = json.loads(report_json(report))
    assert numbers["rated"][0]["overall"]["mean"] == 3.5
    assert numbers["bootstrap"] == {"seed": 0, "resamples": 200, "level": 0.95}


def test_the_folder(make, tmp_path):
    pytest.importorskip("matplotlib")
    from PIL import Image

    from impasto.errors import PictureError
    from impasto.report.folder import check_files

    store, _ = make(methods=2, kinds=("rate", "ab"))
    for person in range(1, 4):
        answer(store, person, lambda kind, pair, shown, p=person: 4 + p if kind == "rate" else shown.index(0))
    report, folder = make_report(store, QUICK), tmp_path / "deep" / "report"
    write_report(report, store, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "answers.csv", "pictures.csv", "preferences.csv", "report.html", "report.json", "report.png",
    ]  # fmt: skip
    page = Page((folder / "report.html").read_text())
    assert "A &lt;title&gt;" in page.text
    assert "3 people rated 2 pictures" in page.text
    assert len(page.images) == 2 * 2 * 3
    with Image.open(folder / "report.png") as picture:
        assert picture.width > 800
    with pytest.raises(PictureError, match="the file exists"):
        check_files(folder, FILES, overwrite=False)


def test_without_matplotlib_there_is_no_picture_and_a_word_about_it(make, tmp_path, monkeypatch, caplog):
    store, _ = make()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    write_report(make_report(store, QUICK), store, tmp_path / "out")
    assert not (tmp_path / "out" / "report.png").exists()
    assert "pip install '.[survey]'" in caplog.text

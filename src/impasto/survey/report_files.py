"""A report in a folder: every number and every answer, as JSON and as tables; its picture; and a page of its own."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from impasto import __version__
from impasto.report.folder import write_files
from impasto.report.page import render
from impasto.report.sheets import data_url, jpeg, reduced
from impasto.report.tables import to_csv
from impasto.survey import findings
from impasto.survey.ratings import SCALE, Interval, Summary
from impasto.survey.report import Preferred, Rated, Report, order_of
from impasto.survey.report_figure import draw
from impasto.survey.store import PairPictures, Store

FILES = ("report.json", "answers.csv", "pictures.csv", "preferences.csv", "report.png", "report.html")

_SIDE = 480


def write_report(report: Report, store: Store, folder: Path) -> None:
    """Write those of FILES that there is something to say in. Raises PictureError if it cannot be."""
    files: dict[str, str | bytes] = {"report.json": report_json(report), "answers.csv": answers_csv(store)}
    if report.rated:
        files["pictures.csv"] = pictures_csv(report)
    if report.preferred:
        files["preferences.csv"] = preferences_csv(report)
    figure = draw(report)
    if figure is not None:
        files["report.png"] = figure
    # The page is the last, so that where it lies the rest lies too.
    write_files(folder, {**files, "report.html": page(report, store)})


# --- tables -----------------------------------------------------------------------------------------------------------


def report_json(report: Report) -> str:
    """All numbers, with what they were computed by."""
    protocol = {
        "impasto": __version__,
        "interval": "percentile bootstrap over people",
        "deviation": "of a sample",
        "overall": "mean of the pictures' means",
    }
    return json.dumps({"protocol": protocol, **asdict(report)}, indent=2, ensure_ascii=False) + "\n"


def pictures_csv(report: Report) -> str:
    """A line for each picture that was rated, and one for all of each method's."""
    rated = [f"rated {points}" for points in range(1, SCALE + 1)]
    rows = [
        {
            "method": one.method, "picture": name, "answers": summary.answers, "mean": summary.mean,
            "deviation": "" if summary.deviation is None else summary.deviation, **_ends(summary.interval),
            **dict(zip(rated, summary.histogram, strict=True)),
        }
        for one in report.rated
        for name, summary in [*zip(report.pairs, one.pictures, strict=True), ("all", one.overall)]
        if summary is not None
    ]  # fmt: skip
    return to_csv(rows, ("method", "picture", "answers", "mean", "deviation", "low", "high", *rated))


def preferences_csv(report: Report) -> str:
    """A line for each method and each kind of comparison."""
    rows = [
        {
            "kind": preferred.kind, "method": method, "score": preferred.scores[i], **_ends(preferred.intervals[i]),
            **{f"preferred to {other}": wins for other, wins in zip(methods, preferred.wins[i], strict=True)},
        }
        for methods in [report.settings.methods]
        for preferred in report.preferred
        for i, method in enumerate(methods)
    ]  # fmt: skip
    return to_csv(rows)


def answers_csv(store: Store) -> str:
    """Every answer: who (a number that names nobody), at which place of their order, about what, as shown, and what.

    answer: the rating; of a comparison, the methods from best to worst.
    """
    methods = store.settings.methods
    rows = []
    for answer in store.answers():
        value = answer.value
        if answer.question.kind != "rate":
            value = " > ".join(methods[method] for method in order_of(answer))
        rows.append({
            "participant": answer.participant, "position": answer.position + 1, "kind": answer.question.kind,
            "picture": store.pairs[answer.question.pair], "shown": " ".join(methods[method] for method in answer.shown),
            "answer": value,
        })  # fmt: skip
    return to_csv(rows, ("participant", "position", "kind", "picture", "shown", "answer"))


def _ends(interval: Interval | None) -> dict[str, float | str]:
    low, high = interval or ("", "")
    return {"low": low, "high": high}


# --- the page ---------------------------------------------------------------------------------------------------------


def page(report: Report, store: Store) -> str:
    """HTML that needs no server and no network: its pictures are inside it, made smaller."""
    pictures = store.pictures()
    return render(
        "survey-report.html", title=report.settings.title, report=report, counted=findings.counted,
        rated=[_rated(rated, number, report, pictures) for number, rated in enumerate(report.rated)],
        preferred=[_preferred(preferred, report) for preferred in report.preferred],
    )  # fmt: skip


def _rated(rated: Rated, number: int, report: Report, pictures: Sequence[PairPictures]) -> dict[str, Any]:
    return {
        "heading": rated.method if len(report.rated) > 1 else "",
        "finding": findings.finding(rated),
        "spread": findings.spread(rated, report),
        "overall": rated.overall,
        "cards": [
            _card(summary, shown, number) for summary, shown in zip(rated.pictures, pictures, strict=True) if summary
        ],
    }


def _card(summary: Summary, pictures: PairPictures, method: int) -> dict[str, Any]:
    interval = "" if summary.interval is None else f" ({findings.between(summary.interval)})"
    answers = f"{summary.answers} answer{'' if summary.answers == 1 else 's'}"
    files = {"content": pictures.content, "style": pictures.style, "result": pictures.results[method]}
    return {
        "summary": summary,
        "about": f"{pictures.name}, {answers}{interval}",
        "pictures": {what: _shown(data) for what, data in files.items()},
    }


def _preferred(preferred: Preferred, report: Report) -> dict[str, Any]:
    methods = report.settings.methods
    by_score = sorted(range(len(methods)), key=lambda i: -preferred.scores[i])
    rows = [
        {
            "method": methods[i],
            "Bradley–Terry score": f"{preferred.scores[i]:+.2f}",
            "interval": _range(preferred.intervals[i]),
            **{f"over {methods[j]}": "" if i == j else str(preferred.wins[i][j]) for j in by_score},
        }
        for i in by_score
    ]
    heading = findings.KIND_NAMES[preferred.kind]
    return {"heading": heading, "agreement": findings.agreement(preferred), "rows": rows}


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:+.2f} to {interval[1]:+.2f}"


def _shown(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as picture:
        return data_url(jpeg(reduced(picture, _SIDE), 88))

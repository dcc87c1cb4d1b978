"""A report in a folder: every number and every answer, as JSON and as tables; one picture of how often each rating was
given, the mean of each result, and the methods' scores; and a page of its own."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto import __version__
from impasto.report.curves import new_figure, png_of
from impasto.report.folder import write_files
from impasto.report.page import render
from impasto.report.sheets import data_url, jpeg, reduced
from impasto.report.tables import to_csv
from impasto.survey.questions import SCALE
from impasto.survey.report import Preferred, Rated, Report, between
from impasto.survey.statistics import Interval, Summary
from impasto.survey.store import Store

FILES = ("report.json", "answers.csv", "pictures.csv", "preferences.csv", "report.png", "report.html")
KIND_NAMES = {"ab": "Side by side", "rank": "In order"}

_SIDE = 480
_BAR, _LINE = "#8a9ba8", "#1f3a4d"


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
            value = " > ".join(methods[method] for method in answer.best_first)
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
    return render(
        "survey-report.html", title=report.settings.title, report=report, pictures=store.pictures(), shown=_shown,
        counted=_counted, between=between, comparisons=[_comparison(one, report) for one in report.preferred],
    )  # fmt: skip


def _comparison(preferred: Preferred, report: Report) -> dict[str, Any]:
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
    return {"heading": KIND_NAMES[preferred.kind], "finding": preferred.finding, "rows": rows}


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:+.2f} to {interval[1]:+.2f}"


def _counted(summary: Summary) -> str:
    """How often each rating was given: '2 times 7, 1 times 9'."""
    return ", ".join(f"{count} times {rating}" for rating, count in enumerate(summary.histogram, 1) if count)


def _shown(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as picture:
        return data_url(jpeg(reduced(picture, _SIDE), 88))


# --- the picture ------------------------------------------------------------------------------------------------------


def draw(report: Report) -> bytes | None:
    """The bytes of a PNG; None, and a line in the log, without matplotlib."""
    rated = [one for one in report.rated if one.overall is not None]
    means_height = max(3.2, 1.2 + 0.3 * len(report.pairs))
    heights = [means_height] * len(rated) + [1.5 + 0.4 * len(report.settings.methods)] * len(report.preferred)
    size = 11, 0.5 + sum(heights or [1])
    figure = new_figure("the picture of the report", "survey", figsize=size, layout="constrained")
    if figure is None:
        return None
    # A name that someone gave may hold a dollar sign, which is no formula.
    figure.suptitle(report.settings.title, parse_math=False)
    if heights:
        rows = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for row, one in zip(rows[: len(rated)], rated, strict=True):
            _draw_ratings(row, one, report)
        for row, preferred in zip(rows[len(rated) :], report.preferred, strict=True):
            _draw_scores(row.subplots(), preferred, report)
    return png_of(figure, 110)


def _draw_ratings(row: Any, rated: Rated, report: Report) -> None:
    assert rated.overall is not None
    several = f"{rated.method}. " if len(report.rated) > 1 else ""
    row.suptitle(several + rated.finding, fontsize=10, parse_math=False)
    left, right = row.subplots(1, 2)
    points = np.arange(1, SCALE + 1)
    left.bar(points, rated.overall.histogram, color=_BAR, width=0.8)
    left.axvline(rated.overall.mean, color=_LINE)
    left.set_xticks(points)
    left.set_xlabel("rating")
    left.set_ylabel("answers")
    shown = [(name, one) for name, one in zip(report.pairs, rated.pictures, strict=True) if one is not None]
    for place, (_, one) in enumerate(shown):
        _draw_interval(right, place, one.mean, one.interval)
    right.axvline(rated.overall.mean, color=_BAR, zorder=0)
    _name_places(right, [name for name, _ in shown])
    right.set_xlim(0.5, SCALE + 0.5)
    right.set_xticks(points)
    right.set_xlabel(f"mean, with its {100 * report.bootstrap.level:g} % interval")
    right.grid(visible=True, axis="x", alpha=0.3)


def _draw_scores(axes: Any, preferred: Preferred, report: Report) -> None:
    for place, (score, interval) in enumerate(zip(preferred.scores, preferred.intervals, strict=True)):
        _draw_interval(axes, place, score, interval)
    _name_places(axes, report.settings.methods)
    axes.set_title(f"{KIND_NAMES[preferred.kind]}: {preferred.answers} answers", fontsize=10)
    axes.set_xlabel(f"Bradley–Terry score, with its {100 * report.bootstrap.level:g} % interval")
    axes.axvline(0, color=_BAR, zorder=0)
    axes.grid(visible=True, axis="x", alpha=0.3)


def _draw_interval(axes: Any, place: int, middle: float, interval: tuple[float, float] | None) -> None:
    if interval is not None:
        axes.plot(interval, [place, place], color=_LINE, lw=1.5)
    axes.plot([middle], [place], "o", color=_LINE)


def _name_places(axes: Any, names: Any) -> None:
    axes.set_yticks(range(len(names)), [name[:40] for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)

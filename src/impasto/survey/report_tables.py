"""A report as JSON and as tables: every number, and every answer behind it."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from impasto import __version__
from impasto.survey.ratings import SCALE
from impasto.survey.report import Report, order_of
from impasto.survey.store import Store

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


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
    head = ["method", "picture", "answers", "mean", "deviation", "low", "high"]
    head += [f"rated {points}" for points in range(1, SCALE + 1)]
    lines: list[Sequence[Any]] = []
    for rated in report.rated:
        for name, summary in [*zip(report.pairs, rated.pictures, strict=True), ("all", rated.overall)]:
            if summary is not None:
                low, high = summary.interval or ("", "")
                deviation = "" if summary.deviation is None else summary.deviation
                lines.append([
                    rated.method, name, summary.answers, summary.mean, deviation, low, high, *summary.histogram
                ])  # fmt: skip
    return _csv(head, lines)


def preferences_csv(report: Report) -> str:
    """A line for each method and each kind of comparison."""
    head = ["kind", "method", "score", "low", "high", *(f"preferred to {name}" for name in report.settings.methods)]
    lines = [
        [preferred.kind, method, preferred.scores[i], *(preferred.intervals[i] or ("", "")), *preferred.wins[i]]
        for preferred in report.preferred
        for i, method in enumerate(report.settings.methods)
    ]
    return _csv(head, lines)


def answers_csv(store: Store) -> str:
    """Every answer: who (a number that names nobody), at which place of their order, about what, as shown, and what.

    answer: the rating; of a comparison, the methods from best to worst.
    """
    methods = store.settings.methods
    lines: list[Sequence[Any]] = []
    for answer in store.answers():
        shown = " ".join(methods[method] for method in answer.shown)
        value = answer.value
        if answer.question.kind != "rate":
            value = " > ".join(methods[method] for method in order_of(answer))
        pair = store.pairs[answer.question.pair]
        lines.append([answer.participant, answer.position + 1, answer.question.kind, pair, shown, value])
    return _csv(["participant", "position", "kind", "picture", "shown", "answer"], lines)


def _csv(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_plain(cell) for cell in head])
    writer.writerows([_plain(cell) for cell in line] for line in lines)
    return text.getvalue()


def _plain(cell: Any) -> Any:
    """A name of a file could begin as a formula does, which spreadsheets would compute."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_SIGNS) else cell

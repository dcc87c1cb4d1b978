"""A report as JSON and as tables: every number, and every answer behind it."""

import json
from dataclasses import asdict

from impasto import __version__
from impasto.report.tables import to_csv
from impasto.survey.ratings import SCALE, Interval
from impasto.survey.report import Report, order_of
from impasto.survey.store import Store


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

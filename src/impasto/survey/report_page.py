"""A report as a page of its own: the finding, every picture with its ratings, and the methods' scores."""

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from impasto.report.page import render
from impasto.report.sheets import data_url, jpeg
from impasto.survey import findings
from impasto.survey.ratings import Summary
from impasto.survey.report import Preferred, Rated, Report
from impasto.survey.store import Pictures, Store

_SIDE = 480


def page(report: Report, store: Store) -> str:
    """HTML that needs no server and no network: its pictures are inside it, made smaller."""
    pictures = store.pictures()
    return render(
        "survey-report.html", title=report.settings.title, report=report, counted=findings.counted,
        rated=[_rated(rated, number, report, pictures) for number, rated in enumerate(report.rated)],
        preferred=[_preferred(preferred, report) for preferred in report.preferred],
    )  # fmt: skip


def _rated(rated: Rated, number: int, report: Report, pictures: Sequence[Pictures]) -> dict[str, Any]:
    return {
        "heading": rated.method if len(report.rated) > 1 else "",
        "finding": findings.finding(rated),
        "spread": findings.spread(rated, report),
        "overall": rated.overall,
        "cards": [
            _card(summary, shown, number) for summary, shown in zip(rated.pictures, pictures, strict=True) if summary
        ],
    }


def _card(summary: Summary, pictures: Pictures, method: int) -> dict[str, Any]:
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
            "interval": _ends(preferred, i),
            **{f"over {methods[j]}": "" if i == j else str(preferred.wins[i][j]) for j in by_score},
        }
        for i in by_score
    ]
    heading = findings.KIND_NAMES[preferred.kind]
    return {"heading": heading, "agreement": findings.agreement(preferred), "rows": rows}


def _ends(preferred: Preferred, method: int) -> str:
    interval = preferred.intervals[method]
    return "" if interval is None else f"{interval[0]:+.2f} to {interval[1]:+.2f}"


def _shown(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as picture:
        picture.thumbnail((_SIDE, _SIDE))
        return data_url(jpeg(picture, 88))

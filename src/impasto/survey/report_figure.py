"""A report as one picture: how often each rating was given, the mean of each picture, and the methods' scores."""

from typing import Any

import numpy as np

from impasto.report.curves import new_figure, png_of
from impasto.survey.findings import KIND_NAMES, finding
from impasto.survey.ratings import SCALE
from impasto.survey.report import Preferred, Rated, Report

_BAR, _LINE = "#8a9ba8", "#1f3a4d"


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
    row.suptitle(several + finding(rated), fontsize=10, parse_math=False)
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

"""Curves as a picture, made with matplotlib, which need not be there."""

import io
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import missing_extra
from impasto.files import replace_file

logger = logging.getLogger("impasto")

MOST_PANELS_ABREAST = 4
LABELS_ABREAST, LEGEND_LINE = 2, 0.25
"""Labels above each panel, and inches that a line of them takes."""

Curve = Mapping[float, float]
"""{place on the axis: value}."""


def new_figure(what: str, extra: str, **settings: Any) -> Any:
    """matplotlib's, of these settings; None, and a line in the log, without it. extra: of impasto's that brings it."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        logger.warning("%s", missing_extra(what, extra, str(error.name)))
        return None
    return Figure(**settings)


def png_of(figure: Any, dpi: int) -> bytes:
    """The bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    return stream.getvalue()


def draw_panels(path: Path, panels: Mapping[str, Mapping[str, Curve]], across: str = "step") -> None:
    """Write a PNG with a panel for each title, in it one curve for each label. across: what the axis is.

    A label has one colour in all panels, which a legend above them tells.

    Without matplotlib there is a line in the log instead.
    """
    abreast = min(len(panels), MOST_PANELS_ABREAST)
    rows = math.ceil(len(panels) / abreast)
    labels = list(dict.fromkeys(label for curves in panels.values() for label in curves))
    colours = {label: f"C{number}" for number, label in enumerate(labels)}
    # A curve that is alone in its panel and named like it needs no other name.
    others = [curves for title, curves in panels.items() if curves.keys() != {title}]
    named = [label for label in labels if any(label in curves for curves in others)]
    lines = math.ceil(len(named) / (LABELS_ABREAST * abreast)) if len(labels) > 1 else 0
    height = 3.2 * rows + LEGEND_LINE * lines
    figure = new_figure(path.name, "train", figsize=(4 * abreast, height))
    if figure is None:
        return
    # By hand, because matplotlib's own layout takes seconds for many panels. In shares of the figure and of a panel.
    figure.subplots_adjust(
        left=0.16 / abreast, right=1 - 0.04 / abreast, bottom=0.16 * 3.2 / height,
        top=1 - (0.1 * 3.2 + LEGEND_LINE * lines) / height, wspace=0.25, hspace=0.4,
    )  # fmt: skip
    for number, (title, curves) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(rows, abreast, number)
        _draw_panel(axes, curves, colours)
        axes.set_title(title, fontsize=min(12, 340 / max(1, len(title))))
        axes.set_xlabel(across)
    if lines:
        from matplotlib.lines import Line2D

        strokes = [Line2D([], [], color=colours[label]) for label in named]
        figure.legend(strokes, named, loc="upper center", ncols=math.ceil(len(named) / lines), frameon=False)
    replace_file(path, png_of(figure, 100))


def _draw_panel(axes: Any, curves: Mapping[str, Curve], colours: Mapping[str, str]) -> None:
    for label, curve in curves.items():
        steps, values = np.array(list(curve)), np.array(list(curve.values()))
        window = len(values) // 50
        crowded = window > 3
        shade, shown = (0.3, "_") if crowded else (1, label)
        axes.plot(steps, values, "" if crowded else ".-", label=shown, color=colours[label], alpha=shade, lw=1)
        if crowded:
            # Single batches differ so much that the trend would be lost among them.
            means = np.convolve(values, np.full(window, 1 / window), "valid")
            axes.plot(steps[window // 2 :][: len(means)], means, label=label, color=colours[label])
    _choose_scale(axes, [value for curve in curves.values() for value in curve.values()])
    axes.grid(visible=True, alpha=0.3)


def _choose_scale(axes: Any, values: Sequence[float]) -> None:
    """Logarithmic for what spans a few times itself, with plain numbers at 1, 2 and 5 of few powers of ten."""
    from matplotlib.ticker import LogLocator

    low, high = min(values), max(values)
    if 0 < 3 * low < high:
        axes.set_yscale("log")
    if 0 < 3 * low < high < 1000 * low:
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")

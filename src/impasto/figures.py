"""Pictures about pictures: grids with titles, markers, and curves, made with Pillow and matplotlib."""

import base64
import io
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from impasto.files import replace_file

logger = logging.getLogger("impasto")

MOST_PANELS_ABREAST = 4
LABELS_ABREAST, LEGEND_LINE = 2, 0.25
"""Labels above each panel, and inches that a line of them takes."""
GAP = 8
MARK = (230, 30, 30)

Curve = Mapping[float, float]
"""{place on the axis: value}."""


def grid(
    rows: Sequence[Sequence[Image.Image]], columns: Sequence[str] = (), names: Sequence[str] = (), gap: int = GAP
) -> Image.Image:
    """Pictures in rows on white, centred in cells as large as the largest of their column and row.

    columns, names: titles above the columns, smaller where a column is too narrow for one, and below the left corner of
        each row's first picture.
    """
    count = max(len(row) for row in rows)
    widths = [max(row[i].width for row in rows if i < len(row)) for i in range(count)]
    heights = [max(cell.height for cell in row) for row in rows]
    letters = max(10, min(max(widths) // 14, 28))
    head, foot = (2 * letters if columns else 0), (2 * letters if any(names) else 0)
    size = sum(widths) + gap * (count + 1), head + sum(heights) + (gap + foot) * len(rows) + gap
    sheet = Image.new("RGB", size, "white")
    drawing = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(letters)
    lefts = [gap * (i + 1) + sum(widths[:i]) for i in range(count)]
    for left, width, title in zip(lefts, widths, columns, strict=False):
        fitting = ImageFont.load_default(max(1, letters * min(1, width / max(1, drawing.textlength(title, font)))))
        drawing.text((left + width // 2, head // 2 + gap // 2), title, fill="black", font=fitting, anchor="mm")
    top = head + gap
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for left, width, cell in zip(lefts, widths, row, strict=False):
            sheet.paste(cell, (left + (width - cell.width) // 2, top + (height - cell.height) // 2))
        if foot and number < len(names):
            drawing.text((lefts[0], top + height + foot // 2), names[number], fill="black", font=font, anchor="lm")
        top += height + foot + gap
    return sheet


def marked(picture: Image.Image, place: tuple[float, float], *, ring: bool = False) -> Image.Image:
    """A copy with a red dot at the place (x, y) in pixels; ring: with a ring around it, which hides nothing there."""
    copy = picture.convert("RGB")
    drawing = ImageDraw.Draw(copy)
    radius = max(3, min(copy.size) // 60)
    if ring:
        drawing.circle(place, 2 * radius, outline=MARK, width=2)
    else:
        drawing.circle(place, radius + 2, fill="white")
        drawing.circle(place, radius, fill=MARK)
    return copy


def plain(value: float, digits: int) -> str:
    """A number for people, rounded to significant digits and never with an exponent: 3.4, 57, 1,200 (two digits)."""
    return f"{float(f'{value:.{digits}g}'):,.15g}"


def png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def data_url(picture: Image.Image) -> str:
    """The picture inside a page."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()


def draw_panels(path: Path, panels: Mapping[str, Mapping[str, Curve]], across: str = "step") -> None:
    """Write a PNG with a panel for each title, in it one curve for each label. across: what the axis is.

    A label has one colour in all panels, which a legend above them tells.

    Without matplotlib there is a line in the log instead.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        logger.warning("no %s (%s is missing): pip install 'impasto[train]'", path.name, error.name)
        return
    abreast = min(len(panels), MOST_PANELS_ABREAST)
    rows = math.ceil(len(panels) / abreast)
    labels = list(dict.fromkeys(label for curves in panels.values() for label in curves))
    colours = {label: f"C{number}" for number, label in enumerate(labels)}
    # A curve that is alone in its panel and named like it needs no other name.
    others = [curves for title, curves in panels.items() if curves.keys() != {title}]
    named = [label for label in labels if any(label in curves for curves in others)]
    lines = math.ceil(len(named) / (LABELS_ABREAST * abreast)) if len(labels) > 1 else 0
    height = 3.2 * rows + LEGEND_LINE * lines
    figure = Figure(figsize=(4 * abreast, height))
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
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    replace_file(path, stream.getvalue())


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

"""Figures of a run, redrawn from what lies in its folder: what was learned when, and the curves of its losses.

They are those of paper 004, Figures 2 and 3, for any recipe.
"""

import io
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from impasto.record import replace_file

logger = logging.getLogger(__name__)

MOST_STEPS = 20
"""Steps that a strip shows at most; of more, as many are taken, evenly spread."""

MOST_PANELS_ABREAST = 4

Curve = Mapping[int, float]
"""{step: value}."""


def previews_of(folder: Path) -> list[Path]:
    """The pictures that a run's steps left, in the order of the steps."""
    return sorted((path for path in (folder / "previews").glob("*.png") if path.stem.isdigit()), key=_step)


def draw_strip(previews: Sequence[Path], columns: Sequence[str], path: Path) -> None:
    """Write one picture that shows the previews' last column at every step, after the other columns, shown once.

    previews: files of one size, named after their steps. columns: what their columns, of equal width, show.
    """
    chosen = [previews[index] for index in _spread(len(previews), MOST_STEPS)]
    cells: list[tuple[str, Image.Image]] = []
    for preview in chosen:
        with Image.open(preview) as file:
            picture = file.convert("RGB")
        width = picture.width // len(columns)
        parts = [picture.crop((left, 0, left + width, picture.height)) for left in range(0, picture.width, width)]
        if not cells:
            cells += zip(columns[:-1], parts, strict=False)
        cells.append((f"{_step(preview):,}", parts[len(columns) - 1]))
    replace_file(path, _png(_side_by_side(cells)))


def draw_losses(folder: Path) -> None:
    """Write `losses.png` into a run's folder: every value that it logged against the step, in a panel for each loss.

    Values whose names end alike, as the training's and the held-out pictures' do, share a panel. Without matplotlib
    there is a line in the log instead.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        logger.warning("no losses.png (%s is missing): pip install 'impasto[train]'", error.name)
        return
    panels: dict[str, dict[str, Curve]] = {}
    for name, curve in read_curves(folder / "tensorboard").items():
        origin, _, loss = name.rpartition("/")
        panels.setdefault(loss, {})[origin or name] = curve
    if not panels:
        return
    abreast = min(len(panels), MOST_PANELS_ABREAST)
    rows = math.ceil(len(panels) / abreast)
    figure = Figure(figsize=(4 * abreast, 3.2 * rows))
    # By hand, because matplotlib's own layout takes seconds for many panels. In shares of the figure and of a panel.
    figure.subplots_adjust(
        left=0.16 / abreast, right=1 - 0.04 / abreast, bottom=0.16 / rows, top=1 - 0.1 / rows, wspace=0.25, hspace=0.4
    )
    for number, (loss, curves) in enumerate(panels.items(), 1):
        _draw_panel(figure.add_subplot(rows, abreast, number), loss, curves)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    replace_file(folder / "losses.png", stream.getvalue())


def read_curves(folder: Path) -> dict[str, Curve]:
    """{name: curve} from the event files of TensorBoard. Where a resumed run repeated steps, its values count."""
    # With TensorBoard comes more than a run without figures needs.
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 1})  # 0: all of them
    events.Reload()
    curves: dict[str, Curve] = {}
    for name in events.Tags()["scalars"]:
        # By time, because the names of the files are not sure to sort like it.
        values = {event.step: event.value for event in sorted(events.Scalars(name), key=lambda event: event.wall_time)}
        curves[name] = dict(sorted(values.items()))
    return curves


def _draw_panel(axes: Any, loss: str, curves: Mapping[str, Curve]) -> None:
    for origin, curve in curves.items():
        steps, values = np.array(list(curve)), np.array(list(curve.values()))
        window = len(values) // 50
        crowded = window > 3
        (line,) = axes.plot(steps, values, "" if crowded else ".-", label=origin, alpha=0.3 if crowded else 1, lw=1)
        if crowded:
            # Single batches differ so much that the trend would be lost among them.
            means = np.convolve(values, np.full(window, 1 / window), "valid")
            line.set_label("_")
            axes.plot(steps[window // 2 :][: len(means)], means, label=origin, color=line.get_color())
    _choose_scale(axes, [value for curve in curves.values() for value in curve.values()])
    axes.set_title(loss)
    axes.set_xlabel("step")
    axes.grid(visible=True, alpha=0.3)
    if len(curves) > 1:
        axes.legend()


def _choose_scale(axes: Any, values: Sequence[float]) -> None:
    """Logarithmic for what spans a few times itself, with plain numbers at 1, 2 and 5 of each power of ten."""
    from matplotlib.ticker import LogLocator

    if 0 < 3 * min(values) < max(values):
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")


def _side_by_side(cells: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures of one size from left to right, each below its title."""
    width, height = cells[0][1].size
    letters = max(8, min(width // 10, 32))
    head = 2 * letters
    sheet = Image.new("RGB", (width * len(cells), head + height), "white")
    drawing = ImageDraw.Draw(sheet)
    for number, (title, picture) in enumerate(cells):
        middle = (width * number + width // 2, head // 2)
        drawing.text(middle, title, fill="black", font=ImageFont.load_default(letters), anchor="mm")
        sheet.paste(picture, (width * number, head))
    return sheet


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below count, evenly spread, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


def _step(preview: Path) -> int:
    return int(preview.stem)

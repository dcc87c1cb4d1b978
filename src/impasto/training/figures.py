"""What a run's folder shows: figures, such as those of paper 004 (2 and 3), and a page that opens without a server.

All of it is drawn again from what lies in the folder, for any recipe.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.files import replace_file
from impasto.report import chart
from impasto.report.curves import Curve, draw_panels
from impasto.report.page import render
from impasto.report.sheets import data_url, grid, jpeg, png, reduced
from impasto.training.runs import Run, best_of, last_of, losses_of, read_run, settings_of, spread

MOST_STEPS = 20
"""Steps that a strip shows at most; of more, as many are taken, evenly spread."""
FILE = "index.html"
MOST_PREVIEWS = 12
"""Previews inside the page at most, evenly spread over the run, the latest among them; the others are linked."""
THUMBNAIL = (640, 1280)
"""Largest width and height of a preview inside the page."""
RELOAD_SECONDS = 30

logger = logging.getLogger(__name__)


def draw_figures(folder: Path, columns: Sequence[str]) -> None:
    """Write `previews.png`, if there are previews, and `losses.png`. columns: what the columns of the previews show."""
    if previews := previews_of(folder):
        draw_strip(previews, columns, folder / "previews.png")
    draw_losses(folder)


def previews_of(folder: Path) -> list[Path]:
    """The pictures that a run's steps left, in the order of the steps."""
    return sorted((path for path in (folder / "previews").glob("*.png") if path.stem.isdigit()), key=_step)


def draw_strip(previews: Sequence[Path], columns: Sequence[str], path: Path) -> None:
    """Write one picture that shows the previews' last column at every step, after the other columns, shown once.

    previews: files of one size, named after their steps. columns: what their columns, of equal width, show.
    """
    chosen = [previews[index] for index in spread(len(previews), MOST_STEPS)]
    cells: list[tuple[str, Image.Image]] = []
    for preview in chosen:
        with Image.open(preview) as file:
            picture = file.convert("RGB")
        width = picture.width // len(columns)
        parts = [picture.crop((left, 0, left + width, picture.height)) for left in range(0, picture.width, width)]
        if not cells:
            cells += zip(columns[:-1], parts, strict=False)
        cells.append((f"{_step(preview):,}", parts[len(columns) - 1]))
    titles, pictures = zip(*cells, strict=True)
    replace_file(path, png(grid([pictures], titles, gap=0)))


def draw_losses(folder: Path) -> None:
    """Write `losses.png` into a run's folder: every value that it logged against the step, in a panel for each loss.

    Without matplotlib there is a line in the log instead.
    """
    if panels := _in_panels(losses_of(folder)):
        draw_panels(folder / "losses.png", panels)


def _in_panels(curves: Mapping[str, Curve]) -> dict[str, dict[str, Curve]]:
    """{loss: {whose it is: curve}}: values whose names end alike, as the training's and the held-out pictures' do."""
    panels: dict[str, dict[str, Curve]] = {}
    for name, curve in curves.items():
        origin, _, loss = name.rpartition("/")
        panels.setdefault(loss, {})[origin or name] = curve
    return panels


def _step(preview: Path) -> int:
    return int(preview.stem)


# --- the page --------------------------------------------------------------------------------------------------------


def write_page(folder: Path, *, columns: Sequence[str] = (), going_on: bool = True) -> None:
    """Write `index.html` into a run's folder, atomically, from what else lies there.

    columns: what the columns of the previews show. going_on: whether the page loads itself anew.

    Never raises: a page that cannot be written is a line in the log, and the training goes on.
    """
    try:
        replace_file(folder / FILE, _page(folder, columns, going_on=going_on))
    except Exception as error:  # noqa: BLE001 (whatever it is, hours of training are worth more)
        logger.warning("%s could not be written (%s: %s)", folder / FILE, type(error).__name__, error)


def _page(folder: Path, columns: Sequence[str], *, going_on: bool) -> str:
    run = read_run(folder)
    curves = losses_of(folder)
    previews = previews_of(folder)
    # What is logged and shown is ahead of what is saved.
    known = [run.step or 0, *(int(max(curve)) for curve in curves.values() if curve), *(_step(p) for p in previews)]
    step = max(known)
    going_on = going_on and step != run.steps
    watched = run.health.values if run.health else {}
    return render(
        "run.html", title=f"{folder.resolve().name} · {run.recipe}", step=step, steps=run.steps,
        is_going_on=going_on, reload_seconds=RELOAD_SECONDS, state=_state(run, step, going_on=going_on),
        # The reader's clock may be in another zone than the machine's.
        now=time.strftime("%Y-%m-%d %H:%M:%S %z"),
        problem=run.problem, health=run.health,
        watched=[{"measure": name, "value": f"{value:.4g}"} for name, value in watched.items()],
        shown=[_shown(previews[place]) for place in spread(len(previews), MOST_PREVIEWS)] if previews else [],
        previews={path.name: f"{_step(path):,}" for path in previews}, columns=columns,
        charts=_charts(curves), numbers=_numbers(curves),
        settings=[{"setting": name, "value": json.dumps(value)} for name, value in settings_of(run.config).items()],
    )  # fmt: skip


def _state(run: Run, step: int, *, going_on: bool) -> str:
    if step == run.steps:
        return "finished"
    if run.health and run.health.stopped is not None:
        return "stopped"
    return "going on" if going_on else "stopped; --resume goes on"


def _shown(path: Path) -> dict[str, Any]:
    """A preview inside the page."""
    with Image.open(path) as file:
        picture = reduced(file.convert("RGB"), *THUMBNAIL)
    # Not PNG, which takes ten times as many bytes for painted pictures, and they are all in one page.
    url = data_url(jpeg(picture, 85))
    return {
        "file": path.name,
        "step": f"{_step(path):,}",
        "url": url,
        "width": picture.width,
        "height": picture.height,
    }


def _charts(curves: Mapping[str, Curve]) -> list[str]:
    panels = _in_panels(curves)
    # One label has one colour in all panels.
    labels = dict.fromkeys(label for panel in panels.values() for label in panel)
    colours = {label: number for number, label in enumerate(labels)}
    return [chart.draw(title, panel, colours) for title, panel in panels.items()]


def _numbers(curves: Mapping[str, Curve]) -> list[dict[str, str]]:
    best = best_of(curves)
    return [
        {
            "value": name,
            "last": f"{value:.4g}",
            "best": "{1:.4g} at step {0:,}".format(*best[name]) if name in best else "",
        }
        for name, value in last_of(curves).items()
    ]

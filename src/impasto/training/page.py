"""A run as one page: how far it is, its curves and previews, what went wrong. Opens as a file, without a server."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.files import replace_file
from impasto.report import chart
from impasto.report.curves import Curve
from impasto.report.page import render
from impasto.report.sheets import data_url, jpeg, reduced
from impasto.training.figures import in_panels, previews_of, read_curves, spread
from impasto.training.runs import Run, best_of, last_of, read_run, settings_of

FILE = "index.html"
MOST_PREVIEWS = 12
"""Previews inside the page at most, evenly spread over the run, the latest among them; the others are linked."""
THUMBNAIL = (640, 1280)
"""Largest width and height of a preview inside the page."""
RELOAD_SECONDS = 30

logger = logging.getLogger(__name__)


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
    curves = read_curves(folder / "tensorboard") if (folder / "tensorboard").is_dir() else {}
    previews = previews_of(folder)
    # What is logged and shown is ahead of what is saved.
    known = [run.step or 0, *(int(max(curve)) for curve in curves.values() if curve), *(int(p.stem) for p in previews)]
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
        previews={path.name: f"{int(path.stem):,}" for path in previews}, columns=columns,
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
        "step": f"{int(path.stem):,}",
        "url": url,
        "width": picture.width,
        "height": picture.height,
    }


def _charts(curves: Mapping[str, Curve]) -> list[str]:
    panels = in_panels(curves)
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

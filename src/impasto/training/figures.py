"""Figures of a run, redrawn from what lies in its folder: what was learned when, and the curves of its losses.

They are those of paper 004, Figures 2 and 3, for any recipe.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.files import replace_file
from impasto.report.curves import Curve, draw_panels
from impasto.report.sheets import grid, png

MOST_STEPS = 20
"""Steps that a strip shows at most; of more, as many are taken, evenly spread."""


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

    Values whose names end alike, as the training's and the held-out pictures' do, share a panel. Without matplotlib
    there is a line in the log instead.
    """
    panels = in_panels(read_curves(folder / "tensorboard"))
    if panels:
        draw_panels(folder / "losses.png", panels)


def in_panels(curves: Mapping[str, Curve]) -> dict[str, dict[str, Curve]]:
    """{loss: {whose it is: curve}}: values whose names end alike, as the training's and the held-out pictures' do."""
    panels: dict[str, dict[str, Curve]] = {}
    for name, curve in curves.items():
        origin, _, loss = name.rpartition("/")
        panels.setdefault(loss, {})[origin or name] = curve
    return panels


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


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below count, evenly spread, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


def _step(preview: Path) -> int:
    return int(preview.stem)

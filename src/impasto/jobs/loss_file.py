"""The losses of a painting that is optimised, as a CSV file that grows with it."""

import csv
from pathlib import Path

from impasto.errors import PictureError, reason_of
from impasto.files import replace_file
from impasto.progress import Progress


def add_losses(path: Path, progress: Progress) -> None:
    """A line for this step: its number, the size that is worked on, and every term of the loss with its weight.

    The first step begins the file anew; a painting that was resumed replaces what it had gone beyond its state. A
    method without terms leaves no file. Raises PictureError if it cannot be written.
    """
    if not progress.losses:
        return
    height, width = progress.size or (0, 0)
    row = {"step": progress.step, "height": height, "width": width} | {
        name: f"{value:.6g}" for name, value in progress.losses.items()
    }
    try:
        before = _before(path, progress.step)
        if before is None:
            with path.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(row.values())
        else:
            lines = [",".join(row), *before, ",".join(map(str, row.values()))]
            replace_file(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {reason_of(error)}") from None


def _before(path: Path, step: int) -> list[str] | None:
    """The lines of earlier steps where others follow them that must go; None where the next line can be added."""
    if step == 1 or not path.exists():
        return []
    lines = path.read_text().splitlines()[1:]
    if not lines or int(lines[-1].partition(",")[0]) < step:
        return None
    return [line for line in lines if int(line.partition(",")[0]) < step]

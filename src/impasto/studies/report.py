"""What every study leaves behind: a folder of its own, tables, and on what it was run."""

import csv
import io
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from impasto.errors import PictureError
from impasto.files import check_folder, check_output

FILES = (
    "figure.png", "curves.png", "curves-time.png", "held-out.png", "failures.png", "numbers.csv", "numbers.json",
    "report.md",
)  # fmt: skip


def claim(folder: Path, name: str, inputs: Sequence[Path] = (), *, asked: Mapping[str, Any] | None = None) -> None:
    """Make sure that a study can be written into the folder. Leaves nothing.

    The folder may hold an earlier outcome of the same study. Raises PictureError if it holds somebody else's files by
    the names of ours, or one of `inputs`, which are read; or an outcome that does not say the same as `asked`, if that
    is given; or if it cannot be made.
    """
    check_folder(folder)
    about = folder / "numbers.json"
    try:
        earlier = json.loads(about.read_bytes()) if about.exists() else {}
        is_same = earlier.get("study") == name
    except (OSError, ValueError, AttributeError) as error:
        raise PictureError(f"{folder}: cannot be used: {getattr(error, 'strerror', None) or error}") from None
    taken = [file for file in FILES if (folder / file).exists()]
    for file in taken:
        check_output(folder / file, overwrite=True, sources=inputs)
    if taken and not is_same:
        raise PictureError(f"{folder}: holds a {taken[0]} that is not of the study {name}; choose another folder")
    if taken and asked is not None and any(earlier.get(key) != value for key, value in asked.items()):
        raise PictureError(
            f"{folder}: holds the study {name} of other pictures or settings; choose another folder, or allow"
            " overwriting"
        )


def machine() -> str:
    """Versions, processor and threads, for the record."""
    threads = torch.get_num_threads()
    return f"impasto {version('impasto')}, torch {torch.__version__}, {platform.machine()}, {threads} threads"


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The text of a file; a row need not have every column."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows in Markdown, numbers with four digits."""
    names = _columns(rows)
    lines = [names, ["---"] * len(names)]
    lines += [[_cell(row.get(name, "")) for name in names] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")

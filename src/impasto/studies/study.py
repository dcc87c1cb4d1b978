"""What all studies share: the papers, and the folder that each leaves behind."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto.report import folder as folders
from impasto.report.tables import Row, to_csv

# The papers as reports call them: their readers have no list with numbers.
CHEN = "Chen, 'Neural Style Transfer with Self-Attention Module'"
HE = "He, Liu and Zhao, 'ECE 285 MLIP, Project B: Style Transfer'"
SUN = "Sun, 'Unpaired image neural style transfer based on Non-Local-Attention-Cycle-Consistent adversarial network'"
ZHANG = "Zhang, Xue and Fu, 'Unsupervised image-to-image translation by semantics consistency and self-attention'"

FIGURES = ("figure.png", "curves.png", "curves-time.png", "held-out.png")
"""At the head of a report, as far as they were drawn."""

FILES = (*FIGURES, "failures.png", "numbers.csv", "numbers.json", "index.html", "report.md")

Choices = Mapping[str, Any]


def claim(folder: Path, name: str, inputs: Sequence[Path] = (), *, asked: Mapping[str, Any] | None = None) -> None:
    """`folders.claim` for a study of this name."""
    folders.claim(folder, FILES, "numbers.json", ("study", name), f"the study {name}", inputs=inputs, asked=asked)


def write(
    folder: Path,
    about: Mapping[str, Any],
    rows: Sequence[Row],
    sections: Sequence[str],
    files: Mapping[str, str | bytes],
) -> Path:
    """Write the files, numbers.json, numbers.csv, and report.md, which is returned.

    about: facts for numbers.json, with the study's name, source and question. sections: of the report, below these and
    the figures that lie in the folder.
    """
    drawn = [name for name in FIGURES if name in files or (folder / name).exists()]
    figures = [f"![{name}]({name})" for name in drawn]
    lines = [f"# {about['study']}", f"{about['source']}. {about['question']}", *figures, *sections]
    numbers = {"numbers.json": json.dumps({**about, "rows": rows}, indent=1), "numbers.csv": to_csv(rows)}
    return folders.write_files(folder, {**files, **numbers, "report.md": "\n\n".join(lines) + "\n"})[-1]

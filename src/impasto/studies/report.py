"""The folder that every study leaves behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto.report import folder as folders

FILES = (
    "figure.png", "curves.png", "curves-time.png", "held-out.png", "failures.png", "numbers.csv", "numbers.json",
    "index.html", "report.md",
)  # fmt: skip


def claim(folder: Path, name: str, inputs: Sequence[Path] = (), *, asked: Mapping[str, Any] | None = None) -> None:
    """`folders.claim` for a study of this name."""
    folders.claim(folder, FILES, "numbers.json", ("study", name), f"the study {name}", inputs=inputs, asked=asked)

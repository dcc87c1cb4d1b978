"""What every study leaves behind: a folder of its own, and on what it was run."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from impasto.report import folder as folders

FILES = (
    "figure.png", "curves.png", "curves-time.png", "held-out.png", "failures.png", "numbers.csv", "numbers.json",
    "index.html", "report.md",
)  # fmt: skip


def claim(folder: Path, name: str, inputs: Sequence[Path] = (), *, asked: Mapping[str, Any] | None = None) -> None:
    """`folders.claim` for a study of this name."""
    folders.claim(folder, FILES, "numbers.json", ("study", name), f"the study {name}", inputs=inputs, asked=asked)


def machine() -> str:
    """Versions, processor and threads, for the record."""
    threads = torch.get_num_threads()
    return f"impasto {version('impasto')}, torch {torch.__version__}, {platform.machine()}, {threads} threads"

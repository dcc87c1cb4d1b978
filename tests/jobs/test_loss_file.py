"""Losses beside a painting: every step once, also after a stop."""

import csv
from pathlib import Path

from impasto.jobs.loss_file import add_losses
from impasto.progress import Progress


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def report(step: int, style: float = 2.0) -> Progress:
    return Progress(step=step, total=4, size=(24, 32), losses={"content": 0.5, "style": style})


def test_every_step_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "out.losses.csv"
    for step in (1, 2):
        add_losses(path, report(step, 1 / step))
    assert rows(path) == [
        {"step": "1", "height": "24", "width": "32", "content": "0.5", "style": "1"},
        {"step": "2", "height": "24", "width": "32", "content": "0.5", "style": "0.5"},
    ]


def test_a_resumed_painting_replaces_what_it_had_gone_beyond_its_state(tmp_path: Path) -> None:
    path = tmp_path / "out.losses.csv"
    for step in (1, 2, 3):
        add_losses(path, report(step))
    for step in (2, 3, 4):
        add_losses(path, report(step, 7.0))
    assert [(row["step"], row["style"]) for row in rows(path)] == [("1", "2"), ("2", "7"), ("3", "7"), ("4", "7")]
    add_losses(path, report(1))
    assert len(rows(path)) == 1, "another painting"


def test_a_method_without_terms_leaves_no_file(tmp_path: Path) -> None:
    add_losses(tmp_path / "out.losses.csv", Progress(step=1, total=1))
    assert list(tmp_path.iterdir()) == []

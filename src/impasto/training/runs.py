"""The runs on this disk: how far each came, how it fares, what it was told. Reads, and needs nothing of training."""

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import DataError, missing_extra
from impasto.report.curves import Curve

HELD_OUT = "held out"
"""How the names of measures on pictures begin that training never sees."""

MISSING_EXTRA = missing_extra("reading the losses", "train", "tensorboard")


@dataclass(frozen=True, kw_only=True)
class RunHealth:
    """What the training says of itself. warnings: (step, name, message). stopped: why it gave up, if it did."""

    values: Mapping[str, float]
    warnings: tuple[tuple[int, str, str], ...] = ()
    stopped: str | None = None

    def __str__(self) -> str:
        if self.stopped is not None:
            return "stopped"
        return f"{len(self.warnings)} warnings" if self.warnings else "ok"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run's folder.

    config: of `config.json`, {} if it cannot be read. step, steps: done and planned, None where not known. saved:
    seconds since 1970 when anything of it last changed. best: of `state.json`, what it says of the best state, if
    anything. health: None if there is no word. problem: what is damaged.
    """

    folder: Path
    config: Mapping[str, Any]
    step: int | None
    steps: int | None
    saved: float
    num_bytes: int
    best: Mapping[str, Any]
    health: RunHealth | None
    problem: str | None

    @property
    def recipe(self) -> str:
        return str(self.config.get("recipe", "?"))

    @property
    def is_finished(self) -> bool:
        return self.step is not None and self.step == self.steps

    @property
    def age(self) -> float:
        """Seconds since anything of it changed."""
        return max(0.0, time.time() - self.saved)


def find_runs(folder: Path) -> list[Run]:
    """The runs in a folder, or the one that it is, in the order of their names; damaged ones too.

    Raises DataError if there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder")
    candidates = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [read_run(path) for path in candidates if is_run(path)]


def is_run(folder: Path) -> bool:
    """Whether the folder has anything that only a run leaves; one that nobody may look into counts, and is damaged."""
    try:
        return any((folder / name).exists() for name in ("config.json", "state.json", "tensorboard"))
    except OSError:
        return True


def read_run(folder: Path) -> Run:
    """What is known of the run in a folder. Raises DataError if there is none; damage is told, not raised."""
    if not is_run(folder):
        raise DataError(f"{folder}: holds no run")
    problems = []
    config, state, health = {}, {}, None
    for name, needed in (("config.json", True), ("state.json", False), ("health.json", False)):
        try:
            content = _read_object(folder / name)
        except FileNotFoundError:
            if needed:
                problems.append(f"{name} is missing")
            continue
        except (OSError, ValueError) as error:
            problems.append(f"{name} cannot be read ({error})")
            continue
        if name == "config.json":
            config = content
        elif name == "state.json":
            state = content
        else:
            health = _health(content)
    file = state.get("file")
    if isinstance(file, str) and not (folder / file).is_file():
        problems.append(f"{file} is missing")
    schedule = config.get("schedule")
    files = list(_facts_of_files(folder))
    return Run(
        folder=folder,
        config=config,
        step=_whole(state.get("step")),
        steps=_whole(schedule.get("steps")) if isinstance(schedule, dict) else None,
        saved=max((facts.st_mtime for facts in files), default=folder.stat().st_mtime),
        num_bytes=sum(facts.st_size for facts in files),
        best=best if isinstance(best := state.get("best"), dict) else {},
        health=health,
        problem="; ".join(problems) or None,
    )


def _facts_of_files(folder: Path) -> Iterator[os.stat_result]:
    """Of everything below that can be seen; a training may be replacing some of it."""
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield Path(place, name).stat()


def losses_of(folder: Path) -> dict[str, Curve]:
    """Everything that the run logged, {name: {step: value}}. Raises DataError if TensorBoard, which reads it, is not
    installed, or the files are damaged."""
    from impasto.training.figures import read_curves

    try:
        if not (folder / "tensorboard").is_dir():
            return {}
        return read_curves(folder / "tensorboard")
    except ModuleNotFoundError as error:
        raise DataError(MISSING_EXTRA) from error
    except Exception as error:  # TensorBoard raises what it likes for files that are no events
        raise DataError(f"{folder / 'tensorboard'}: cannot be read ({error})") from error


def last_of(curves: Mapping[str, Curve]) -> dict[str, float]:
    """The latest value of each."""
    return {name: list(curve.values())[-1] for name, curve in curves.items() if curve}


def best_of(curves: Mapping[str, Curve]) -> dict[str, tuple[int, float]]:
    """{measure on held-out pictures: (step, its best value)}."""
    from impasto.metrics import larger_is_better  # brings PyTorch, which a list of runs does without

    best_values = {}
    for name, curve in curves.items():
        finite = {step: value for step, value in curve.items() if math.isfinite(value)}
        if name.startswith(HELD_OUT) and finite:
            best = max if larger_is_better(name) else min
            step = best(finite, key=finite.__getitem__)
            best_values[name] = int(step), finite[step]
    return best_values


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config's leaves, {'schedule.steps': 100, ...}."""
    return dict(_leaves(config, ""))


def different_settings(first: Run, second: Run) -> dict[str, tuple[Any, Any]]:
    """{setting: (the first's, the second's)} where they differ; None where a run does not have it."""
    ours, theirs = settings_of(first.config), settings_of(second.config)
    return {
        name: (ours.get(name), theirs.get(name))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    }


def common_steps(
    first: Mapping[str, Curve], second: Mapping[str, Curve], most: int = 5
) -> dict[str, list[tuple[int, float, float]]]:
    """{loss: [(step, the first's value, the second's)]} at steps that both logged, evenly spread, with the last."""
    from impasto.training.figures import spread

    values = {}
    for name in first.keys() & second.keys():
        steps = sorted(first[name].keys() & second[name].keys())
        if steps:
            chosen = [steps[index] for index in spread(len(steps), most)]
            values[name] = [(int(step), first[name][step], second[name][step]) for step in chosen]
    return dict(sorted(values.items()))


def _read_object(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    return content


def _health(content: Mapping[str, Any]) -> RunHealth:
    values, warnings, stopped = content.get("values"), content.get("warnings"), content.get("stopped")
    entries = [entry for entry in warnings if isinstance(entry, dict)] if isinstance(warnings, list) else []
    return RunHealth(
        values={name: value for name, value in values.items() if isinstance(value, int | float)}
        if isinstance(values, dict)
        else {},
        warnings=tuple(
            (_whole(entry.get("step")) or 0, str(entry.get("name")), str(entry.get("message"))) for entry in entries
        ),
        stopped=None if stopped is None else str(stopped),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value

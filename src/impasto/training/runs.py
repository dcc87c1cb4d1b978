"""The runs on this disk: what each is begun with, how far it came, how it fares. Needs nothing of training."""

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import CheckpointError, DataError, missing_extra
from impasto.files import read_json, replace_file
from impasto.report.curves import Curve

HELD_OUT = "held out"
"""How the names of measures on pictures begin that training never sees."""

LENGTHS = "earlier lengths"
"""Of a run that was lengthened, in its `config.json`."""


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
    problems, contents = [], dict[str, Any]()
    for name in ("config.json", "state.json", "health.json"):
        try:
            contents[name] = _read_object(folder / name)
        except FileNotFoundError:
            if name == "config.json":
                problems.append(f"{name} is missing")
        except (OSError, ValueError) as error:
            problems.append(f"{name} cannot be read ({error})")
    config, state = contents.get("config.json", {}), contents.get("state.json", {})
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
        health=_health(contents["health.json"]) if "health.json" in contents else None,
        problem="; ".join(problems) or None,
    )


def _facts_of_files(folder: Path) -> Iterator[os.stat_result]:
    """Of everything below that can be seen; a training may be replacing some of it."""
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield Path(place, name).stat()


def losses_of(folder: Path) -> dict[str, Curve]:
    """Everything that the run logged, {name: {step: value}}. Where a resumed run repeated steps, its values count.

    Raises DataError if TensorBoard, which reads it, is not installed, or the files are damaged.
    """
    logged = folder / "tensorboard"
    try:
        if not logged.is_dir():
            return {}
        # With TensorBoard comes more than a run without figures needs.
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(logged), size_guidance={"scalars": 0, "images": 1})  # 0: all of them
        events.Reload()
        curves: dict[str, Curve] = {}
        for name in events.Tags()["scalars"]:
            # By time, because the names of the files are not sure to sort like it.
            in_time = sorted(events.Scalars(name), key=lambda event: event.wall_time)
            curves[name] = dict(sorted({event.step: event.value for event in in_time}.items()))
        return curves
    except ModuleNotFoundError as error:
        raise DataError(missing_extra("reading the losses", "train", "tensorboard")) from error
    except Exception as error:  # TensorBoard raises what it likes for files that are no events
        raise DataError(f"{logged}: cannot be read ({error})") from error


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
    return dict(_leaves(config, "")) if config else {}


def different_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{setting: (the first config's, the second's)} where they differ; None where a config does not have it."""
    ours, theirs = settings_of(first), settings_of(second)
    return {
        name: (ours.get(name), theirs.get(name))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    }


def common_steps(
    first: Mapping[str, Curve], second: Mapping[str, Curve], most: int = 5
) -> dict[str, list[tuple[int, float, float]]]:
    """{loss: [(step, the first's value, the second's)]} at steps that both logged, evenly spread, with the last."""
    values = {}
    for name in first.keys() & second.keys():
        steps = sorted(first[name].keys() & second[name].keys())
        if steps:
            chosen = [steps[index] for index in spread(len(steps), most)]
            values[name] = [(int(step), first[name][step], second[name][step]) for step in chosen]
    return dict(sorted(values.items()))


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below count, evenly spread, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


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


# --- what a run is begun with ----------------------------------------------------------------------------------------


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Atomic: a reader sees the old file or the new one."""
    replace_file(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def check_run(
    folder: Path,
    config: Mapping[str, Any],
    *,
    resume: bool,
    defaults: Mapping[str, Any] | None = None,
    may_lengthen: bool = False,
) -> None:
    """Make sure that a new run finds no old one in its folder, and that a resumed one has the same settings.

    defaults: what settings that the old run did not know yet count as, as `defaults_of` gives it. may_lengthen: whether
        a resumed run may have more steps than before.
    Raises CheckpointError otherwise, naming each setting that differs. Writes nothing.
    """
    stored = _begun_with(folder)
    if stored is None:
        if resume:
            raise CheckpointError(f"{folder}: holds no run to resume")
        return
    known, old, now = (_compared(part) for part in (defaults or {}, stored, config))
    before = {**known, **old}
    if may_lengthen and 0 < _length(stored) < _length(config):
        before["schedule.steps"] = _length(config)
    differences = "; ".join(
        f"{name} was {old!r} and is now {new!r}" for name, (old, new) in different_settings(before, now).items()
    )
    if not resume and differences:
        raise CheckpointError(f"{folder}: already holds a run of other settings; choose another folder ({differences})")
    if not resume:
        raise CheckpointError(f"{folder}: already holds a run; continue it with --resume or choose another folder")
    if differences:
        raise CheckpointError(f"{folder}: cannot be resumed with other settings: {differences}")


def _compared(config: Mapping[str, Any]) -> dict[str, Any]:
    """As a file gives it back. What has no settings, or none with a default, differs in nothing."""
    return {name: value for name, value in settings_of(json.loads(json.dumps(config))).items() if value != {}}


def prepare_run(folder: Path, config: Mapping[str, Any]) -> None:
    """Create the folder of a run that `check_run` has let pass.

    A run that becomes longer says so in `config.json`: which lengths it had before, and until which step.
    """
    before = _begun_with(folder)
    if before is not None and _length(config) == _length(before):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = {}
        if before is not None:
            state = read_json(folder / "state.json")
            until = int(state.get("step", 0)) if isinstance(state, dict) else 0
            lengths = read_json(folder / "config.json").get(LENGTHS, [])
            earlier = {LENGTHS: [*lengths, {"steps": _length(before), "until": until}]}
        write_json(folder / "config.json", {**config, **earlier})
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot be made or written to ({error.strerror or error})") from error


def _begun_with(folder: Path) -> dict[str, Any] | None:
    """What the run in the folder was begun with, or lengthened to; None if there is none."""
    stored = folder / "config.json"
    if not stored.exists():
        return None
    before = read_json(stored)
    if not isinstance(before, dict):
        raise CheckpointError(f"{stored}: is damaged, so that nobody knows the settings of this run")
    return {name: value for name, value in before.items() if name != LENGTHS}


def _length(config: Mapping[str, Any]) -> int:
    """Steps of a run's schedule; 0 where it has none."""
    return int(settings_of(config).get("schedule.steps", 0))


def defaults_of(config: Any) -> dict[str, Any]:
    """The defaults of a dataclass, and of the dataclasses in it, by their fields' names.

    A run that was begun before a field was there has the field's default.
    """
    defaults: dict[str, Any] = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            defaults[field.name] = defaults_of(value)
        elif field.default is not MISSING:
            defaults[field.name] = field.default
    return defaults

"""`impasto runs`: what trainings there are, how each fares, and what tells two of them apart."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from impasto.cli.flags import EVERY_PARAMETER
from impasto.cli.terminal import Screen, duration, in_columns, write
from impasto.errors import DataError

if TYPE_CHECKING:
    from impasto.report.curves import Curve
    from impasto.training.runs import Run

app = App(name="runs", default_parameter=EVERY_PARAMETER, help_format="plaintext")

AsJson = Annotated[bool, Parameter(name="--json", help="for programs")]
DAY_SECONDS = 86_400
WIDTH = 120
"""Characters of a line of the list, where names are not longer; `runs show` has everything."""


@app.command(name="list")
def list_runs(
    folder: Annotated[Path, Parameter(help="folder with the folders of runs in it")] = Path("runs"),
    /,
    *,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder: recipe, steps, losses, health, age and size."""
    from impasto.training.runs import find_runs

    runs = find_runs(folder)
    curves = _curves_of(runs, said=not as_json)
    if as_json:
        write(json.dumps([_summary(run, curves[run.folder]) for run in runs]))
        return
    lines = in_columns([("run", "recipe", "step", "health", "age", "MB"), *map(_row, runs)], right=(5,))
    losses = [["losses"], *(_losses(curves[run.folder]) for run in runs)]
    for line, words in zip(lines, losses, strict=True):
        write(f"{line}  {_some(words, WIDTH - len(line) - 2)}".rstrip())


@app.command
def show(folder: Annotated[Path, Parameter(help="folder of a run")], /, *, as_json: AsJson = False) -> None:
    """Show one run: settings, data, losses, the best so far, warnings and files."""
    from impasto.training.runs import best_of, last_of, read_run, settings_of

    run = read_run(folder)
    curves = _curves_of([run], said=not as_json)
    logged = curves[folder] or {}
    files = {path.name: _size_of(path) for path in sorted(folder.iterdir())}
    if as_json:
        best = {name: {"step": step, "value": value} for name, (step, value) in best_of(logged).items()}
        about = {"settings": run.config, "best": best, "best_state": run.best, "files": files}
        write(json.dumps(_summary(run, curves[folder]) | about))
        return
    write(f"{folder}: {run.recipe}, step {_steps(run)}, {_health(run)}, changed {_ago(run)} ago")
    if run.problem:
        write(f"damaged: {run.problem}")
    for step, name, message in run.health.warnings if run.health else ():
        write(f"warning at step {step:,}: {name}: {message}")
    if run.health and run.health.stopped is not None:
        write(f"stopped: {run.health.stopped}")
    _section("settings", {name: json.dumps(value) for name, value in settings_of(run.config).items()})
    _section("last values", {name: f"{value:.4g}" for name, value in last_of(logged).items()})
    best_values = {name: f"{value:.4g} at step {step:,}" for name, (step, value) in best_of(logged).items()}
    _section("best on held-out pictures", best_values)
    _section("best state", {name: json.dumps(value) for name, value in run.best.items()})
    _section("files", {name: f"{size / 1e6:,.1f} MB" for name, size in files.items()})


@app.command
def diff(
    first: Annotated[Path, Parameter(help="folder of a run")],
    second: Annotated[Path, Parameter(help="folder of another one")],
    /,
    *,
    as_json: AsJson = False,
) -> None:
    """Compare two runs: the settings that differ, and the losses at steps that both logged."""
    from impasto.training.runs import common_steps, different_settings, read_run

    runs = [read_run(first), read_run(second)]
    settings = different_settings(*(run.config for run in runs))
    curves = _curves_of(runs, said=not as_json)
    losses = common_steps(curves[first] or {}, curves[second] or {})
    if as_json:
        rows = {
            name: [{"step": step, "values": [_number(one), _number(other)]} for step, one, other in values]
            for name, values in losses.items()
        }
        write(json.dumps({"runs": [str(first), str(second)], "settings": settings, "losses": rows}))
        return
    for run in runs:
        if run.problem:
            Screen().note(f"note: {run.folder} is damaged: {run.problem}")
    _section(
        "settings that differ" if settings else "the settings are the same",
        {name: f"{json.dumps(one)}  |  {json.dumps(other)}" for name, (one, other) in settings.items()},
    )
    for name, values in losses.items():
        _section(name, {f"step {step:,}": f"{one:.4g}  |  {other:.4g}" for step, one, other in values})
    if not losses and None not in curves.values():
        write("they logged no loss at the same step")


def _curves_of(runs: "Sequence[Run]", *, said: bool) -> "dict[Path, Mapping[str, Curve] | None]":
    """{folder: its curves, or None}. said: tell why some could not be read, each reason once."""
    from impasto.training.runs import losses_of

    curves: dict[Path, Mapping[str, Curve] | None] = {}
    missing: dict[str, None] = {}
    for run in runs:
        try:
            curves[run.folder] = losses_of(run.folder)
        except DataError as error:
            curves[run.folder] = None
            missing[str(error)] = None
    for text in missing if said else ():
        Screen().note(f"note: {text}")
    return curves


def _summary(run: "Run", curves: "Mapping[str, Curve] | None") -> dict[str, Any]:
    """For programs. losses: None if they could not be read."""
    from impasto.training.runs import last_of

    health = run.health
    return {
        "run": str(run.folder),
        "recipe": run.recipe,
        "step": run.step,
        "steps": run.steps,
        "finished": run.is_finished,
        "losses": None if curves is None else {name: _number(value) for name, value in last_of(curves).items()},
        "health": None
        if health is None
        else {
            "stopped": health.stopped,
            "values": {name: _number(value) for name, value in health.values.items()},
            "warnings": [{"step": step, "name": name, "message": text} for step, name, text in health.warnings],
        },
        "changed": run.saved,
        "bytes": run.num_bytes,
        "problem": run.problem,
    }


def _number(value: float) -> float | str:
    """JSON knows no NaN and no infinity."""
    return value if abs(value) < float("inf") else str(value)


def _row(run: "Run") -> tuple[str, ...]:
    size = f"{run.num_bytes / 1e6:,.1f}"
    return run.folder.name or str(run.folder), run.recipe, _steps(run), _health(run), _ago(run), size


def _losses(curves: "Mapping[str, Curve] | None") -> list[str]:
    from impasto.training.runs import last_of

    return ["?"] if curves is None else [f"{name} {value:.3g}" for name, value in last_of(curves).items()]


def _some(words: Sequence[str], width: int) -> str:
    """As many as so many characters hold, at least one, and how many there are besides."""
    for count in range(len(words), 1, -1):
        rest = f"  and {len(words) - count} more" if count < len(words) else ""
        if len(text := "  ".join(words[:count]) + rest) <= width:
            return text
    return words[0] + (f"  and {len(words) - 1} more" if len(words) > 1 else "") if words else ""


def _steps(run: "Run") -> str:
    return f"{'-' if run.step is None else run.step} of {'?' if run.steps is None else run.steps}"


def _health(run: "Run") -> str:
    if run.problem:
        return "damaged"
    return "-" if run.health is None else str(run.health)


def _ago(run: "Run") -> str:
    days = int(run.age // DAY_SECONDS)
    return f"{days} days" if days > 1 else duration(run.age)


def _size_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in files if one.is_file())


def _section(title: str, rows: Mapping[str, str]) -> None:
    if rows or title.startswith("the settings"):
        write(title)
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        write(f"  {name:{width}}  {value}")

"""What a study of trainings says of its runs: curves, means, comparisons of seeds, and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.report.curves import Curve
from impasto.report.tables import to_markdown
from impasto.studies.measured import PROTOCOL
from impasto.studies.statistics import FEWEST, comparisons, explained
from impasto.studies.study import Training

CURVES = ("curves.png", "held-out.png")
"""Of the losses that were learned from, as the papers have them, and of everything that was only watched."""


@dataclass(frozen=True)
class TrainedRun:
    """What one run of a variant left: its result, its config, and curves of everything that it logged."""

    variant: Training
    weights: Path
    config: Any
    curves: Mapping[str, Curve]


def compared(
    measured: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], seeds: int
) -> list[dict[str, str]]:
    """Of every measure of held-out pictures, or, where a study has none, of every value's mean over the last tenth."""
    if seeds < FEWEST:
        return []
    if measured:
        names = [name for name, value in measured[0].items() if isinstance(value, float)]
        return comparisons(measured, "variant", ["seed"], names)
    values = list(dict.fromkeys(row["value"] for row in rows))
    by_run: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        run_row = by_run.setdefault((row["variant"], row["seed"]), {"variant": row["variant"], "seed": row["seed"]})
        run_row[row["value"]] = row.get("last tenth")
    return comparisons(list(by_run.values()), "variant", ["seed"], values)


def panels(outcomes: Sequence[TrainedRun]) -> dict[str, dict[str, dict[str, Curve]]]:
    """For each file that has any: a panel for each value, in it a curve for each variant over the share of its steps,
    in percent."""
    files: dict[str, dict[str, dict[str, Curve]]] = {}
    for outcome in outcomes:
        steps = outcome.config.schedule.steps
        for value, curve in outcome.curves.items():
            shares = {100 * step / steps: one for step, one in curve.items()}
            file = CURVES[value.startswith(("held out", "health/"))]
            files.setdefault(file, {}).setdefault(value, {})[outcome.variant.name] = shares
    return files


def numbers(outcome: TrainedRun) -> list[dict[str, Any]]:
    """Means of every logged value over the first tenth, all, and the last tenth of the steps."""
    rows = []
    steps = outcome.config.schedule.steps
    for loss, curve in outcome.curves.items():
        parts = {
            "first tenth": [value for step, value in curve.items() if step <= 0.1 * steps],
            "all": list(curve.values()),
            "last tenth": [value for step, value in curve.items() if step > 0.9 * steps],
        }
        means = {part: sum(values) / len(values) for part, values in parts.items() if values}
        rows.append({"variant": outcome.variant.name, "seed": outcome.config.seed, "value": loss, **means})
    return rows


def _measures_reported(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    return [
        "## Held-out pictures",
        to_markdown(rows),
        PROTOCOL,
        "The worst by structure SSIM:",
        "![failures](failures.png)",
    ]


def report(
    about: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    outcomes: Sequence[TrainedRun],
    drawn: Sequence[str],
    seeds: int,
) -> str:
    """The text of report.md. outcomes: of the first seed. drawn: files of CURVES."""
    variants = [
        {
            "variant": outcome.variant.name,
            "steps": outcome.config.schedule.steps,
            "batch": outcome.config.batch,
            "optimiser": type(outcome.config.optimizer).__name__,
            "rate": outcome.config.rates.rate,
            "crop": outcome.config.crop,
            "width": outcome.config.generator.width,
        }
        for outcome in outcomes
    ]
    counts = ", ".join(f"{count} of {kind}" for kind, count in about["pictures"].items())
    lines = [
        f"# {about['study']}",
        f"{about['source']}. {about['question']}",
        "![figure.png](figure.png)",
        *(f"![{file}]({file})" for file in drawn),
        *_measures_reported(about["measured"]),
        *(["## Seeds", explained(seeds, "seed"), to_markdown(about["compared"])] if about["compared"] else []),
        "Means over the steps of each run, of losses with their weights:",
        to_markdown(rows),
        "## Runs",
        to_markdown(variants),
        f"{about['machine']}, {about['precision']}; pictures: {counts}, of which {outcomes[0].config.held_out} each"
        " were held out; the figure shows the first of A. Every setting is in numbers.json.",
    ]
    return "\n\n".join(lines) + "\n"

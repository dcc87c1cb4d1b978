"""Numbers, each with everything that has to be known to measure it again; as JSON, CSV, LaTeX, Markdown and a table."""

import hashlib
import json
import math
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import DataError, reason_of
from impasto.metrics import larger_is_better
from impasto.report import tables
from impasto.report.folder import write_files

if TYPE_CHECKING:
    from rich.table import Table

FORMAT = "impasto evaluation 1"
FILES = ("evaluation.json", "evaluation.csv", "evaluation.tex", "evaluation.md")
COLUMNS = ("subject", "measure", "value", "better", "count", "protocol")
RIGHT = ("value", "count")


@dataclass(frozen=True, kw_only=True)
class Number:
    """subject: of what. measure: what was measured, with the network's name where it is not the standard one. spread:
    a standard deviation, and `spread_over` what it is over. count: pictures or pairs, or runs if it is a mean of runs.
    """

    subject: str
    measure: str
    value: float
    count: int
    spread: float | None = None
    spread_over: str = ""
    protocol: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Equal for numbers of equal protocols."""
        text = json.dumps(self.protocol, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def better(self) -> str:
        """'more' or 'less'."""
        return "more" if larger_is_better(self.measure) else "less"

    @property
    def shown(self) -> str:
        """'0.81', '18.4 ± 2.1'."""
        return f"{self.value:.4g}" if self.spread is None else f"{self.value:.4g} ± {self.spread:.2g}"


def software() -> dict[str, str]:
    """What every protocol names: versions decide numbers, too."""
    names = ("impasto", "torch", "numpy", "pillow", "pyvips")
    return {name: version(name) for name in names} | {"python": platform.python_version()}


def over_runs(runs: Sequence[Sequence[Number]]) -> list[Number]:
    """Means and sample standard deviations of the numbers that all runs have, by subject and measure."""
    by_key = [{(number.subject, number.measure): number for number in run} for run in runs]
    means = []
    for key, first in by_key[0].items():
        numbers = [run[key] for run in by_key if key in run]
        if len(numbers) < len(runs):
            continue
        values = [number.value for number in numbers]
        means.append(
            replace(
                first,
                subject=f"{first.subject}, mean of {len(runs)} runs",
                value=statistics.fmean(values),
                spread=statistics.stdev(values),
                spread_over="runs",
                count=len(runs),
                protocol={"runs": [dict(number.protocol) for number in numbers]},
            )
        )
    return means


def write(numbers: Sequence[Number], folder: Path) -> list[Path]:
    """evaluation.json, .csv, .tex and .md. Raises PictureError if it cannot be.

    The JSON has every protocol in full, by its fingerprint; an infinite value is the text 'inf', which JSON cannot say.
    """
    protocols = {number.fingerprint: number.protocol for number in numbers}
    about = {"format": FORMAT, "numbers": _with_every_digit(numbers), "protocols": protocols}
    as_json = json.dumps(about, indent=1, allow_nan=False) + "\n"
    texts = (as_json, to_csv(numbers), to_latex(numbers), to_markdown(numbers))
    return write_files(folder, dict(zip(FILES, texts, strict=True)))


def read(path: Path) -> list[Number]:
    """What an evaluation.json says. Raises DataError for anything else."""
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise KeyError("format")
        return [
            Number(
                subject=one["subject"], measure=one["measure"], value=float(one["value"]), count=one["count"],
                spread=one["spread"], spread_over=one["spread_over"], protocol=found["protocols"][one["protocol"]],
            )
            for one in found["numbers"]
        ]  # fmt: skip
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason_of(error)}") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: is no evaluation.json of `impasto evaluate`") from None


def to_csv(numbers: Sequence[Number]) -> str:
    """A line for every number."""
    rows = _with_every_digit(numbers)
    return tables.to_csv([{name.replace("_", " "): value for name, value in row.items()} for row in rows])


def to_markdown(numbers: Sequence[Number]) -> str:
    """A table, and below it the protocols in one line each."""
    table = tables.to_markdown([_row(number) for number in numbers], COLUMNS, RIGHT)
    notes = "\n".join(f"- `{mark}`: {text}" for mark, text in _protocols(numbers).items())
    return f"{table}\n\nA value's ± is over {_spreads(numbers)}. Protocols, in full in the JSON file:\n\n{notes}\n"


def to_latex(numbers: Sequence[Number]) -> str:
    """A table for booktabs, and the protocols as comments."""
    comments = [f"% {mark}: {text}" for mark, text in _protocols(numbers).items()]
    table = tables.to_latex([_row(number) for number in numbers], COLUMNS, "llrlrl")
    return "\n".join([f"% A value's deviation is over {_spreads(numbers)}.", *comments, table]) + "\n"


def to_table(numbers: Sequence[Number]) -> "Table":
    """For rich's console."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in RIGHT else "left", overflow="fold")
    for number in numbers:
        table.add_row(*_row(number).values())
    return table


def _with_every_digit(numbers: Sequence[Number]) -> list[dict[str, Any]]:
    return [
        {
            "subject": number.subject, "measure": number.measure,
            "value": number.value if math.isfinite(number.value) else str(number.value),
            "spread": number.spread, "spread_over": number.spread_over, "better": number.better,
            "count": number.count, "protocol": number.fingerprint,
        }
        for number in numbers
    ]  # fmt: skip


def _row(number: Number) -> dict[str, str]:
    cells = number.subject, number.measure, number.shown, number.better, str(number.count), number.fingerprint
    return dict(zip(COLUMNS, cells, strict=True))


def _spreads(numbers: Sequence[Number]) -> str:
    return " or ".join(dict.fromkeys(n.spread_over for n in numbers if n.spread_over)) or "nothing"


def _protocols(numbers: Sequence[Number]) -> dict[str, str]:
    """One line of each: names and short values; hashes by their beginnings."""
    return {
        number.fingerprint: "; ".join(f"{name} {_short(value)}" for name, value in number.protocol.items())
        for number in numbers
    }


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} {_short(one)}" for name, one in value.items()) + ")"
    if isinstance(value, list | tuple):
        return ", ".join(_short(one) for one in value)
    text = str(value)
    return text[:12] if len(text) == 64 and set(text) <= set("0123456789abcdef") else text

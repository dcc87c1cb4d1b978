"""Numbers as JSON, CSV, LaTeX, Markdown and a table in a terminal."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import DataError, reason_of
from impasto.evaluation.number import Number
from impasto.report import tables
from impasto.report.folder import write_files

if TYPE_CHECKING:
    from rich.table import Table

FORMAT = "impasto evaluation 1"
FILES = ("evaluation.json", "evaluation.csv", "evaluation.tex", "evaluation.md")
COLUMNS = ("subject", "measure", "value", "better", "count", "protocol")
RIGHT = ("value", "count")


def write(numbers: Sequence[Number], folder: Path) -> list[Path]:
    """evaluation.json, with every protocol in full, .csv, .tex and .md. Raises PictureError if it cannot be."""
    texts = (to_json(numbers), to_csv(numbers), to_latex(numbers), to_markdown(numbers))
    return write_files(folder, dict(zip(FILES, texts, strict=True)))


def read(path: Path) -> list[Number]:
    """What `to_json` wrote. Raises DataError for anything else."""
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


def to_json(numbers: Iterable[Number]) -> str:
    """Every number, and by its fingerprint its protocol. An infinite value is the text 'inf', which JSON cannot say."""
    listed = list(numbers)
    rows = [
        {
            "subject": number.subject, "measure": number.measure,
            "value": number.value if math.isfinite(number.value) else str(number.value),
            "spread": number.spread, "spread_over": number.spread_over, "better": number.better,
            "count": number.count, "protocol": number.fingerprint,
        }
        for number in listed
    ]  # fmt: skip
    protocols = {number.fingerprint: number.protocol for number in listed}
    return json.dumps({"format": FORMAT, "numbers": rows, "protocols": protocols}, indent=1, allow_nan=False) + "\n"


def to_csv(numbers: Iterable[Number]) -> str:
    """A line for every number."""
    columns = ("subject", "measure", "value", "spread", "spread over", "better", "count", "protocol")
    rows = [
        {**_row(number), "value": number.value, "spread": number.spread, "spread over": number.spread_over}
        for number in numbers
    ]
    return tables.to_csv(rows, columns)


def to_markdown(numbers: Iterable[Number]) -> str:
    """A table, and below it the protocols in one line each."""
    listed = list(numbers)
    table = tables.to_markdown([_row(number) for number in listed], COLUMNS, RIGHT)
    notes = "\n".join(f"- `{mark}`: {text}" for mark, text in _protocols(listed).items())
    return f"{table}\n\nA value's ± is over {_spreads(listed)}. Protocols, in full in the JSON file:\n\n{notes}\n"


def to_latex(numbers: Iterable[Number]) -> str:
    """A table for booktabs, and the protocols as comments."""
    listed = list(numbers)
    comments = [f"% {mark}: {text}" for mark, text in _protocols(listed).items()]
    table = tables.to_latex([_row(number) for number in listed], COLUMNS, "llrlrl")
    return "\n".join([f"% A value's deviation is over {_spreads(listed)}.", *comments, table]) + "\n"


def to_table(numbers: Iterable[Number]) -> "Table":
    """For rich's console."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in RIGHT else "left", overflow="fold")
    for number in numbers:
        table.add_row(*_row(number).values())
    return table


def _row(number: Number) -> dict[str, str]:
    cells = number.subject, number.measure, number.shown, number.better, str(number.count), number.fingerprint
    return dict(zip(COLUMNS, cells, strict=True))


def _spreads(numbers: Sequence[Number]) -> str:
    return " or ".join(dict.fromkeys(n.spread_over for n in numbers if n.spread_over)) or "nothing"


def _protocols(numbers: Sequence[Number]) -> dict[str, str]:
    return {number.fingerprint: _in_words(number.protocol) for number in numbers}


def _in_words(protocol: Mapping[str, Any]) -> str:
    """One line: names and short values; hashes by their beginnings."""
    return "; ".join(f"{name} {_short(value)}" for name, value in protocol.items())


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} {_short(one)}" for name, one in value.items()) + ")"
    if isinstance(value, list | tuple):
        return ", ".join(_short(one) for one in value)
    text = str(value)
    return text[:12] if len(text) == 64 and set(text) <= set("0123456789abcdef") else text

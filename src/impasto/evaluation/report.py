"""Numbers as JSON, CSV, LaTeX, Markdown and a table in a terminal."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import DataError, PictureError, reason_of
from impasto.evaluation.number import Number
from impasto.files import check_output, make_folder, replace_file

if TYPE_CHECKING:
    from rich.table import Table

FORMAT = "impasto evaluation 1"
SUFFIXES = ("json", "csv", "tex", "md")
COLUMNS = ("subject", "measure", "value", "better", "count", "protocol")


def check_report(folder: Path) -> None:
    """Raises PictureError, before all work, if `write` could not write into the folder. Leaves nothing."""
    for suffix in SUFFIXES:
        check_output(folder / f"evaluation.{suffix}", overwrite=True, makes_folder=True)


def write(numbers: Sequence[Number], folder: Path) -> list[Path]:
    """evaluation.json, with every protocol in full, .csv, .tex and .md. Raises PictureError if it cannot be."""
    texts = (to_json(numbers), to_csv(numbers), to_latex(numbers), to_markdown(numbers))
    paths = [folder / f"evaluation.{suffix}" for suffix in SUFFIXES]
    make_folder(folder)
    for path, text in zip(paths, texts, strict=True):
        try:
            replace_file(path, text)
        except OSError as error:
            raise PictureError(f"{path}: cannot be written: {reason_of(error)}") from None
    return paths


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
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["subject", "measure", "value", "spread", "spread over", "better", "count", "protocol"])
    for number in numbers:
        spread = "" if number.spread is None else number.spread
        row = [number.subject, number.measure, number.value, spread, number.spread_over]
        writer.writerow([*row, number.better, number.count, number.fingerprint])
    return stream.getvalue()


def to_markdown(numbers: Iterable[Number]) -> str:
    """A table, and below it the protocols in one line each."""
    listed = list(numbers)
    lines = [COLUMNS, tuple("---:" if name in ("value", "count") else "---" for name in COLUMNS)]
    lines += [_cells(number) for number in listed]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    notes = "\n".join(f"- `{mark}`: {text}" for mark, text in _protocols(listed).items())
    return f"{table}\n\nA value's ± is over {_spreads(listed)}. Protocols, in full in the JSON file:\n\n{notes}\n"


def to_latex(numbers: Iterable[Number]) -> str:
    """A table for booktabs, and the protocols as comments."""
    listed = list(numbers)
    lines = [
        "\\begin{tabular}{llrlrl}",
        "\\toprule",
        " & ".join(COLUMNS) + " \\\\",
        "\\midrule",
        *(" & ".join(_escaped(cell) for cell in _cells(number)) + " \\\\" for number in listed),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    comments = [f"% {mark}: {text}" for mark, text in _protocols(listed).items()]
    return "\n".join([f"% A value's deviation is over {_spreads(listed)}.", *comments, *lines]) + "\n"


def to_table(numbers: Iterable[Number]) -> "Table":
    """For rich's console."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in ("value", "count") else "left", overflow="fold")
    for number in numbers:
        table.add_row(*_cells(number))
    return table


def _cells(number: Number) -> tuple[str, ...]:
    value = number.shown
    return number.subject, number.measure, value, number.better, str(number.count), number.fingerprint


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


def _escaped(text: str) -> str:
    for sign, written in (("\\", "\\textbackslash{}"), ("_", "\\_"), ("%", "\\%"), ("&", "\\&"), ("#", "\\#")):
        text = text.replace(sign, written)
    return text.replace("±", "$\\pm$")

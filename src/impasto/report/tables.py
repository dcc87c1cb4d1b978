"""Tables of rows, {column: value}, as CSV, Markdown and LaTeX. A row need not have every column."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?( ± [\d.]+(e[+-]?\d+)?)?")
_LATEX = str.maketrans({
    "\\": "\\textbackslash{}", "_": "\\_", "%": "\\%", "&": "\\&", "#": "\\#", "±": "$\\pm$", "–": "--",
})  # fmt: skip


def to_csv(rows: Sequence[Row], columns: Sequence[str] = ()) -> str:
    """Numbers with every digit. columns: all that the rows have, if none are given."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = columns or columns_of(rows)
    writer.writerow([_no_formula(name) for name in names])
    writer.writerows([_no_formula(row.get(name, "")) for name in names] for row in rows)
    return stream.getvalue()


def to_markdown(rows: Sequence[Row], columns: Sequence[str] = (), right: Sequence[str] = ()) -> str:
    """Numbers with four digits. right: the columns that are aligned so."""
    names = columns or columns_of(rows)
    lines = [list(names), ["---:" if name in right else "---" for name in names]]
    lines += [[in_words(row.get(name, "")) for name in names] for row in rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def to_latex(rows: Sequence[Row], columns: Sequence[str], alignment: str, *, rules: bool = True) -> str:
    """A tabular. alignment: a letter for each column. rules: those of the package booktabs."""
    lines = [[in_words(row.get(name, "")) for name in columns] for row in rows]
    head, *body = (" & ".join(cell.translate(_LATEX) for cell in line) + " \\\\" for line in [list(columns), *lines])
    ruled = ["\\toprule", head, "\\midrule", *body, "\\bottomrule"] if rules else [head, *body]
    return "\n".join([f"\\begin{{tabular}}{{{alignment}}}", *ruled, "\\end{tabular}"])


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Every column of any row, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def plain(value: float, digits: int) -> str:
    """A number for people, rounded to significant digits and never with an exponent: 3.4, 57, 1,200 (two digits)."""
    return f"{float(f'{value:.{digits}g}'):,.15g}"


def in_words(value: Any) -> str:
    """A cell for people: four digits of a float."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _no_formula(cell: Any) -> Any:
    """A name of a file could begin as a formula does, which spreadsheets would compute."""
    is_formula = isinstance(cell, str) and cell.startswith(_FORMULA_SIGNS) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell

"""Tables 1 and 2 of paper 003, filled with the evaluations of one's own runs.

The published figures stand in columns of their own. The paper says neither which picture PSNR and SSIM compare a result
with, nor how FID was computed, nor of which checkpoint; so none of them may be read as if it were measured like ours.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import DataError, OptionError
from impasto.evaluation.numbers import Number, read
from impasto.report.folder import claim, write_files
from impasto.report.tables import to_csv, to_latex, to_markdown
from impasto.studies.study import ZHANG

STUDY = "paper-tables"
FILES = ("tables.md", "tables.csv", "tables.tex", "tables.json")
DIRECTIONS = ("A2B", "B2A")
CHECKPOINTS = ("last", "best")
MEASURES = (
    "structure PSNR", "structure SSIM", "cycle PSNR", "cycle SSIM", "FID", "FID-legacy", "KID", "FID-lite", "KID-lite",
)  # fmt: skip
NOT_RUN = "–"

# (PSNR, SSIM, FID) as printed: {table: {data set/method: figures}}.
PUBLISHED: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "Table 1: comparison with baselines": {
        "Horse2zebra/CycleGAN": (18.43, 0.75, 41.5),
        "Horse2zebra/MUNIT": (19.44, 0.79, 39.5),
        "Horse2zebra/AgGAN": (22.63, 0.81, 35.6),
        "Horse2zebra/Ours": (25.59, 0.93, 33.6),
        "Orange2apple/CycleGAN": (15.51, 0.54, 59.7),
        "Orange2apple/MUNIT": (17.26, 0.59, 54.1),
        "Orange2apple/AgGAN": (19.24, 0.61, 44.7),
        "Orange2apple/Ours": (21.52, 0.68, 38.4),
    },
    "Table 2: ablation study": {
        "Horse2zebra/GAN+Semantic loss": (22.34, 0.83, 39.6),
        "Horse2zebra/GAN+Attention": (22.46, 0.88, 36.4),
        "Horse2zebra/GAN+Semantic loss+Attention": (25.59, 0.93, 33.6),
        "Orange2apple/GAN+Semantic loss": (14.52, 0.55, 54.2),
        "Orange2apple/GAN+Attention": (17.76, 0.59, 43.6),
        "Orange2apple/GAN+Semantic loss+Attention": (21.52, 0.68, 38.4),
    },
}

ROWS = tuple(dict.fromkeys(row for rows in PUBLISHED.values() for row in rows))
"""Of both tables, as `--evaluated` takes them."""

# Test pictures of what is translated and of what it becomes, in the data sets that CycleGAN's authors publish. The
# second is their apple2orange, whose A are the 266 apples, so that the paper's direction is a run's B2A.
TEST_SETS: Mapping[str, tuple[int, int]] = {"Horse2zebra": (120, 140), "Orange2apple": (248, 266)}

# Rows that are of one method by their name.
METHODS: Mapping[str, str] = {
    "CycleGAN": "cyclegan", "MUNIT": "munit", "AgGAN": "aggan", "Ours": "semantic-gan",
    "GAN+Semantic loss": "semantic-gan", "GAN+Attention": "semantic-gan", "GAN+Semantic loss+Attention": "semantic-gan",
}  # fmt: skip

OTHERS = "Other data sets"

PROTOCOL = "protocol of FID or FID-lite"
COLUMNS = (
    "data set", "method", "direction", "checkpoint", *MEASURES, PROTOCOL,
    "published PSNR", "published SSIM", "published FID",
)  # fmt: skip

NOTE = (
    "Columns that begin with 'published' are the paper's figures as printed. It does not state what PSNR and SSIM"
    " compare, how FID was computed, or of which checkpoint: they are not measured like the other columns. Direction:"
    " which of a run's two goes the way that the data set's name says; of apple2orange, whose A are apples, B2A."
    " Structure: the translated picture and its original; cycle: there and back, through 8-bit PNG;"
    f" {NOT_RUN}: not run, or not measured."
)


def assemble(evaluated: Mapping[str, Path], folder: Path) -> list[Path]:
    """Write tables.md, tables.csv, tables.tex and tables.json into the folder. Returns their paths.

    evaluated: {'Horse2zebra/CycleGAN': evaluation.json of `impasto evaluate --run`}; a row of both tables is of either,
        and one of a data set that the paper has not makes a table of its own.
    Raises OptionError for a row that there cannot be, DataError for a file that is no evaluation of a run, or of other
    data or another method than its row says, PictureError.
    """
    for row in evaluated:
        _check_name(row)
    runs = {row: _of_run(row, path) for row, path in evaluated.items()}
    tables = {title: _rows(rows, runs) for title, rows in PUBLISHED.items()}
    if others := {row: None for row in evaluated if row not in ROWS}:
        tables[OTHERS] = _rows(others, runs)
    markdown, latex, of_all = [f"# {ZHANG}, Tables 1 and 2", NOTE], [f"% {NOTE}"], []
    for title, rows in tables.items():
        markdown += [f"## {title}", to_markdown(rows, COLUMNS)]
        latex += [f"% {title}", to_latex(rows, COLUMNS, "l" * len(COLUMNS), rules=False)]
        of_all += [{"table": title.partition(":")[0], **row} for row in rows]
    about = {
        "study": STUDY,
        "note": NOTE,
        "evaluated": {row: path.name for row, path in evaluated.items()},
        "tables": tables,
        "protocols": {number.fingerprint: number.protocol for run in runs.values() for number in run.numbers},
    }
    texts = (
        "\n\n".join(markdown) + "\n",
        to_csv(of_all, ("table", *COLUMNS)),
        "\n".join(latex) + "\n",
        json.dumps(about, indent=1) + "\n",
    )
    claim(folder, FILES, FILES[-1], ("study", STUDY), f"the study {STUDY}")
    return write_files(folder, dict(zip(FILES, texts, strict=True)))


@dataclass(frozen=True)
class _Run:
    """What one row is filled with. checkpoints: {checkpoint: {measure: number}}, means where there are several runs."""

    direction: str
    checkpoints: Mapping[str, Mapping[str, Number]]

    @property
    def numbers(self) -> list[Number]:
        return [number for measures in self.checkpoints.values() for number in measures.values()]

    @property
    def protocols(self) -> list[Mapping[str, Any]]:
        """Of every number of every single run."""
        return [one for number in self.numbers for one in number.protocol.get("runs", [number.protocol])]

    @property
    def counts(self) -> set[tuple[int, int]]:
        """(pictures translated, pictures of the other kind), as the distances between both sets know them."""
        sets = [protocol.get("sets", {}) for protocol in self.protocols]
        return {
            (one["found"]["count"], one["reference"]["count"]) for one in sets if {"found", "reference"} <= one.keys()
        }


NOTHING = _Run(NOT_RUN, {NOT_RUN: {}})


def _check_name(row: str) -> None:
    """Raises OptionError for a row that there cannot be."""
    data_set, slash, method = row.partition("/")
    is_published = data_set.lower() in {name.lower() for name in TEST_SETS}
    if not (data_set and slash and method) or (is_published and row not in ROWS):
        raise OptionError(f"no row '{row}' in the tables; there are {', '.join(ROWS)}, or DATA/METHOD of other data")


def _of_run(row: str, path: Path) -> _Run:
    """The numbers of the direction that the row is of. Raises DataError."""
    by_subject: dict[str, dict[str, Number]] = {}
    for number in read(path):
        by_subject.setdefault(number.subject, {})[number.measure] = number
    runs = [_Run(direction, _checkpoints(by_subject, direction)) for direction in DIRECTIONS]
    runs = [run for run in runs if run.checkpoints]
    if not runs:
        raise DataError(f"{path}: holds no numbers of the direction A2B, as `impasto evaluate --run` makes")
    data_set, _, method = row.partition("/")
    for made in (protocol.get("method") for run in runs for protocol in run.protocols):
        if method in METHODS and made not in (None, METHODS[method]):
            raise DataError(f"{path}: is of the method {made}, but the row {row} is of {METHODS[method]}")
    if data_set not in TEST_SETS:
        return runs[0]
    for run in runs:
        if run.counts == {TEST_SETS[data_set]}:
            return run
    seen = "; ".join(f"{a} and {b}" for a, b in sorted(runs[0].counts))
    expected = "{} and {}".format(*TEST_SETS[data_set])
    raise DataError(
        f"{path}: was measured on sets of {seen or 'unknown'} pictures, but those of {data_set} have {expected}; name"
        f" its own data set, as in mine/{method}"
    )


def _checkpoints(by_subject: Mapping[str, Mapping[str, Number]], direction: str) -> dict[str, Mapping[str, Number]]:
    """Of a direction; the means of several runs rather than those of one."""
    chosen = {}
    for checkpoint in CHECKPOINTS:
        alone = f"{direction} {checkpoint}"
        for subject, numbers in by_subject.items():
            if subject.startswith(f"{alone}, mean of ") or (subject == alone and checkpoint not in chosen):
                chosen[checkpoint] = numbers
    return chosen


def _rows(published: Mapping[str, tuple[float, float, float] | None], runs: Mapping[str, _Run]) -> list[dict[str, str]]:
    rows = []
    for row, figures in published.items():
        data_set, _, method = row.partition("/")
        psnr, ssim, fid = figures or (NOT_RUN,) * 3
        printed = {"published PSNR": str(psnr), "published SSIM": str(ssim), "published FID": str(fid)}
        run = runs.get(row, NOTHING)
        for checkpoint, numbers in run.checkpoints.items():
            judged = numbers.get("FID") or numbers.get("FID-lite")
            rows.append({
                "data set": data_set,
                "method": method,
                "direction": run.direction,
                "checkpoint": checkpoint,
                **{name: numbers[name].shown if name in numbers else NOT_RUN for name in MEASURES},
                PROTOCOL: judged.fingerprint if judged else NOT_RUN,
                **printed,
            })  # fmt: skip
    return rows

"""Tables 1 and 2 of paper 003, filled with the evaluations of one's own runs.

The published figures stand in columns of their own. The paper says neither which picture PSNR and SSIM compare a result
with, nor how FID was computed, nor of which checkpoint; so none of them may be read as if it were measured like ours.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from impasto.errors import DataError, OptionError
from impasto.evaluation.number import Number
from impasto.evaluation.report import read
from impasto.report.folder import claim, write_files
from impasto.report.tables import to_csv, to_latex, to_markdown
from impasto.studies.study import ZHANG

STUDY = "paper-tables"
FILES = ("tables.md", "tables.csv", "tables.tex", "tables.json")
DIRECTION = "A2B"
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

# Test pictures of each kind, in any order, of the data sets that CycleGAN's authors publish.
TEST_SETS: Mapping[str, frozenset[int]] = {"Horse2zebra": frozenset((120, 140)), "Orange2apple": frozenset((248, 266))}

# Rows that are of one method by their name.
METHODS: Mapping[str, str] = {
    "CycleGAN": "cyclegan", "MUNIT": "munit", "AgGAN": "aggan", "Ours": "semantic-gan",
    "GAN+Semantic loss": "semantic-gan", "GAN+Attention": "semantic-gan", "GAN+Semantic loss+Attention": "semantic-gan",
}  # fmt: skip

OTHERS = "Other data sets"

PROTOCOL = "protocol of FID or FID-lite"
COLUMNS = (
    "data set", "method", "checkpoint", *MEASURES, PROTOCOL,
    "published PSNR", "published SSIM", "published FID",
)  # fmt: skip

NOTE = (
    "Columns that begin with 'published' are the paper's figures as printed. It does not state what PSNR and SSIM"
    " compare, how FID was computed, or of which checkpoint: they are not measured like the other columns. Those are"
    f" of the direction {DIRECTION}; structure: the translated picture and its original; cycle: there and back, through"
    f" 8-bit PNG; {NOT_RUN}: not run, or not measured."
)


def assemble(evaluated: Mapping[str, Path], folder: Path) -> list[Path]:
    """Write tables.md, tables.csv, tables.tex and tables.json into the folder. Returns their paths.

    evaluated: {'Horse2zebra/CycleGAN': evaluation.json of `impasto evaluate --run`}; a row of both tables is of either,
        and one of a data set that the paper has not makes a table of its own.
    Raises OptionError for a row that there cannot be, DataError for a file that is no evaluation of a run, or of other
    data or another method than its row says, PictureError.
    """
    known = {row for rows in PUBLISHED.values() for row in rows}
    for row in evaluated:
        data_set, slash, method = row.partition("/")
        if not (data_set and slash and method) or (data_set in TEST_SETS and row not in known):
            raise OptionError(
                f"no row '{row}' in the tables; there are {', '.join(sorted(known))}, or DATA/METHOD of other data"
            )
    found = {row: _of_run(path) for row, path in evaluated.items()}
    for row, checkpoints in found.items():
        _check(row, evaluated[row], checkpoints)
    tables = {title: _rows(rows, found) for title, rows in PUBLISHED.items()}
    if others := {row: None for row in evaluated if row not in known}:
        tables[OTHERS] = _rows(others, found)
    of_both = [{"table": title.partition(":")[0], **row} for title, rows in tables.items() for row in rows]
    texts = (_markdown(tables), to_csv(of_both, ("table", *COLUMNS)), _latex(tables), _json(tables, evaluated, found))
    claim(folder, FILES, FILES[-1], ("study", STUDY), f"the study {STUDY}")
    return write_files(folder, dict(zip(FILES, texts, strict=True)))


def _of_run(path: Path) -> dict[str, dict[str, Number]]:
    """{checkpoint: {measure: number}}: means over runs where there are several."""
    by_subject: dict[str, dict[str, Number]] = {}
    for number in read(path):
        by_subject.setdefault(number.subject, {})[number.measure] = number
    found = {}
    for checkpoint in CHECKPOINTS:
        own = f"{DIRECTION} {checkpoint}"
        means = [subject for subject in by_subject if subject.startswith(f"{own}, mean of ")]
        if subject := next((one for one in (*means, own) if one in by_subject), None):
            found[checkpoint] = by_subject[subject]
    if not found:
        raise DataError(f"{path}: holds no numbers of the direction {DIRECTION}, as `impasto evaluate --run` makes")
    return found


def _check(row: str, path: Path, checkpoints: Mapping[str, Mapping[str, Number]]) -> None:
    """Raises DataError for numbers of other pictures, or of another method, than the row says."""
    data_set, _, method = row.partition("/")
    for number in (number for numbers in checkpoints.values() for number in numbers.values()):
        for protocol in number.protocol.get("runs", [number.protocol]):
            counts = {about["count"] for about in protocol.get("sets", {}).values()}
            if data_set in TEST_SETS and not (counts and counts <= TEST_SETS[data_set]):
                seen = " and ".join(map(str, sorted(counts))) or "unknown"
                expected = " and ".join(map(str, sorted(TEST_SETS[data_set])))
                raise DataError(
                    f"{path}: was measured on sets of {seen} pictures, but those of {data_set} have {expected}; name"
                    f" its own data set, as in mine/{method}"
                )
            made = protocol.get("method")
            if method in METHODS and made not in (None, METHODS[method]):
                raise DataError(f"{path}: is of the method {made}, but the row {row} is of {METHODS[method]}")


def _rows(
    published: Mapping[str, tuple[float, float, float] | None], found: Mapping[str, Mapping[str, Mapping[str, Number]]]
) -> list[dict[str, str]]:
    rows = []
    for row, figures in published.items():
        data_set, _, method = row.partition("/")
        printed = {
            f"published {name}": str(figure)
            for name, figure in zip(("PSNR", "SSIM", "FID"), figures or (NOT_RUN,) * 3, strict=True)
        }
        for checkpoint, numbers in (found.get(row) or {NOT_RUN: {}}).items():
            judged = numbers.get("FID") or numbers.get("FID-lite")
            cells = {name: numbers[name].shown if name in numbers else NOT_RUN for name in MEASURES}
            rows.append(
                {"data set": data_set, "method": method, "checkpoint": checkpoint}
                | cells
                | {PROTOCOL: judged.fingerprint if judged else NOT_RUN}
                | printed
            )
    return rows


def _markdown(tables: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    parts = [f"# {ZHANG}, Tables 1 and 2", NOTE]
    for title, rows in tables.items():
        parts += [f"## {title}", to_markdown(rows, COLUMNS)]
    return "\n\n".join(parts) + "\n"


def _latex(tables: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    parts = [f"% {NOTE}"]
    for title, rows in tables.items():
        parts += [f"% {title}", to_latex(rows, COLUMNS, "l" * len(COLUMNS), rules=False)]
    return "\n".join(parts) + "\n"


def _json(
    tables: Mapping[str, Sequence[Mapping[str, str]]],
    evaluated: Mapping[str, Path],
    found: Mapping[str, Mapping[str, Mapping[str, Number]]],
) -> str:
    """With the protocol of every number of ours."""
    protocols = {
        number.fingerprint: number.protocol
        for checkpoints in found.values()
        for numbers in checkpoints.values()
        for number in numbers.values()
    }
    about = {"study": STUDY, "note": NOTE, "evaluated": {row: path.name for row, path in evaluated.items()}}
    return json.dumps({**about, "tables": tables, "protocols": protocols}, indent=1) + "\n"

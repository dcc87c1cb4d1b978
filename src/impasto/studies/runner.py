"""Running a study: every variant of every pair, into a figure, numbers and a report."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto.device import machine
from impasto.errors import OptionError
from impasto.files import make_folder
from impasto.methods.gatys.options import GatysOptions
from impasto.report import variants
from impasto.report.curves import Curve, draw_panels
from impasto.report.folder import write_files
from impasto.report.sheets import png
from impasto.report.tables import in_words, to_csv, to_markdown
from impasto.studies.gatys import TERMS, TOTAL
from impasto.studies.report import claim
from impasto.studies.setup import Pictures, StudySettings, StudySetup
from impasto.studies.statistics import comparisons, explained
from impasto.studies.study import Cell, Study

# Small enough for all of a study within a minute of two cores.
QUICK: Mapping[str, Any] = {"size": 128, "steps": 12}

# Enough of both that a picture can be judged: a quarter of the pixels, a third of paper 001's steps.
TREND: Mapping[str, Any] = {"size": 256, "steps": 160}


def run(
    study: Study,
    name: str,
    contents: Pictures,
    styles: Pictures,
    folder: Path,
    settings: StudySettings,
    report: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Write figure.png, curves.png, numbers.csv, numbers.json, index.html of paintings, and report.md into `folder`.

    Returns the report.

    contents, styles: (name, picture); every content goes with every style. report: called with (done, all, what next).
    Raises OptionError before anything is painted, PictureError if the folder cannot be written or holds an outcome of
    other pictures or settings, and what painting raises.
    """
    setup = StudySetup(study.base, contents, styles, settings)
    if not setup.pairs:
        raise OptionError("content and style need at least one picture each")
    options = {variant.name: setup.options(variant) for variant in study.variants}
    if len(set(options.values())) < len(options):
        raise OptionError(f"{name} has nothing to compare: its variants are the same with these options")
    asked: dict[str, Any] = {
        "pictures": {kind: _digests(pictures) for kind, pictures in (("content", contents), ("style", styles))},
        "options": {variant: chosen.resolved().to_json() for variant, chosen in options.items()},
    }
    if settings.places:
        asked["places"] = {str(number): place for number, place in enumerate(settings.places, 1)}
    claim(folder, name, settings.inputs, asked=None if settings.overwrite else asked)
    make_folder(folder)
    began = time.monotonic()
    cells: dict[tuple[int, str], Cell] = {}
    total = len(setup.pairs) * len(study.variants)
    for pair in range(len(setup.pairs)):
        for variant in study.variants:
            if report:
                report(len(cells), total, variant.name)
            cells[pair, variant.name] = study.make(setup, pair, variant)
    drawn = _draw_curves(study, setup, cells, folder)
    rows: list[dict[str, Any]] = [
        {"content": setup.pairs[pair][0][0], "style": setup.pairs[pair][1][0], "variant": variant, **cell.numbers}
        for (pair, variant), cell in cells.items()
    ]
    about = {
        "study": name,
        "source": study.source,
        "question": study.question,
        "seconds": round(time.monotonic() - began, 1),
        "machine": machine(),
        "weights": setup.gatys.weights_hashes(next(iter(options.values()))),
        **asked,
    }
    pairs = _pairs(study, setup, cells)
    titles = [" ".join(filter(None, (v.name, column))) for v in study.variants for column in study.columns]
    files: dict[str, str | bytes] = {
        "figure.png": png(variants.sheet(pairs, titles, titles=False)),
        "numbers.json": json.dumps({**about, "rows": rows}, indent=1),
        "numbers.csv": to_csv(rows),
    }
    if len(study.columns) == 1:
        notes = [f"{study.source}. {study.question}", f"{machine()}."]
        files["index.html"] = variants.page(name, notes, [], pairs)
    # A pair decides how large its losses are, by several powers of ten.
    paired = comparisons(rows, "variant", ["content", "style"], _comparable(rows, options), ratios=True)
    said = ["## Pairs", explained(len(setup.pairs), "pair", ratios=True), to_markdown(paired)] if paired else []
    return write_files(folder, {**files, "report.md": _report(about, rows, options, drawn, said)})[-1]


def _comparable(rows: Sequence[Mapping[str, Any]], options: Mapping[str, GatysOptions]) -> list[str]:
    """The losses in the study's common measure; and their sum, unless the variants weigh them differently."""
    names = [name for name in dict.fromkeys(key for row in rows for key in row) if name.endswith(" loss")]
    weights = {tuple(own.chosen(f"{term}_weight") for term in TERMS) for own in options.values()}
    apart = ("weighted ", "own ") if len(weights) == 1 else ("weighted ", "own ", TOTAL)
    return [name for name in names if not name.startswith(apart)]


def _digests(pictures: Pictures) -> dict[str, str]:
    """{name: SHA-256 of the pixels}."""
    return {name: hashlib.sha256(picture.pixels.tobytes()).hexdigest() for name, picture in pictures}


def _pairs(study: Study, setup: StudySetup, cells: Mapping[tuple[int, str], Cell]) -> list[variants.PairRow]:
    """One for each row of pictures that a pair's cells have."""
    pairs = []
    for pair, (content, style) in enumerate(setup.pairs):
        of_pair = {variant.name: cells[pair, variant.name] for variant in study.variants}
        first = of_pair[study.variants[0].name]
        for number in range(len(first.pictures)):
            painted = {
                " ".join(filter(None, (name, column))): picture
                for name, cell in of_pair.items()
                for column, picture in zip(study.columns, cell.pictures[number], strict=True)
            }
            pairs.append(variants.PairRow(
                names=(content[0], style[0]), painted=painted, style=setup.shown(style[1]),
                content=first.contents[number] if first.contents else setup.shown(content[1]),
                numbers=[
                    {"variant": name, **{key: in_words(value) for key, value in cell.numbers.items()}}
                    for name, cell in of_pair.items()
                ],
            ))  # fmt: skip
    return pairs


def _draw_curves(study: Study, setup: StudySetup, cells: Mapping[tuple[int, str], Cell], folder: Path) -> list[str]:
    """Names of the files that were drawn."""
    by_step: dict[str, dict[str, Curve]] = {}
    by_time: dict[str, dict[str, Curve]] = {}
    for (pair, variant), cell in cells.items():
        content, style = (name for name, _ in setup.pairs[pair])
        for what, curve in cell.curves.items():
            title = f"{what} loss" if len(setup.pairs) == 1 else f"{content} x {style}: {what}"
            by_step.setdefault(title, {})[variant] = curve
            if study.by_time:
                by_time.setdefault(title, {})[variant] = {cell.clock[step]: value for step, value in curve.items()}
    drawn = []
    for panels, name, across in ((by_step, "curves.png", "step"), (by_time, "curves-time.png", "seconds")):
        if panels:
            draw_panels(folder / name, panels, across)
            drawn += [name] if (folder / name).exists() else []
    return drawn


def _report(
    about: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    options: Mapping[str, GatysOptions],
    drawn: Sequence[str],
    paired: Sequence[str],
) -> str:
    resolved = [chosen.resolved().to_json() for chosen in options.values()]
    common = {key: value for key, value in resolved[0].items() if all(other[key] == value for other in resolved)}
    defaults = GatysOptions().resolved().to_json()
    weights = ", ".join(f"{name} {digest[:12]}" for name, digest in about["weights"].items())
    lines = [
        f"# {about['study']}",
        f"{about['source']}. {about['question']}",
        *(f"![{name}]({name})" for name in ("figure.png", *drawn)),
        to_markdown(rows),
        *paired,
        "## Settings",
        f"{about['machine']}; {about['seconds']} s in all. Weights: {weights}. Every option of every variant is in"
        " numbers.json; of those that all variants share, these are not impasto's defaults:",
        to_markdown([{"option": key, "value": value} for key, value in common.items() if value != defaults[key]]),
    ]
    return "\n\n".join(lines) + "\n"

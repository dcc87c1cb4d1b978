"""Running a study of paintings: every variant of every pair, into a figure, numbers and a report."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto import image
from impasto.device import machine
from impasto.errors import OptionError
from impasto.files import make_folder
from impasto.methods.gatys.options import GatysOptions
from impasto.report import variants
from impasto.report.curves import Curve, draw_panels
from impasto.report.sheets import png
from impasto.report.tables import columns_of, in_words, to_markdown
from impasto.studies.gatys import TERMS, TOTAL, Cell, Study, StudySetup, Variant
from impasto.studies.statistics import comparisons, explained
from impasto.studies.study import claim, write

# Small enough for all of a study within a minute of two cores.
QUICK: Mapping[str, Any] = {"size": 128, "steps": 12}

# Enough of both that a picture can be judged: a quarter of the pixels, a third of paper 001's steps.
TREND: Mapping[str, Any] = {"size": 256, "steps": 160}

TIMED_STEPS = 2

Pictures = Sequence[tuple[str, image.Picture]]
Paintings = variants.Variants[image.Picture, Variant, Cell]


def seconds_of(study: Study, contents: Pictures, styles: Pictures, setup: StudySetup) -> float:
    """How long all variants of all pairs take on this machine, as if each took as long as the first variant's first
    steps."""
    short = replace(setup, choices={**setup.choices, "steps": TIMED_STEPS})
    steps: int = sum(setup.options(variant).chosen("steps") for variant in study.variants)
    pair = contents[0], styles[0]
    study.make(short, pair, study.variants[0])
    began = time.perf_counter()
    study.make(short, pair, study.variants[0])
    return (time.perf_counter() - began) / TIMED_STEPS * steps * len(contents) * len(styles)


def run(
    study: Study,
    name: str,
    contents: Pictures,
    styles: Pictures,
    folder: Path,
    setup: StudySetup,
    report: variants.Report = lambda *_: None,
) -> Path:
    """Write figure.png, curves.png, numbers.csv, numbers.json, index.html of paintings, and report.md into `folder`.

    Returns the report.

    Raises OptionError before anything is painted, PictureError if the folder cannot be written or holds an outcome of
    other pictures or settings, and what painting raises.
    """
    by_name = {variant.name: variant for variant in study.variants}
    paintings = Paintings(contents=contents, styles=styles, variants=by_name)
    options = {variant: setup.options(chosen) for variant, chosen in by_name.items()}
    if len(set(options.values())) < len(options):
        raise OptionError(f"{name} has nothing to compare: its variants are the same with these options")
    asked: dict[str, Any] = {
        "pictures": {"content": _digests(contents), "style": _digests(styles)},
        "options": {variant: chosen.resolved().to_json() for variant, chosen in options.items()},
    }
    if setup.places:
        asked["places"] = {str(number): place for number, place in enumerate(setup.places, 1)}
    claim(folder, name, setup.inputs, asked=None if setup.overwrite else asked)
    make_folder(folder)
    began = time.monotonic()
    paintings.fill(
        lambda variant, pairs: ((pair, study.make(setup, paintings.pairs[pair], variant)) for pair in pairs), report
    )
    about = {
        "study": name,
        "source": study.source,
        "question": study.question,
        "seconds": round(time.monotonic() - began, 1),
        "machine": machine(),
        "weights": setup.gatys.weights_hashes(next(iter(options.values()))),
        **asked,
    }
    numbers: list[dict[str, Any]] = [
        {"content": content, "style": style, "variant": variant, **cell.numbers}
        for ((content, _), (style, _)), cells in paintings.by_pair()
        for variant, cell in cells.items()
    ]
    rows = list(_rows(study, setup, paintings))
    titles = [_title(variant, column) for variant in by_name for column in study.columns]
    files: dict[str, str | bytes] = {"figure.png": png(variants.sheet(rows, titles, titles=False))}
    if len(study.columns) == 1:
        notes = [f"{study.source}. {study.question}", f"{machine()}."]
        files["index.html"] = variants.page(name, notes, [], rows)
    _draw_curves(paintings, folder, by_time=study.by_time)
    sections = [to_markdown(numbers), *_compared(numbers, options), *_settings(about, options)]
    return write(folder, about, numbers, sections, files)


def _digests(pictures: Pictures) -> dict[str, str]:
    """{name: SHA-256 of the pixels}."""
    return {name: hashlib.sha256(picture.pixels.tobytes()).hexdigest() for name, picture in pictures}


def _rows(study: Study, setup: StudySetup, paintings: Paintings) -> Iterator[variants.PairRow]:
    """One for each row of pictures that a pair's cells have."""
    for ((content_name, content), (style_name, style)), cells in paintings.by_pair():
        contents = next(iter(cells.values())).contents or [setup.shown(content)]
        numbers = [
            {"variant": name, **{key: in_words(value) for key, value in cell.numbers.items()}}
            for name, cell in cells.items()
        ]
        for row, shown in enumerate(contents):
            painted = {
                _title(name, column): picture
                for name, cell in cells.items()
                for column, picture in zip(study.columns, cell.pictures[row], strict=True)
            }
            yield variants.PairRow(
                names=(content_name, style_name), content=shown, style=setup.shown(style), painted=painted,
                numbers=numbers,
            )  # fmt: skip


def _title(variant: str, column: str) -> str:
    return f"{variant} {column}" if column else variant


def _draw_curves(paintings: Paintings, folder: Path, *, by_time: bool) -> None:
    over_steps: dict[str, dict[str, Curve]] = {}
    over_time: dict[str, dict[str, Curve]] = {}
    for ((content, _), (style, _)), cells in paintings.by_pair():
        for variant, cell in cells.items():
            for what, curve in cell.curves.items():
                title = f"{what} loss" if len(paintings.pairs) == 1 else f"{content} x {style}: {what}"
                over_steps.setdefault(title, {})[variant] = curve
                clocked = {cell.clock[step]: value for step, value in curve.items()}
                over_time.setdefault(title, {})[variant] = clocked
    if over_steps:
        draw_panels(folder / "curves.png", over_steps)
    if over_time and by_time:
        draw_panels(folder / "curves-time.png", over_time, "seconds")


def _settings(about: Mapping[str, Any], options: Mapping[str, GatysOptions]) -> list[str]:
    resolved = [chosen.resolved().to_json() for chosen in options.values()]
    common = {key: value for key, value in resolved[0].items() if all(other[key] == value for other in resolved)}
    defaults = GatysOptions().resolved().to_json()
    weights = ", ".join(f"{name} {digest[:12]}" for name, digest in about["weights"].items())
    return [
        "## Settings",
        f"{about['machine']}; {about['seconds']} s in all. Weights: {weights}. Every option of every variant is in"
        " numbers.json; of those that all variants share, these are not impasto's defaults:",
        to_markdown([{"option": key, "value": value} for key, value in common.items() if value != defaults[key]]),
    ]


def _compared(rows: Sequence[Mapping[str, Any]], options: Mapping[str, GatysOptions]) -> list[str]:
    """The losses in the study's common measure; and their sum, unless the variants weigh them differently."""
    weights = {tuple(own.chosen(f"{term}_weight") for term in TERMS) for own in options.values()}
    apart = ("weighted ", "own ") if len(weights) == 1 else ("weighted ", "own ", TOTAL)
    losses = [name for name in columns_of(rows) if name.endswith(" loss") and not name.startswith(apart)]
    # A pair decides how large its losses are, by several powers of ten.
    compared = comparisons(rows, ["content", "style"], losses, ratios=True)
    pairs = len(rows) // len(options)
    return ["## Pairs", explained(pairs, "pair", ratios=True), to_markdown(compared)] if compared else []

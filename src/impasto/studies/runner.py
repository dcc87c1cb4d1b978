"""Running a study: every variant of every pair, into a figure, numbers and a report."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from impasto import figures, image
from impasto.api import load
from impasto.errors import OptionError
from impasto.files import make_folder, replace_file
from impasto.methods import StylizeOptions
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.studies.report import as_csv, claim, machine, table
from impasto.studies.study import Cell, Study, Variant

# Small enough for all of a study within a minute of two cores.
QUICK: Mapping[str, Any] = {"size": 128, "steps": 12}

PAPER_SIZE = 512

Pictures = Sequence[tuple[str, image.Picture]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a study is run. choices: options that every variant gets, before its own. inputs: files that are read.
    overwrite: whether the outcome may replace one of other pictures or settings.
    """

    choices: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    weights: Path | None = None
    inputs: Sequence[Path] = ()
    overwrite: bool = False


class Workshop:
    """What cells are made with: the pairs, the options, and one method that is loaded once."""

    def __init__(self, study: Study, contents: Pictures, styles: Pictures, settings: Settings) -> None:
        self.study = study
        self.settings = settings
        self.pairs = [(content, style) for content in contents for style in styles]

    @cached_property
    def gatys(self) -> Gatys:
        method = load("gatys", device=self.settings.device, weights=self.settings.weights)
        assert isinstance(method, Gatys)
        return method

    def options(self, variant: Variant) -> GatysOptions:
        """Raises OptionError for what no method has."""
        chosen = {"size": PAPER_SIZE, **self.study.base, **self.settings.choices, **variant.choices}
        if chosen.get("encoder", GatysOptions.encoder) != "lite":
            # Another encoder's filters are as its file has them.
            chosen.pop("filters", None)
        options = StylizeOptions("gatys", **chosen)
        assert isinstance(options, GatysOptions)
        return options

    def shown(self, picture: image.Picture) -> Image.Image:
        """A picture as large as what is painted of it."""
        size = self.options(self.study.variants[0]).size
        return image.to_pil(
            image.Picture(image.resize(picture.pixels, *image.fit(picture.height, picture.width, size)))
        )


def run(
    study: Study,
    name: str,
    contents: Pictures,
    styles: Pictures,
    folder: Path,
    settings: Settings,
    report: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Write figure.png, curves.png, numbers.csv, numbers.json and report.md into `folder`; returns the report.

    contents, styles: (name, picture); every content goes with every style. report: called with (done, all, what next).
    Raises OptionError before anything is painted, PictureError if the folder cannot be written or holds an outcome of
    other pictures or settings, and what painting raises.
    """
    shop = Workshop(study, contents, styles, settings)
    if not shop.pairs:
        raise OptionError("content and style need at least one picture each")
    options = {variant.name: shop.options(variant) for variant in study.variants}
    if len(set(options.values())) < len(options):
        raise OptionError(f"{name} has nothing to compare: its variants are the same with these options")
    asked = {
        "pictures": {kind: _digests(some) for kind, some in (("content", contents), ("style", styles))},
        "options": {variant: chosen.resolved().to_json() for variant, chosen in options.items()},
    }
    claim(folder, name, settings.inputs, asked=None if settings.overwrite else asked)
    make_folder(folder)
    began = time.monotonic()
    cells: dict[tuple[int, str], Cell] = {}
    total = len(shop.pairs) * len(study.variants)
    for pair in range(len(shop.pairs)):
        for variant in study.variants:
            if report:
                report(len(cells), total, variant.name)
            cells[pair, variant.name] = study.make(shop, pair, variant)
    replace_file(folder / "figure.png", figures.png(_figure(shop, cells)))
    drawn = _draw_curves(shop, cells, folder)
    rows: list[dict[str, Any]] = [
        {"content": shop.pairs[pair][0][0], "style": shop.pairs[pair][1][0], "variant": variant, **cell.numbers}
        for (pair, variant), cell in cells.items()
    ]
    about = {
        "study": name,
        "source": study.source,
        "question": study.question,
        "seconds": round(time.monotonic() - began, 1),
        "machine": machine(),
        "weights": shop.gatys.weights_hashes(next(iter(options.values()))),
        **asked,
    }
    replace_file(folder / "numbers.json", json.dumps({**about, "rows": rows}, indent=1))
    replace_file(folder / "numbers.csv", as_csv(rows))
    target = folder / "report.md"
    replace_file(target, _report(about, rows, options, drawn))
    return target


def _digests(pictures: Pictures) -> dict[str, str]:
    """{name: SHA-256 of the pixels}."""
    return {name: hashlib.sha256(picture.pixels.tobytes()).hexdigest() for name, picture in pictures}


def _figure(shop: Workshop, cells: Mapping[tuple[int, str], Cell]) -> Image.Image:
    study = shop.study
    titles = [" ".join(filter(None, (v.name, column))) for v in study.variants for column in study.columns]
    rows = []
    for pair, (content, style) in enumerate(shop.pairs):
        made = [cells[pair, variant.name] for variant in study.variants]
        for number, first in enumerate(made[0].pictures):
            of_content = made[0].contents[number] if made[0].contents else shop.shown(content[1])
            parts = [picture for cell in made for picture in cell.pictures[number]]
            assert len(first) == len(study.columns)
            rows.append([of_content, shop.shown(style[1]), *parts])
    return figures.grid(rows, ["content", "style", *titles])


def _draw_curves(shop: Workshop, cells: Mapping[tuple[int, str], Cell], folder: Path) -> list[str]:
    """Names of the files that were drawn."""
    by_step: dict[str, dict[str, figures.Curve]] = {}
    by_time: dict[str, dict[str, figures.Curve]] = {}
    for (pair, variant), cell in cells.items():
        content, style = (name for name, _ in shop.pairs[pair])
        for what, curve in cell.curves.items():
            title = f"{what} loss" if len(shop.pairs) == 1 else f"{content} x {style}: {what}"
            by_step.setdefault(title, {})[variant] = curve
            if shop.study.by_time:
                by_time.setdefault(title, {})[variant] = {cell.clock[step]: value for step, value in curve.items()}
    drawn = []
    for panels, name, across in ((by_step, "curves.png", "step"), (by_time, "curves-time.png", "seconds")):
        if panels:
            figures.draw_panels(folder / name, panels, across)
            drawn += [name] if (folder / name).exists() else []
    return drawn


def _report(
    about: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    options: Mapping[str, GatysOptions],
    drawn: Sequence[str],
) -> str:
    resolved = [chosen.resolved().to_json() for chosen in options.values()]
    common = {key: value for key, value in resolved[0].items() if all(other[key] == value for other in resolved)}
    defaults = GatysOptions().resolved().to_json()
    weights = ", ".join(f"{name} {digest[:12]}" for name, digest in about["weights"].items())
    lines = [
        f"# {about['study']}",
        f"{about['source']}. {about['question']}",
        *(f"![{name}]({name})" for name in ("figure.png", *drawn)),
        table(rows),
        "## Settings",
        f"{about['machine']}; {about['seconds']} s in all. Weights: {weights}. Every option of every variant is in"
        " numbers.json; of those that all variants share, these are not impasto's defaults:",
        table([{"option": key, "value": value} for key, value in common.items() if value != defaults[key]]),
    ]
    return "\n\n".join(lines) + "\n"

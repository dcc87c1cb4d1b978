"""What a study of trainings makes of its runs: a figure, measures of pictures that none of them has seen, curves,
means, comparisons of seeds, and the report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor

from impasto import image, tensors
from impasto.api import load
from impasto.attention.photo import lit, mean_attention
from impasto.encoders import load_encoder, points
from impasto.files import replace_file
from impasto.metrics import frechet_distance, kernel_distance, psnr, ssim
from impasto.metrics.held_out import rounded
from impasto.report.curves import Curve, draw_panels
from impasto.report.sheets import grid, png
from impasto.report.tables import to_markdown
from impasto.studies.paper_tables import NOT_RUN, PUBLISHED
from impasto.studies.statistics import FEWEST, comparisons, explained
from impasto.studies.study import write
from impasto.studies.unpaired import Training
from impasto.translation import WAYS, LookingGenerator, Translator, method_of

MOST_ROWS = 4
"""Of the figure, and of the picture of failures."""
SMALLEST_CELL = 128
CURVES = ("curves.png", "held-out.png")
"""Of the losses that were learned from, as the papers have them, and of everything that was only watched."""

PROTOCOL = (
    "PSNR (dB) and SSIM: means over all held-out pictures of both kinds. Structure: of a translation and its input; a"
    " run that changes nothing has the best. Cycle: of what comes back, by way of 8 bits, and the input."
    f" FID-lite, KID-lite: {points.LAYER} of lite at {points.SIDE} pixels, translations against the held-out pictures"
    " of their target, mean of both directions; FID of so few pictures is much too large, and fit to be compared within"
    " this table only. Published: at 400,000 steps and 256 x 256, on other data; the paper does not say what PSNR and"
    " SSIM compare, nor how FID was computed. No other column is meant to equal them."
)

Rows = Sequence[Mapping[str, Any]]
HeldOut = Mapping[str, Sequence[Tensor]]
"""{kind: pictures (1, 3, H, W) in [0, 1]} that no training has seen."""


@dataclass(frozen=True)
class TrainedRun:
    """What one run of a variant left: its result, its config, and curves of everything that it logged."""

    variant: Training
    weights: Path
    config: Any
    curves: Mapping[str, Curve]

    def load(self, device: str) -> Translator:
        return cast(Translator, load(method_of(self.weights), device=device, weights=self.weights))

    def means(self) -> list[dict[str, Any]]:
        """Of every logged value over the first tenth, all, and the last tenth of the steps."""
        rows = []
        steps = self.config.schedule.steps
        for loss, curve in self.curves.items():
            parts = {
                "first tenth": [value for step, value in curve.items() if step <= 0.1 * steps],
                "all": list(curve.values()),
                "last tenth": [value for step, value in curve.items() if step > 0.9 * steps],
            }
            means = {part: sum(values) / len(values) for part, values in parts.items() if values}
            rows.append({"variant": self.variant.name, "seed": self.config.seed, "value": loss, **means})
        return rows


def write_report(
    folder: Path,
    about: Mapping[str, Any],
    runs: Sequence[TrainedRun],
    held_out: Mapping[int, HeldOut],
    worst_of: str,
    device: str,
) -> Path:
    """figure.png, curves.png, held-out.png, failures.png, numbers.json, numbers.csv and report.md; returns the report.

    about: facts for numbers.json. held_out: by seed, the first of which is drawn. worst_of: whose failures are
    drawn; if it is '', no run is measured.
    """
    first_seed = runs[0].config.seed
    first = [run for run in runs if run.config.seed == first_seed]
    shown = [tensors.to_picture(picture) for picture in held_out[first_seed]["A"][:MOST_ROWS]]
    replace_file(folder / "figure.png", png(_figure(first, shown, device)))
    measured: list[dict[str, Any]] = []
    for run in runs if worst_of else ():
        translated = translations(run.load(device), held_out[run.config.seed])
        measured.append({
            "variant": run.variant.name,
            "seed": run.config.seed,
            "steps": run.config.schedule.steps,
            "pictures": len(translated),
            **measures(translated),
            **published(run.variant.published),
        })  # fmt: skip
        if run.variant.name == worst_of and run in first:
            replace_file(folder / "failures.png", png(failures(translated, worst_of)))
    for file, panels in _panels(first).items():
        draw_panels(folder / file, panels, "percent of the steps")
    rows = [row for run in runs for row in run.means()]
    seeds = len(held_out)
    about = {
        **about,
        "measured": measured,
        "compared": _compared(measured, rows) if seeds >= FEWEST else [],
        "configs": {run.variant.name: asdict(run.config) for run in first},
    }
    return write(folder, about, rows, _sections(about, rows, first, seeds), {})


# --- pictures ---------------------------------------------------------------------------------------------------------


def _figure(runs: Sequence[TrainedRun], pictures: Sequence[image.Picture], device: str) -> Image.Image:
    """A row for each held-out picture of A: itself, what every variant makes of it, and where a non-local block
    looks most, which stays bright."""
    titles = ["photo"]
    columns = [[image.to_pil(picture) for picture in pictures]]
    for run in runs:
        method = run.load(device)
        options = method.options()
        columns.append([_drawn(method(tensors.to_tensor(picture), [], options)) for picture in pictures])
        titles.append(run.variant.name)
        if run.variant.attention:
            generator = cast(LookingGenerator, method.network(options)[0])
            seen = [tensors.to_tensor(picture) for picture in pictures]
            weights = [mean_attention(generator, pixels.to(method.device)).cpu() for pixels in seen]
            columns.append([lit(pixels, own, generator.cell) for pixels, own in zip(seen, weights, strict=True)])
            titles.append("attention")
    return grid([[_readable(cell) for cell in row] for row in zip(*columns, strict=True)], titles)


def _drawn(picture: Tensor) -> Image.Image:
    return image.to_pil(tensors.to_picture(picture))


def _readable(picture: Image.Image) -> Image.Image:
    """Small pictures enlarged by a whole number, so that titles fit above them."""
    factor = max(1, SMALLEST_CELL // max(picture.size))
    return picture.resize((factor * picture.width, factor * picture.height), Image.Resampling.NEAREST)


def _panels(runs: Sequence[TrainedRun]) -> dict[str, dict[str, dict[str, Curve]]]:
    """For each file that has any: a panel for each value, in it a curve for each variant over the share of its steps,
    in percent."""
    files: dict[str, dict[str, dict[str, Curve]]] = {}
    for run in runs:
        steps = run.config.schedule.steps
        for value, curve in run.curves.items():
            shares = {100 * step / steps: y for step, y in curve.items()}
            file = CURVES[value.startswith(("held out", "health/"))]
            files.setdefault(file, {}).setdefault(value, {})[run.variant.name] = shares
    return files


# --- measures of what no training has seen ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A picture of a kind, what it became, and what this became on the way back; (1, 3, H, W) in [0, 1]."""

    kind: str
    picture: Tensor
    painted: Tensor
    back: Tensor


def translations(method: Translator, held_out: HeldOut) -> list[Translation]:
    """Results are rounded to 8 bits before they go the way back, as if they had been saved: what a generator hides in
    less than that counts for nothing."""
    translated = []
    for kind, there, back in WAYS:
        ways = [method.options(direction=direction) for direction in (there, back)]
        for picture in held_out[kind]:
            painted = rounded(method(picture, [], ways[0]))
            again = rounded(method(painted, [], ways[1]))
            translated.append(Translation(kind=kind, picture=picture, painted=painted, back=again))
    return translated


def measures(translated: Sequence[Translation]) -> dict[str, float]:
    """Means of `similarities`, and `distances`."""
    return {**_means(map(similarities, translated)), **distances(translated)}


def similarities(translated: Translation) -> dict[str, float]:
    """The paper gives PSNR and SSIM "of the generated image" and does not say with what. Without pairs there are two:
    structure, with the input of the translation; and cycle, of what comes back with the input."""
    values = {}
    for what, other in (("structure", translated.painted), ("cycle", translated.back)):
        values[f"{what} PSNR"] = float(psnr(other, translated.picture))
        values[f"{what} SSIM"] = float(ssim(other, translated.picture))
    return values


@torch.inference_mode()
def distances(translated: Sequence[Translation]) -> dict[str, float]:
    """FID and KID by the features of `lite`, not of Inception: of what pictures of one kind became and the pictures of
    the other kind; mean of both directions."""
    encoder = load_encoder("lite")

    def seen(pictures: Iterable[Tensor]) -> Tensor:
        return torch.cat([points.points(encoder, picture) for picture in pictures])

    real = {kind: seen(one.picture for one in translated if one.kind == kind) for kind, _, _ in WAYS}
    painted = {kind: seen(one.painted for one in translated if one.kind == kind) for kind, _, _ in WAYS}
    pairs = [(painted["A"], real["B"]), (painted["B"], real["A"])]
    return _means({"FID-lite": frechet_distance(a, b), "KID-lite": kernel_distance(a, b)[0]} for a, b in pairs)


def _means(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    listed = list(rows)
    return {name: sum(row[name] for row in listed) / len(listed) for name in listed[0]}


def published(row: str) -> dict[str, str]:
    """What paper 003 has for PSNR, SSIM and FID of a row of its tables."""
    tables = {place: printed for rows in PUBLISHED.values() for place, printed in rows.items()}
    columns = {}
    for data_set in ("Horse2zebra", "Orange2apple"):
        printed = tables.get(f"{data_set}/{row}")
        text = "{:.2f}, {:.2f}, {:.1f}".format(*printed) if printed else NOT_RUN
        columns[f"published PSNR, SSIM, FID of {data_set}"] = text
    return columns


def failures(translated: Sequence[Translation], name: str) -> Image.Image:
    """The translations with the lowest structure SSIM, beside their inputs: chosen by the number, not by hand."""
    ranked = sorted(((similarities(one)["structure SSIM"], number) for number, one in enumerate(translated)))
    worst = [(value, translated[number]) for value, number in ranked[:MOST_ROWS]]
    rows = [[_readable(_drawn(pixels)) for pixels in (one.picture, one.painted)] for _, one in worst]
    return grid(rows, ["input", name], [f"{one.kind}: SSIM {value:.2f}" for value, one in worst])


# --- words ------------------------------------------------------------------------------------------------------------


def _compared(measured: Rows, rows: Rows) -> list[dict[str, str]]:
    """Of every measure of held-out pictures, or, where a study has none, of every value's mean over the last tenth."""
    if measured:
        names = [name for name, value in measured[0].items() if isinstance(value, float)]
        return comparisons(measured, ["seed"], names)
    by_run: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        run_row = by_run.setdefault((row["variant"], row["seed"]), {"variant": row["variant"], "seed": row["seed"]})
        run_row[row["value"]] = row.get("last tenth")
    return comparisons(list(by_run.values()), ["seed"], list(dict.fromkeys(row["value"] for row in rows)))


def _sections(about: Mapping[str, Any], rows: Rows, runs: Sequence[TrainedRun], seeds: int) -> list[str]:
    """Of the report. runs: of the first seed."""
    sections = []
    if about["measured"]:
        sections += ["## Held-out pictures", to_markdown(about["measured"]), PROTOCOL]
        sections += ["The worst by structure SSIM:", "![failures](failures.png)"]
    if about["compared"]:
        sections += ["## Seeds", explained(seeds, "seed"), to_markdown(about["compared"])]
    variants = [
        {
            "variant": run.variant.name,
            "steps": run.config.schedule.steps,
            "batch": run.config.batch,
            "optimiser": type(run.config.optimizer).__name__,
            "rate": run.config.rates.rate,
            "crop": run.config.crop,
            "width": run.config.generator.width,
        }
        for run in runs
    ]
    counts = ", ".join(f"{count} of {kind}" for kind, count in about["pictures"].items())
    return [
        *sections,
        "Means over the steps of each run, of losses with their weights:",
        to_markdown(rows),
        "## Runs",
        to_markdown(variants),
        f"{about['machine']}, {about['precision']}; pictures: {counts}, of which {runs[0].config.held_out} each"
        " were held out; the figure shows the first of A. Every setting is in numbers.json.",
    ]

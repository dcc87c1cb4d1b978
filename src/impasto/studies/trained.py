"""Running a study of trainings: every variant a run in the study's folder, then a figure, curves, numbers, a report."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from PIL import Image
from torch import Tensor

from impasto import image, tensors
from impasto.api import load
from impasto.attention.photo import lit, mean_attention
from impasto.data.folders import list_pictures
from impasto.device import choose_device, machine, precision
from impasto.errors import OptionError, from_extra
from impasto.files import make_folder, replace_file
from impasto.progress import ignore
from impasto.recipes import load_recipe
from impasto.report.curves import draw_panels
from impasto.report.folder import write_files
from impasto.report.sheets import grid, png
from impasto.report.tables import to_csv
from impasto.studies import trained_report
from impasto.studies.measured import failures, measures, published, translations
from impasto.studies.report import claim
from impasto.studies.study import Training, TrainingStudy
from impasto.studies.trained_report import TrainedRun
from impasto.translation import LookingGenerator, Translator, method_of

if TYPE_CHECKING:
    from accelerate import Accelerator

Data = Mapping[str, Sequence[Path]]

RUNS = "runs"
MOST_ROWS = 4
"""Of the figure."""
SMALLEST_CELL = 128
QUICK_STEPS, QUICK_SIZE, QUICK_WIDTH = 2, 32, 2
PUBLISHED_SHORTER = 286 / 256
"""Of the shorter side of a picture, over the side of the crop that is cut from it: 286 pixels for 256."""
HELD_OUT = 16
"""Pictures of each kind that are measured, where there are twice as many: of fewer, a distance of sets says nothing."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much is trained.

    steps: of the run with the largest batch; the others see as many pictures. None for the study's own, or the
    recipe's, which are those of its epochs or, of a slim one, a number. size: pixels of a crop; None for the recipe's
    own. slim: small networks on a quarter of the pixels, where there are such recipes. quick: networks, crops and
    steps that only show that it works. trend: slim, with the study's own steps and size for it. seeds: so many runs of
    each variant, from `seed` on.
    """

    steps: int | None = None
    size: int | None = None
    seed: int = 0
    slim: bool = False
    quick: bool = False
    trend: bool = False
    seeds: int = 1
    device: str = "auto"
    precision: str = "auto"

    def of(self, study: TrainingStudy) -> "Budget":
        """With what `trend` stands for. Raises OptionError for what no study can be run with."""
        if self.seeds < 1:
            raise OptionError(f"--seeds is {self.seeds}, but must be 1 or more")
        if not self.trend:
            return self
        steps, size = self.steps or study.trend["steps"], self.size or study.trend["size"]
        return replace(self, trend=False, slim=True, steps=steps, size=size)


def run(
    study: TrainingStudy,
    name: str,
    data: Data,
    folder: Path,
    budget: Budget,
    report: Callable[[int, int, str], None] | None = None,
    stopping: Callable[[], None] = ignore,
) -> Path:
    """Train what is not trained yet, into folders of their own below `folder`/runs, and write figure.png, curves.png,
    held-out.png, numbers.csv, numbers.json and report.md; returns the report.

    data: folders and shards of pictures of the kinds 'A' and 'B'. report: called with (steps done, all, what it
    does). stopping: when a signal asks for the end.
    Runs that were stopped go on where they were; with other settings they are refused (CheckpointError).
    Raises KeyboardInterrupt after saving, DataError, OptionError, PictureError if the folder cannot be written.
    """
    budget = budget.of(study)
    wanted = runs_of(study, data, budget)
    claim(folder, name)
    make_folder(folder)
    how = accelerator_of(budget)
    total, before = sum(config.schedule.steps for _, config in wanted), 0
    outcomes: list[TrainedRun] = []
    for variant, config in wanted:
        place = variant.name if config.seed == budget.seed else f"{variant.name}, seed {config.seed}"
        counted = _counted(report, before, total, place)
        outcomes.append(_trained(variant, config, data, folder / RUNS / place, how, counted, stopping))
        before += config.schedule.steps
    first = [outcome for outcome in outcomes if outcome.config.seed == budget.seed]
    held_out = {seed: _held_out(replace(first[0].config, seed=seed), data) for seed in _seeds(budget)}
    shown = [tensors.to_picture(picture) for picture in held_out[budget.seed]["A"][:MOST_ROWS]]
    replace_file(folder / "figure.png", png(_figure(first, shown, budget)))
    measured = _measured(study, outcomes, held_out, budget, folder) if study.worst_of else []
    rows = [row for outcome in outcomes for row in trained_report.numbers(outcome)]
    for file, panels in trained_report.panels(first).items():
        draw_panels(folder / file, panels, "percent of the steps")
    about = {
        "study": name,
        "source": study.source,
        "question": study.question,
        "machine": machine(),
        "precision": how[1],
        "pictures": {kind: len(list_pictures(folders, shards=True)) for kind, folders in data.items()},
        "measured": measured,
        "compared": trained_report.compared(measured, rows, budget.seeds),
        "configs": {outcome.variant.name: asdict(outcome.config) for outcome in first},
    }
    drawn = [file for file in trained_report.CURVES if (folder / file).exists()]
    files = {
        "numbers.json": json.dumps({**about, "rows": rows}, indent=1),
        "numbers.csv": to_csv(rows),
        "report.md": trained_report.report(about, rows, first, drawn, budget.seeds),
    }
    return write_files(folder, files)[-1]


# --- the runs --------------------------------------------------------------------------------------------------------


def runs_of(study: TrainingStudy, data: Data, budget: Budget) -> list[tuple[Training, Any]]:
    """The variants of every seed, each with its config: all of one seed, then all of the next."""
    runs = []
    for seed in _seeds(budget):
        runs += list(zip(study.variants, _configs(study, data, replace(budget, seed=seed)), strict=True))
    return runs


def _seeds(budget: Budget) -> range:
    return range(budget.seed, budget.seed + budget.seeds)


def _configs(study: TrainingStudy, data: Data, budget: Budget) -> list[Any]:
    wanted = QUICK_STEPS if budget.quick and budget.steps is None else budget.steps
    if wanted is not None and wanted < 1:
        raise OptionError(f"--steps is {wanted}, but must be 1 or more")
    configs = [_config(variant, budget) for variant in study.variants]
    if study.full and not (budget.slim or budget.quick):
        configs = [replace(config, batch=study.full["batch"]) for config in configs]
        wanted = study.full["steps"] if wanted is None else wanted
    if not budget.quick and min(len(list_pictures(folders, shards=True)) for folders in data.values()) >= 2 * HELD_OUT:
        configs = [replace(config, held_out=HELD_OUT) for config in configs]
    largest = max(config.batch for config in configs)
    settled = []
    for config in configs:
        full = config.settled(data)
        steps = full.schedule.steps if wanted is None else wanted * largest // config.batch
        settled.append(replace(full, schedule=_looking_up(full.schedule, steps)))
    return settled


def _looking_up(schedule: Any, steps: int) -> Any:
    """A schedule of so many steps, with enough points for curves and little to lose."""
    # Ten times; of a short run less often, or measuring would take longer than learning.
    times = 10 if steps >= 500 else 3
    every = max(1, steps // times)
    return replace(
        schedule, steps=steps, log_every=max(1, steps // 200), preview_every=every, validate_every=every,
        save_every=min(schedule.save_every, every),
    )  # fmt: skip


def _config(variant: Training, budget: Budget) -> Any:
    """Raises ImpastoError without the extra that training needs."""
    with from_extra("train", "training"):
        config: Any = load_recipe(variant.slim if budget.slim else variant.recipe)
    config = replace(config, seed=budget.seed, **variant.changes)
    config = replace(config, generator=replace(config.generator, **variant.generator))
    if budget.quick:
        config = replace(config, generator=replace(config.generator, width=QUICK_WIDTH), held_out=2)
        if hasattr(config, "discriminator"):
            config = replace(config, discriminator=replace(config.discriminator, width=QUICK_WIDTH))
    size = budget.size
    if budget.quick and size is None:
        size = max(QUICK_SIZE, getattr(getattr(config, "discriminator", None), "minimum", 0))
    if size is None:
        return config
    if size < 1:
        raise OptionError(f"--size is {size}, but must be 1 or more")
    return replace(config, crop=size, shorter=round(size * PUBLISHED_SHORTER))


def accelerator_of(budget: Budget) -> tuple["Accelerator", str]:
    """With the precision that it computes in: fp32 or bf16."""
    from accelerate import Accelerator

    device = torch.device(str(choose_device(budget.device)))
    chosen = "bf16" if precision(budget.precision, device) == torch.bfloat16 else "fp32"
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if chosen == "bf16" else "no"), chosen


def _trained(
    variant: Training,
    config: Any,
    data: Data,
    folder: Path,
    how: tuple["Accelerator", str],
    report: Callable[..., None],
    stopping: Callable[[], None],
) -> TrainedRun:
    from impasto.training.checkpoint import check_run, prepare_run
    from impasto.training.figures import read_curves
    from impasto.training.loop import fit

    accelerator, chosen = how
    facts = {"study": variant.name, **asdict(config), "precision": chosen, "pictures": _fingerprint(data)}
    resume = (folder / "config.json").exists()
    check_run(folder, facts, resume=resume)
    trainable = config.build(accelerator, data)
    prepare_run(folder, facts, resume=resume)
    fit(trainable, config.schedule, folder, accelerator, resume=resume, report=report, stopping=stopping)
    return TrainedRun(variant, folder / "generators.safetensors", config, read_curves(folder / "tensorboard"))


def _fingerprint(data: Data) -> dict[str, str]:
    """Of the names of all pictures of each kind; where they lie may change."""
    names = {kind: [path.name for path in list_pictures(folders, shards=True)] for kind, folders in data.items()}
    return {kind: hashlib.sha256(os.fsencode("\n".join(listed))).hexdigest() for kind, listed in names.items()}


def _counted(report: Callable[[int, int, str], None] | None, before: int, total: int, name: str) -> Callable[..., None]:
    """What `fit` is given: it counts the steps of one run."""

    def count(step: int, *_: object) -> None:
        if report:
            report(before + step, total, name)

    return count


# --- what is made of them --------------------------------------------------------------------------------------------


def _held_out(config: Any, data: Data) -> dict[str, list[Tensor]]:
    """{kind: pictures that no variant has seen}: the same for all, because the seed chooses them."""
    _, held_out = config.domains(data, config.seed)
    streams = {kind: getattr(held_out, kind) for kind in config.kinds}
    return {
        kind: [stream[index][None].float() / 255 for index in range(len(stream.pictures))]
        for kind, stream in streams.items()
    }


def _measured(
    study: TrainingStudy, outcomes: Sequence[TrainedRun], held_out: Mapping[int, Mapping[str, Sequence[Tensor]]],
    budget: Budget, folder: Path,
) -> list[dict[str, Any]]:  # fmt: skip
    """A row for each run; draws failures.png of the first seed. held_out: by seed."""
    rows = []
    for outcome in outcomes:
        variant, seed = outcome.variant, outcome.config.seed
        translated = translations(_loaded(outcome, budget), held_out[seed])
        about = {
            "variant": variant.name,
            "seed": seed,
            "steps": outcome.config.schedule.steps,
            "pictures": len(translated),
        }
        rows.append({**about, **measures(translated), **published(variant.published)})
        if variant.name == study.worst_of and seed == budget.seed:
            replace_file(folder / "failures.png", png(failures(translated, variant.name, _readable)))
    return rows


def _figure(outcomes: Sequence[TrainedRun], pictures: Sequence[image.Picture], budget: Budget) -> Image.Image:
    """A row for each held-out picture of A: itself, what every variant makes of it, and what a non-local block sees."""
    titles = ["photo"]
    columns = [[image.to_pil(picture) for picture in pictures]]
    for outcome in outcomes:
        method = _loaded(outcome, budget)
        options = method.options()
        painted = [method(tensors.to_tensor(picture), [], options) for picture in pictures]
        columns.append([image.to_pil(tensors.to_picture(one)) for one in painted])
        titles.append(outcome.variant.name)
        if outcome.variant.attention:
            generator = cast(LookingGenerator, method.network(options)[0])
            seen = [tensors.to_tensor(picture).to(method.device) for picture in pictures]
            columns.append([_attention(generator, one) for one in seen])
            titles.append("attention")
    return grid([[_readable(cell) for cell in row] for row in zip(*columns, strict=True)], titles)


def _readable(picture: Image.Image) -> Image.Image:
    """Small pictures enlarged by a whole number, so that titles fit above them."""
    factor = max(1, SMALLEST_CELL // max(picture.size))
    return picture.resize((factor * picture.width, factor * picture.height), Image.Resampling.NEAREST)


def _loaded(outcome: TrainedRun, budget: Budget) -> Translator:
    return cast(Translator, load(method_of(outcome.weights), device=budget.device, weights=outcome.weights))


def _attention(generator: LookingGenerator, pixels: Tensor) -> Image.Image:
    """The photo, bright where its places look most."""
    return lit(pixels.cpu(), mean_attention(generator, pixels).cpu(), generator.cell)

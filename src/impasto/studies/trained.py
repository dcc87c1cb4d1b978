"""Running a study of trainings: every variant a run in the study's folder, and then what is made of all of them."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from impasto.data.domains import KINDS, DomainCrops
from impasto.data.folders import list_pictures
from impasto.device import choose_device, machine, precision
from impasto.errors import OptionError, from_extra
from impasto.files import make_folder
from impasto.progress import ignore
from impasto.recipes import load_recipe
from impasto.report.folder import write_files
from impasto.report.sheets import grid, png
from impasto.report.variants import Report
from impasto.studies.study import claim
from impasto.studies.trained_report import TrainedRun, write_report
from impasto.studies.unpaired import Training, TrainingStudy

if TYPE_CHECKING:
    from accelerate import Accelerator

Data = Mapping[str, Sequence[Path]]

RUNS = "runs"
PRECISIONS = {"no": "fp32", "bf16": "bf16"}
"""What accelerate's are called here."""
TIMED_STEPS = 2
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
        """With what `trend` and `quick` stand for. Raises OptionError for what no study can be run with."""
        steps, size = self.steps, self.size
        if self.trend:
            steps, size = steps or study.trend["steps"], size or study.trend["size"]
        if self.quick and steps is None:
            steps = QUICK_STEPS
        for flag, value in (("seeds", self.seeds), ("steps", steps), ("size", size)):
            if value is not None and value < 1:
                raise OptionError(f"--{flag} is {value}, but must be 1 or more")
        return replace(self, trend=False, slim=self.slim or self.trend, steps=steps, size=size)


def seconds_of(study: TrainingStudy, data: Data, folder: Path, budget: Budget) -> float:
    """How long all that `folder` does not hold yet takes on this machine, without the measuring at the end. Trains
    nothing that is kept."""
    budget = budget.of(study)
    if (folder / RUNS).exists():
        # What is left of runs that were begun, only they know.
        return 0.0
    total = 0.0
    for _, config in runs_of(study, data, replace(budget, seeds=1)):
        training = config.build(_accelerator(budget), data)
        batches = training.batches(0)
        training.step(next(batches), 0)  # without what only the first one takes
        began = time.perf_counter()
        for step in range(1, 1 + TIMED_STEPS):
            training.step(next(batches), step)
        total += (time.perf_counter() - began) / TIMED_STEPS * config.schedule.steps
    return total * budget.seeds


def run(
    study: TrainingStudy,
    name: str,
    data: Data,
    folder: Path,
    budget: Budget,
    report: Report = lambda *_: None,
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
    # The extra `train` is there by now.
    from impasto.training.loop import fit
    from impasto.training.runs import check_run, losses_of, prepare_run

    claim(folder, name)
    make_folder(folder)
    accelerator = _accelerator(budget)
    shared = {"precision": PRECISIONS[accelerator.mixed_precision], "pictures": _fingerprint(data)}
    total, done = sum(config.schedule.steps for _, config in wanted), 0
    runs: list[TrainedRun] = []
    for variant, config in wanted:
        place = folder / RUNS / (variant.name if config.seed == budget.seed else f"{variant.name}, seed {config.seed}")
        resume = (place / "config.json").exists()
        settings = {"study": variant.name, **asdict(config), **shared}
        check_run(place, settings, resume=resume)
        trainable = config.build(accelerator, data)
        # What cannot be built leaves no run behind.
        prepare_run(place, settings)
        count = partial(_count, report, done, total, place.name)
        fit(trainable, config.schedule, place, accelerator, resume=resume, report=count, stopping=stopping)
        runs.append(TrainedRun(variant, place / "generators.safetensors", config, losses_of(place)))
        done += config.schedule.steps
    held_out = {seed: _held_out(replace(wanted[0][1], seed=seed), data) for seed in _seeds(budget)}
    about = {
        "study": name,
        "source": study.source,
        "question": study.question,
        "machine": machine(),
        "precision": shared["precision"],
        "pictures": {kind: len(list_pictures(folders, shards=True)) for kind, folders in data.items()},
    }
    return write_report(folder, about, runs, held_out, study.worst_of, budget.device)


def runs_of(study: TrainingStudy, data: Data, budget: Budget) -> list[tuple[Training, Any]]:
    """The variants of every seed, each with its config: all of one seed, then all of the next."""
    return [
        (variant, config)
        for seed in _seeds(budget)
        for variant, config in zip(study.variants, _configs(study, data, replace(budget, seed=seed)), strict=True)
    ]


def _seeds(budget: Budget) -> range:
    return range(budget.seed, budget.seed + budget.seeds)


def _configs(study: TrainingStudy, data: Data, budget: Budget) -> list[Any]:
    wanted = budget.steps
    configs = [_config(variant, budget) for variant in study.variants]
    if study.full and not (budget.slim or budget.quick):
        configs = [replace(config, batch=study.full["batch"]) for config in configs]
        wanted = wanted or study.full["steps"]
    if not budget.quick and min(len(list_pictures(folders, shards=True)) for folders in data.values()) >= 2 * HELD_OUT:
        configs = [replace(config, held_out=HELD_OUT) for config in configs]
    largest = max(config.batch for config in configs)
    settled = []
    for config in configs:
        full = config.settled(data)
        steps = full.schedule.steps if wanted is None else wanted * largest // config.batch
        settled.append(replace(full, schedule=_looking_up(full.schedule, steps)))
    return settled


def _config(variant: Training, budget: Budget) -> Any:
    """Raises ImpastoError without the extra that training needs."""
    with from_extra("train", "training"):
        config: Any = load_recipe(variant.slim if budget.slim else variant.recipe)
    width = {"width": QUICK_WIDTH} if budget.quick else {}
    generator = replace(config.generator, **{**variant.generator, **width})
    config = replace(config, seed=budget.seed, generator=generator, **variant.changes)
    size = budget.size
    if budget.quick:
        config = replace(config, held_out=2)
        if hasattr(config, "discriminator"):
            config = replace(config, discriminator=replace(config.discriminator, **width))
        size = size or max(QUICK_SIZE, getattr(getattr(config, "discriminator", None), "minimum", 0))
    return config if size is None else replace(config, crop=size, shorter=round(size * PUBLISHED_SHORTER))


def _looking_up(schedule: Any, steps: int) -> Any:
    """A schedule of so many steps, with enough points for curves and little to lose."""
    # Ten times; of a short run less often, or measuring would take longer than learning.
    times = 10 if steps >= 500 else 3
    every = max(1, steps // times)
    return replace(
        schedule, steps=steps, log_every=max(1, steps // 200), preview_every=every, validate_every=every,
        save_every=min(schedule.save_every, every),
    )  # fmt: skip


def _accelerator(budget: Budget) -> "Accelerator":
    from accelerate import Accelerator

    device = torch.device(str(choose_device(budget.device)))
    mixed = "bf16" if precision(budget.precision, device) == torch.bfloat16 else "no"
    return Accelerator(cpu=device.type == "cpu", mixed_precision=mixed)


def _count(report: Report, before: int, total: int, name: str, step: int, *_: object) -> None:
    """What `fit` is given: it counts the steps of one run."""
    report(before + step, total, name)


def _fingerprint(data: Data) -> dict[str, str]:
    """Of the names of all pictures of each kind; where they lie may change."""
    names = {kind: [path.name for path in list_pictures(folders, shards=True)] for kind, folders in data.items()}
    return {kind: hashlib.sha256(os.fsencode("\n".join(listed))).hexdigest() for kind, listed in names.items()}


def _held_out(config: Any, data: Data) -> dict[str, list[Tensor]]:
    """{kind: pictures that no variant has seen}: the same for all, because the seed chooses them."""
    _, held_out = config.domains(data, config.seed)
    return {
        kind: [stream[index][None].float() / 255 for index in range(len(stream.pictures))]
        for kind, stream in held_out.items()
    }


# --- what a training sees (paper 000, Figure 1): the very crops that a run begins with --------------------------------


SEEN = "training-pictures"
SEEN_CROPS = 6
"""Of each kind."""


def show_pictures(data: Data, folder: Path, *, size: int | None = None, seed: int = 0) -> Path:
    """Write figure.png, numbers.json and report.md; returns the report.

    data: folders of pictures of the kinds 'A' and 'B'. size: of the crops; 256 from pictures of 286 as in the paper, or
    in that ratio. seed: of the run. Raises DataError, PictureError.
    """
    crops = DomainCrops() if size is None else DomainCrops(crop=size, shorter=round(size * PUBLISHED_SHORTER))
    streams, _ = crops.domains(data, seed)
    counts = {kind: len(list_pictures(data[kind], shards=True)) for kind in KINDS}
    claim(folder, SEEN)
    rows = [
        [Image.fromarray(streams[kind][index].permute(1, 2, 0).numpy()) for index in range(SEEN_CROPS)]
        for kind in KINDS
    ]
    about = {"study": SEEN, "seed": seed, "crop": crops.crop, "shorter": crops.shorter, "pictures": counts}
    files: dict[str, str | bytes] = {
        "figure.png": png(grid(rows, names=[f"{kind}: {count:,} pictures" for kind, count in counts.items()])),
        "numbers.json": json.dumps(about, indent=1),
        "report.md": f"# {SEEN}\n\nPaper 000, Figure 1: the first {SEEN_CROPS} pictures of each kind that a run of the"
        f" seed {seed} learns from: the shorter side at {crops.shorter} pixels, a random crop of {crops.crop}, every"
        " other one mirrored on average.\n\n![figure.png](figure.png)\n",
    }
    return write_files(folder, files)[-1]

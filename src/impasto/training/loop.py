"""The one training loop: step, log, preview, validate, save, in that order. Accelerate moves tensors, nothing else."""

import math
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from impasto import image
from impasto.errors import DivergedError
from impasto.training import checkpoint, figures
from impasto.training.page import write_page


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a run is and how often it looks up, in steps; 0 means never (but the end always counts)."""

    steps: int
    log_every: int = 20
    preview_every: int = 0
    validate_every: int = 0
    save_every: int = 500


class Trainable(Protocol):
    """What a recipe hands to `fit`: networks, their optimisers, and what one step does with a batch.

    preview_columns: what the columns of `preview`, of equal width, show; the last one is what the networks make, the
        others stay the same. Only asked for where there are previews.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    preview_columns: Sequence[str]

    def batches(self, start: int) -> Iterator[Any]:
        """Batches from step `start` on; a function of the seed and the step alone."""

    def step(self, batch: Any, step: int) -> dict[str, Tensor]:
        """Learn from a batch; returns named losses (scalars, detached)."""

    def preview(self) -> Tensor | None:
        """(1, 3, H, W) picture of what the networks can do now."""

    def validate(self) -> dict[str, float]:
        """Measures on pictures that training never sees."""

    def finish(self, folder: Path) -> None:
        """Write what the run was for into its folder."""


class Report(Protocol):
    """Where the loop tells how it goes: a terminal's progress bar, or nothing."""

    def __call__(self, step: int, steps: int, values: Mapping[str, float]) -> None: ...


def fit(
    trainable: Trainable,
    schedule: Schedule,
    folder: Path,
    accelerator: Accelerator,
    *,
    resume: bool = False,
    report: Report | None = None,
) -> None:
    """Train until schedule.steps, write the result and draw the run's figures, or stop with a saved state when
    interrupted.

    Resumed runs end with the same weights, bit by bit, as uninterrupted ones on the same machine.
    Raises DivergedError when a loss is not finite (the last saved state is kept), KeyboardInterrupt after saving.
    """
    modules, optimizers = trainable.modules, trainable.optimizers
    # A run that was killed before its first save begins again.
    resume = resume and checkpoint.has_state(folder)
    start = checkpoint.load_state(folder, modules, optimizers, rank=accelerator.process_index) if resume else 0
    writer = SummaryWriter(str(folder / "tensorboard")) if accelerator.is_main_process else None
    columns = getattr(trainable, "preview_columns", ())  # not there where there are no previews
    stop = _StopSignal()
    try:
        batches = trainable.batches(start)
        for step in range(start, schedule.steps):
            losses = trainable.step(next(batches), step)
            done = step + 1
            last = done == schedule.steps
            logs = last or _due(done, schedule.log_every)
            saves = last or stop.asked or _due(done, schedule.save_every)
            if logs or saves:  # what is saved must be sound too
                values = _finite({name: float(loss) for name, loss in losses.items()}, done)
            if logs:
                _log(writer, report, done, schedule, values)
            if last or _due(done, schedule.preview_every):
                _preview(trainable, folder, done, writer)
            if last or _due(done, schedule.validate_every):
                _log(writer, report, done, schedule, trainable.validate())
            if writer and (last or _due(done, schedule.preview_every) or _due(done, schedule.validate_every)):
                write_page(folder, columns=columns)
            if saves or stop.asked:
                generators = gather_object([torch.get_rng_state()])
                if accelerator.is_main_process:
                    checkpoint.save_state(folder, done, modules, optimizers, generators)
                accelerator.wait_for_everyone()
            if stop.asked and not last:
                raise KeyboardInterrupt
        if accelerator.is_main_process:
            trainable.finish(folder)
            _draw_figures(trainable, folder)
    finally:
        stop.restore()
        if writer:
            writer.close()
            write_page(folder, columns=columns, going_on=False)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _finite(losses: dict[str, float], step: int) -> dict[str, float]:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise DivergedError(f"the loss '{name}' is {value} at step {step}; resume with a lower learning rate")
    return losses


def _log(
    writer: SummaryWriter | None, report: Report | None, step: int, schedule: Schedule, values: Mapping[str, float]
) -> None:
    if writer:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()
    if report:
        report(step, schedule.steps, values)


def _preview(trainable: Trainable, folder: Path, step: int, writer: SummaryWriter | None) -> None:
    picture = trainable.preview()
    if writer and picture is not None:
        (folder / "previews").mkdir(exist_ok=True)
        pixels = picture.float().clamp(0, 1).cpu()
        image.write(image.Picture(pixels), folder / "previews" / f"{step:07d}.png", overwrite=True)
        writer.add_image("preview", pixels[0], step)


def _draw_figures(trainable: Trainable, folder: Path) -> None:
    previews = figures.previews_of(folder)
    if previews:
        figures.draw_strip(previews, trainable.preview_columns, folder / "previews.png")
    figures.draw_losses(folder)


class _StopSignal:
    """Turns the first Ctrl-C or SIGTERM into a wish that the loop grants after saving; the second one interrupts."""

    def __init__(self) -> None:
        self.asked = False
        self._previous = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.restore()

    def restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

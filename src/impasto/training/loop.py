"""The one training loop: step, log, preview, validate, save, in that order. Accelerate moves tensors, nothing else."""

import math
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from impasto import image, tensors
from impasto.errors import CheckpointError, DivergedError, ImpastoError
from impasto.metrics import is_better
from impasto.progress import ignore, stoppable
from impasto.training import checkpoint, figures, health
from impasto.training.processes import Processes

STOP_FILE = "IMPASTO_STOP_FILE"
"""Variable of the environment: once the file that it names is there, the run saves and stops."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a run is and how often it looks up, in steps; 0 means never (but the end always counts).

    keep: saved states that stay, besides the best one. Three, because the latest may turn out damaged, and of a run
        that goes wrong unnoticed one wants to go back a little further.
    """

    steps: int
    log_every: int = 20
    preview_every: int = 0
    validate_every: int = 0
    save_every: int = 500
    keep: int = 3


class Trainable(ABC):
    """What a recipe hands to `fit`: networks, their optimisers, and what one step does with a batch.

    preview_columns: what the columns of `preview`, of equal width, show; the last one is what the networks make, the
        others stay the same.
    per_process: names of the modules that each process has for itself, such as pools of pictures.
    measure: the name of the value of `validate` by which the best state is known, if any: where it is largest, if the
        name says PSNR or SSIM, else lowest.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    preview_columns: Sequence[str] = ()
    per_process: Collection[str] = ()
    measure: str | None = None

    @abstractmethod
    def batches(self, start: int) -> Iterator[Any]:
        """Batches from step `start` on; a function of the seed and the step alone."""

    @abstractmethod
    def step(self, batch: Any, step: int) -> dict[str, Tensor]:
        """Learn from a batch; returns named losses (scalars, detached)."""

    def preview(self) -> Tensor | None:
        """(1, 3, H, W) picture of what the networks can do now. The first process alone asks for it."""
        return None

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Measures on pictures that training never sees. The first process alone asks for them."""

    def health(self) -> dict[str, float]:
        """Vitals on held-out pictures, whose names `impasto.training.health` knows."""
        return {}

    @abstractmethod
    def finish(self, folder: Path) -> None:
        """Write what the run was for into a folder."""


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """A run's settings. A method's own class adds its own, and the function of a recipe's name gives one of them.

    kinds: of pictures that the run tells apart, as in `impasto train --data A=FOLDER`; none for pictures of one kind.
    build: (accelerator, data, **files) -> the run. data: folders and shards of pictures, {kind: them} if there are
        kinds. files: of networks that it needs ('teacher'), or can take ('weights', 'start').
    """

    kinds: ClassVar[Sequence[str]] = ()
    build: ClassVar[Callable[..., Trainable]]

    schedule: Schedule
    seed: int = 0

    def settled(self, data: Any, processes: int = 1) -> Self:
        """The same with what it leaves to the number of pictures, and of processes that learn from them."""
        return self


StepReport = Callable[[int, int, Mapping[str, float]], None]
"""Called with (step, of how many, values): where the loop tells how it goes, such as a terminal's progress bar."""


def fit(
    trainable: Trainable,
    schedule: Schedule,
    folder: Path,
    accelerator: Accelerator,
    *,
    resume: bool = False,
    report: StepReport | None = None,
    stopping: Callable[[], None] = ignore,
) -> None:
    """Train until schedule.steps, write the result and draw the run's figures, or stop with a saved state when
    interrupted.

    Resumed runs end with the same weights, bit by bit, as uninterrupted ones on the same machine with as many
    processes. Raises DivergedError when a number is not finite (the last good state is kept), CheckpointError when a
    state cannot be saved or resumed, KeyboardInterrupt after saving, in all processes. Outside the main thread, where a
    program may train beside other work, no signal handler is installed.

    report: told the losses of the first step as well, which may take long. stopping: called by the signal after whose
    step the run ends, unless several processes are asked, of which whoever started them may tell.
    """
    run = _Run(trainable, schedule, folder, accelerator, report)
    stop = _StopRequest(stopping)
    try:
        with stoppable(stop.ask):
            # A run that was killed before its first save begins again.
            start = run.begin(resume=resume and checkpoint.has_state(folder))
            batches = trainable.batches(start)
            for step in range(start, schedule.steps):
                losses = trainable.step(next(batches), step)

                done = step + 1
                is_last = done == schedule.steps
                log = is_last or _is_due(done, schedule.log_every)
                preview = is_last or _is_due(done, schedule.preview_every)
                validate = is_last or _is_due(done, schedule.validate_every)
                save = is_last or _is_due(done, schedule.save_every)
                stopped = run.processes.agree(stop.is_asked)
                measured = None

                run.finite.note(losses, done)
                if log or validate or save or stopped:
                    run.stop_if(run.finite.trouble())
                if log or step == start:
                    run.tell(done, losses, log=log)
                if preview:
                    run.preview(done)
                if validate:
                    measured = run.validate(done)
                if preview or validate:
                    run.write_page()
                    run.processes.wait()
                # Only the first process measures, but all of them save.
                is_best = validate and run.processes.agree(measured is not None)
                if save or stopped or is_best:
                    run.save(done, measured)
                if stopped and not is_last:
                    raise KeyboardInterrupt
            run.finish()
    finally:
        run.close()


class _Run:
    """What happens between the steps, and what is remembered for it."""

    def __init__(
        self,
        trainable: Trainable,
        schedule: Schedule,
        folder: Path,
        accelerator: Accelerator,
        report: StepReport | None,
    ) -> None:
        self.trainable, self.schedule, self.folder, self.report = trainable, schedule, folder, report
        self.device = accelerator.device
        self.processes = Processes(accelerator)
        self.finite = health.FiniteLosses()
        self.saved: int | None = None
        self.best: float | None = None
        self.health: health.HealthMonitor | None = None
        self.writer: SummaryWriter | None = None

    def begin(self, *, resume: bool) -> int:
        """Returns the step to begin with, all modules, optimisers and random generators being as they were then."""
        modules, optimizers = self.trainable.modules, self.trainable.optimizers
        start = 0
        if resume:
            start = checkpoint.load_state(
                self.folder, modules, optimizers,
                per_process=self.trainable.per_process, rank=self.processes.rank, device=self.device,
            )  # fmt: skip
            self.saved = start
            best = checkpoint.best_of(self.folder)
            # A best state of steps that are repeated will be found again.
            if best is not None and best.step <= start:
                self.best = best.value
        if self.processes.is_first:
            _remove_leftovers(self.folder)
            checkpoint.prune(self.folder)
            self.health = health.HealthMonitor(self.folder, resume=resume)
            self.writer = SummaryWriter(str(self.folder / "tensorboard"))
        return start

    def stop_if(self, trouble: str | None) -> None:
        """In all processes, whichever has the trouble. Raises DivergedError."""
        if not self.processes.agree(trouble is not None):
            return
        message = health.advice(trouble or "in another process, a number is not finite", self.saved)
        if self.health:
            self.health.write(stopped=message)
        raise DivergedError(message)

    def tell(self, done: int, losses: Mapping[str, Tensor], *, log: bool) -> None:
        """Report means over all processes, and log them or not."""
        values = self.processes.mean({name: float(loss) for name, loss in losses.items()})
        if log:
            self._log(done, values)
            if self.health:
                self.health.observe(done, values)
        elif self.report:
            self.report(done, self.schedule.steps, values)

    def preview(self, done: int) -> None:
        if not self.processes.is_first:
            return
        picture = self.trainable.preview()
        if self.writer and picture is not None:
            (self.folder / "previews").mkdir(exist_ok=True)
            pixels = picture.float().clamp(0, 1).cpu()
            image.write(tensors.to_picture(pixels), self.folder / "previews" / f"{done:07d}.png", overwrite=True)
            self.writer.add_image("preview", pixels[0], done)

    def validate(self, done: int) -> tuple[str, float] | None:
        """Name and value of the held-out measure, if it is the best so far; None in all processes but the first."""
        # A step that broke them shows in no loss yet, and what is measured must be numbers.
        self.stop_if(health.weights_trouble(self.trainable.modules, self.trainable.optimizers))
        if not self.processes.is_first:
            return None
        values = self.trainable.validate()
        self._log(done, values)
        vitals = self.trainable.health()
        if vitals:
            self._log(done, vitals, "health/")
        if self.health:
            self.health.observe(done, vitals)
            self.health.write()
        measure = self.trainable.measure
        if measure is None:
            return None
        value = values[measure]
        if not math.isfinite(value) or (self.best is not None and not is_better(measure, value, self.best)):
            return None
        self.best = value
        return measure, value

    def write_page(self, *, going_on: bool = True) -> None:
        if self.writer:
            figures.write_page(self.folder, columns=self.trainable.preview_columns, going_on=going_on)

    def save(self, done: int, measured: tuple[str, float] | None) -> None:
        """measured: as `validate` returned it."""
        modules, optimizers = self.trainable.modules, self.trainable.optimizers
        self.stop_if(health.weights_trouble(modules, optimizers))
        state = checkpoint.process_state(modules, self.trainable.per_process, self.processes.rank, self.device)
        states = self.processes.gather(state)
        failure: ImpastoError | None = None
        if self.processes.is_first:
            try:
                if self.health:
                    self.health.write()
                if measured is not None:
                    # Before the state, whose being there says that this is done.
                    _write_best(self.trainable, self.folder)
                keep = self.schedule.keep
                checkpoint.save_state(self.folder, done, modules, optimizers, states, keep=keep, measured=measured)
            except ImpastoError as error:
                failure = error
            except OSError as error:
                failure = CheckpointError(f"the state of step {done} could not be saved: {error}")
        if self.processes.agree(failure is not None):
            raise failure or CheckpointError(f"the first process could not save the state of step {done}")
        self.saved = done

    def finish(self) -> None:
        """Write what the run was for. The other processes wait for the first."""
        if self.processes.is_first:
            self.trainable.finish(self.folder)
            figures.draw_figures(self.folder, self.trainable.preview_columns)
            if self.health:
                self.health.write()
        self.processes.wait()

    def close(self) -> None:
        if self.writer:
            self.writer.close()
            self.write_page(going_on=False)
        self.processes.close()

    def _log(self, done: int, values: Mapping[str, float], kind: str = "") -> None:
        if self.writer:
            for name, value in values.items():
                self.writer.add_scalar(f"{kind}{name}", value, done)
            self.writer.flush()
        if self.report:
            self.report(done, self.schedule.steps, values)


def _is_due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _write_best(trainable: Trainable, folder: Path) -> None:
    """What the run would leave if it ended now, as `generators-best.safetensors` and the like."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".best-") as written:
        trainable.finish(Path(written))
        for path in Path(written).iterdir():
            path.replace(folder / f"{path.stem}-best{path.suffix}")


def _remove_leftovers(folder: Path) -> None:
    """Of writing that a kill cut short."""
    for path in folder.glob(".best-*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(".impasto-*.part"):
        path.unlink()


class _StopRequest:
    """Turns the first Ctrl-C or SIGTERM into a wish that the loop grants after saving; a second one interrupts.

    A process of several is asked more than once: by the terminal and by torchrun, or by the file that `impasto train
    --devices` makes. There, whoever started it is the one to interrupt.
    """

    def __init__(self, stopping: Callable[[], None]) -> None:
        self._stopping = stopping
        self._asked = False
        self._file = os.environ.get(STOP_FILE)
        self._is_one_of_several = "TORCHELASTIC_RUN_ID" in os.environ

    @property
    def is_asked(self) -> bool:
        return self._asked or (self._file is not None and Path(self._file).exists())

    def ask(self) -> None:
        if self._asked and not self._is_one_of_several:
            raise KeyboardInterrupt
        if not self._is_one_of_several:
            self._stopping()
        self._asked = True

"""Whether a training does well: what is watched, when it warns, and with which words.

`VITALS` is the whole list. Measures come from the losses and from a training's own `health()`; all of it is in the
run's `health.json`.
"""

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto.colour import LUMA
from impasto.files import read_json
from impasto.training.runs import write_json

FILE = "health.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Vital:
    """A measure and when it is a bad sign: beyond a bound, `reports` times in a row.

    name: what its full name has after the last slash; the part before says of which direction or kind it is.
    """

    name: str
    below: float = -math.inf
    above: float = math.inf
    reports: int = 1
    message: str

    def is_bad(self, value: float) -> bool:
        return value < self.below or value > self.above


VITALS: tuple[Vital, ...] = (
    Vital(
        name="discriminator", below=0.01, reports=10,
        message="the discriminator is hardly ever wrong, so that its generator learns nothing from it any more; a"
        " smaller discriminator, a lower rate for it or more pictures of its kind help",
    ),
    Vital(
        name="luminance correlation", below=0.0,
        message="light becomes dark and dark becomes light; if the next reports say so too, begin again with another"
        " --seed, or with a larger weight of the identity loss",
    ),
    Vital(
        name="copying", above=0.95,
        message="what is painted is nearly the input itself; a lower weight of the cycle and identity losses leaves"
        " the generator more freedom",
    ),
    Vital(
        name="diversity", below=0.1,
        message="different pictures become nearly the same one (collapse); begin again with another --seed or a lower"
        " rate",
    ),
    Vital(
        name="code deviation", below=0.1,
        message="the codes of different pictures are nearly the same, so that the semantic loss says nothing about"
        " what is in them; a larger weight of the reconstruction keeps them apart",
    ),
    Vital(
        name="painted share", below=0.01,
        message="hardly anything is painted, because the attention is nearly 0 everywhere; begin again with another"
        " --seed",
    ),
)  # fmt: skip
"""What is watched."""


class HealthMonitor:
    """The watch over one run. Only its first process has one, which writes `health.json`.

    A resumed run goes on with the warnings and counts of before. The steps that it repeats count once.
    """

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self.path = folder / FILE
        content = read_json(self.path) if resume else None
        known: Mapping[str, Any] = content if isinstance(content, dict) else {}
        self.step: int = known.get("step", 0)
        self.values: dict[str, float] = dict(known.get("values", {}))
        self.warnings: list[dict[str, Any]] = list(known.get("warnings", []))
        self._bad_in_a_row: dict[str, list[int]] = dict(known.get("bad in a row", {}))  # name: [reports, last step]

    def observe(self, step: int, values: Mapping[str, float]) -> None:
        """Take note of measures, of which those in `VITALS` may lead to a warning, told once until they recover."""
        for name, value in values.items():
            vital = next((watched for watched in VITALS if watched.name == name.rpartition("/")[2]), None)
            reports, last = self._bad_in_a_row.get(name, (0, 0))
            if vital is None or step <= last:
                continue
            self.values[name] = value
            reports = reports + 1 if vital.is_bad(value) else 0
            self._bad_in_a_row[name] = [reports, step]
            if reports == vital.reports:
                self.warnings.append({"step": step, "name": name, "message": vital.message})
                logger.warning("%s, step %d: %s is %.3g: %s", self.path.parent, step, name, value, vital.message)
        self.step = max(step, self.step)

    def write(self, stopped: str | None = None) -> None:
        """Put everything into `health.json`. stopped: why the run came to its end before its time."""
        values = {name: value for name, value in self.values.items() if math.isfinite(value)}
        write_json(
            self.path,
            {
                "step": self.step, "values": values, "warnings": self.warnings, "stopped": stopped,
                "bad in a row": self._bad_in_a_row,
            },
        )  # fmt: skip


# --- measures of translations ----------------------------------------------------------------------------------------


def translation_vitals(pictures: Tensor, painted: Tensor) -> dict[str, float]:
    """Vitals of what a generator makes of several pictures. Both (N, 3, H, W), of one range of values.

    luminance correlation: Pearson's, of the pixels of a picture and of what becomes of it; mean over the pictures.
    copying: 1 where they are the same, 0 where they differ as much as the picture's pixels differ from their mean.
    diversity: how far apart results are, on average, over how far apart their pictures are. Not of one picture alone.
    """
    pictures, painted = pictures.float(), painted.float()
    luma = pictures.new_tensor(LUMA)[:, None, None]
    before, after = ((x * luma).sum(-3, keepdim=True).flatten(1) for x in (pictures, painted))
    before, after = (x - x.mean(1, keepdim=True) for x in (before, after))
    products = (before * after).sum(1) / (before.norm(dim=1) * after.norm(dim=1)).clamp_min(1e-12)
    spread = (pictures - pictures.mean((2, 3), keepdim=True)).abs().mean().clamp_min(1e-6)
    change = (painted - pictures).abs().mean() / spread
    vitals = {
        "luminance correlation": float(products.mean()),
        "copying": float((1 - change).clamp_min(0)),
    }
    if len(pictures) > 1:
        vitals["diversity"] = float(_apart(painted) / _apart(pictures).clamp_min(1e-6))
    return vitals


def _apart(pictures: Tensor) -> Tensor:
    return torch.stack([(picture - other).abs().mean() for picture, other in combinations(pictures, 2)]).mean()


# --- numbers that are none -------------------------------------------------------------------------------------------


class FiniteLosses:
    """Remembers the first step at which a loss was not finite, without waiting for the device at any step."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._first: Tensor | None = None

    def note(self, losses: Mapping[str, Tensor], step: int) -> None:
        """step: counted from 1."""
        values = torch.stack([loss.detach().float().reshape(()) for loss in losses.values()])
        if self._first is None or self._names != tuple(losses):
            self._names, self._first = tuple(losses), torch.zeros(len(values), dtype=torch.int64, device=values.device)
        self._first = torch.where((self._first == 0) & ~values.isfinite(), step, self._first)

    def trouble(self) -> str | None:
        """ "the loss 'cycle' was not finite at step 12", or None."""
        if self._first is None:
            return None
        diverged = sorted((step, name) for step, name in zip(self._first.tolist(), self._names, strict=True) if step)
        return f"the loss '{diverged[0][1]}' was not a finite number at step {diverged[0][0]}" if diverged else None


def weights_trouble(modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]) -> str | None:
    """Which weight or which optimiser's moment is not finite, in words, or None. Looks at every number once."""
    for place, tensor in _numbers(modules, optimizers):
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            wrong = tensor.numel() - int(tensor.isfinite().sum())
            return f"{wrong} of {tensor.numel()} numbers of {place} are not finite"
    return None


def _numbers(modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]) -> Iterator[tuple[str, Tensor]]:
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            yield f"the weights '{name}/{key}'", value
    for name, optimizer in optimizers.items():
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    yield f"the optimiser '{name}/{index}/{key}'", value


def advice(trouble: str, saved: int | None) -> str:
    """The one line that a person reads when a run stops. saved: step of the last good state."""
    state = "nothing had been saved yet" if saved is None else f"the state of step {saved} is the last good one"
    return (
        f"{trouble}; {state}. Resumed, the run would come to the same point again: begin another one with a lower rate,"
        " with --precision fp32 if it was bf16, or with another --seed"
    )

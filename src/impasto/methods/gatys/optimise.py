"""Minimising the objective over a picture at one size: L-BFGS or Adam, one step at a time, with a guard.

Paper 002's Figure 1 shows the style loss falling and then growing rapidly. L-BFGS without a line search does that when
an old curvature pair misleads it. The guard keeps the best picture, notices a loss that is not finite or far above the
best, goes back, forgets the curvature, and goes on with half the step or less, which doubles again while all is quiet;
or it stops with the best if that never helps.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from impasto.errors import DivergedError
from impasto.methods.gatys.canvas import Canvas
from impasto.methods.gatys.lbfgs import IN_MEMORY, LBFGS, Storage
from impasto.methods.gatys.objective import Objective
from impasto.methods.gatys.options import GatysOptions

# A healthy run rises by a few percent between steps; paper 002's failure by powers of ten.
EXPLODED = 2.0
# Next to a loss that has almost vanished, a doubling is noise: so much of the first loss is let through besides.
NOISE = 0.02
# So many retreats, and no step that may grow again between them, lead nowhere.
RETREATS = 8
# A Gram loss is of the fourth power of the features, and so of how far a step went.
POWER = 4
# A loss that is no number does not say how far that was.
HALVINGS_OF_NOTHING = 4
# Steps without a retreat after which a halving is taken back, at first.
QUIET_STEPS = 3

logger = logging.getLogger("impasto")


@dataclass
class Guard:
    """The best picture so far, how often the optimisation had to return to it, and how careful it is since.

    halvings: of the step, now. in_a_row: retreats since it last grew. quiet: steps since it last changed. patience:
    quiet steps after which it grows again.
    """

    best: Tensor
    best_loss: float = math.inf
    first_loss: float = math.inf
    retreats: int = 0
    halvings: int = 0
    in_a_row: int = 0
    quiet: int = 0
    patience: int = QUIET_STEPS

    def judge(self, picture: Tensor, loss: float) -> bool:
        """Remember `picture` if it is the best; False if its loss is out of hand."""
        if math.isinf(self.first_loss):
            self.first_loss = loss
        if loss < self.best_loss:
            self.best.copy_(picture)
            self.best_loss = loss
        return math.isfinite(loss) and loss <= self.limit

    @property
    def limit(self) -> float:
        """The highest loss that is none of an explosion."""
        return EXPLODED * self.best_loss + NOISE * self.first_loss

    def retreat(self, loss: float) -> None:
        """Be more careful from now on, by as much as the loss says that the step was too large."""
        if self.retreats and not self.in_a_row:
            # The step grew too early; the next time shall come later.
            self.patience *= 2
        self.retreats += 1
        self.in_a_row += 1
        self.quiet = 0
        if math.isfinite(loss) and self.limit > 0:
            self.halvings += max(1, round(math.log2(loss / self.limit) / POWER))
        else:
            self.halvings += HALVINGS_OF_NOTHING

    def rest(self) -> bool:
        """After a step without a retreat: whether it may be less careful again."""
        self.quiet += 1
        if not self.halvings or self.quiet < self.patience:
            return False
        self.halvings -= 1
        self.quiet = self.in_a_row = 0
        return True

    @property
    def numbers(self) -> dict[str, float | int]:
        """All but the picture, by name."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "best"}

    @property
    def gave_up(self) -> bool:
        """Nothing more is to be had at this size; `best` stands."""
        return self.in_a_row > RETREATS


class Optimisation:
    """One size's optimisation, which can be stopped after any step and continued from `state`."""

    def __init__(
        self,
        objective: Objective,
        start: Tensor,
        options: GatysOptions,
        colours: Tensor | None = None,
        storage: Storage = IN_MEMORY,
    ) -> None:
        """colours: those of `Canvas`. storage: of all that is as large as the picture and outlasts a step."""
        self.objective = objective
        self.options = options
        self.kind = options.chosen("optimizer")
        self.storage = storage
        self.canvas = Canvas(start, even=self.kind == "lbfgs", colours=colours, storage=storage)
        self.guard = Guard(best=storage.keep(self.canvas.start.clone()))
        self.is_sound = True
        self.loss = math.inf
        self.losses: dict[str, float] = {}
        self.best_losses: dict[str, float] = {}
        self.renew_optimizer()

    def step(self) -> None:
        """Evaluate once and move once. Raises DivergedError if not even the start is finite."""
        self.optimizer.step(self._evaluate)
        self.optimizer.zero_grad()
        if not self.is_sound and self.options.guard == "on":
            self._retreat()
            return
        if not math.isfinite(self.loss):
            raise DivergedError("the loss is not finite any more; with the guard on, the best picture would be kept")
        if self.guard.rest():
            self._set_rate()
        if self.kind in ("adam", "lbfgs-clamped"):
            # L-BFGS does not know that the point moves, and what it has learned of the curvature is spoilt: that is the
            # failure of paper 002's Figure 1, and only the choice that repeats it does so.
            self.canvas.clamp()
        self.storage.release()

    def finish(self) -> Tensor:
        """(1, 3, H, W) best picture, the point after the last step included; without guard, that; not clamped."""
        with torch.no_grad():
            picture = self.canvas.picture()
            self.storage.release()
            losses = self.objective.losses(picture)
            if self.options.guard == "on":
                self.guard.judge(picture, loss := float(sum(losses.values())))
                if loss != self.guard.best_loss:
                    losses = {} if self.best_losses else self.objective.losses(self.guard.best)
            self.best_losses = {name: float(value) for name, value in losses.items()} or self.best_losses
        return picture if self.options.guard == "off" else self.guard.best

    def _evaluate(self) -> float:
        picture = self.canvas.picture()
        self.storage.release()
        losses, gradient = self.objective.evaluate(picture)
        terms = torch.stack([torch.stack(list(losses.values())).sum(), *losses.values()]).tolist()
        self.loss, self.losses = terms[0], dict(zip(losses, terms[1:], strict=True))
        self.is_sound = self.guard.judge(picture, self.loss)
        if self.loss == self.guard.best_loss:
            self.best_losses = self.losses
        del picture
        self.storage.release()
        self.canvas.change.grad = self.canvas.pull(gradient)
        self.storage.release()
        return self.loss

    def _retreat(self) -> None:
        guard = self.guard
        guard.retreat(self.loss)
        if not math.isfinite(guard.best_loss):
            raise DivergedError("the loss is not finite for the picture to start from; lower the weights of the losses")
        if guard.gave_up:
            height, width = guard.best.shape[-2:]
            logger.warning(
                "the loss exploded %d times in a row at %d x %d, the last time from %.4g to %.4g; the best picture "
                "before is kept (lower --style-weight or --learning-rate for a steadier run)",
                *(guard.in_a_row, width, height, guard.best_loss, self.loss),
            )
        self.canvas.restart(guard.best)
        self.renew_optimizer()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that `restore` continues from bit by bit: tensors on the CPU, and what JSON can hold."""
        tensors, numbers = _packed(self.optimizer.state_dict()["state"].get(0, {}))
        tensors |= {"start": self.canvas.start, "change": self.canvas.change.detach(), "best": self.guard.best}
        config = {"guard": self.guard.numbers, "optimizer": numbers}
        return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, config

    def restore(self, tensors: dict[str, Tensor], config: Mapping[str, Any]) -> None:
        """Go on from a `state` of the same scale."""
        self.canvas.restart(tensors["start"])
        with torch.no_grad():
            self.canvas.change.copy_(tensors["change"])
        self.guard.best.copy_(tensors["best"])
        for name, value in config["guard"].items():
            setattr(self.guard, name, value)
        self.renew_optimizer()
        device = self.canvas.change.device
        kept = {
            name.removeprefix("optimizer/"): self.storage.keep(tensors.pop(name).to(device))
            for name in [*tensors]
            if name.startswith("optimizer/")
        }
        state = self.optimizer.state_dict()
        state["state"] = {0: _unpacked(kept, config["optimizer"])}
        self.optimizer.load_state_dict(state)

    def renew_optimizer(self) -> None:
        """An optimiser that knows nothing yet, and is as careful as the guard."""
        self.optimizer: Optimizer = (
            self._adam() if self.kind == "adam" else LBFGS(self.canvas.change, self.options.history, self.storage)
        )
        self._set_rate()

    def _set_rate(self) -> None:
        rate = self.options.learning_rate if self.kind == "adam" else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = rate * 0.5**self.guard.halvings

    def _adam(self) -> Optimizer:
        optimizer = torch.optim.Adam([self.canvas.change], betas=(0.9, 0.99))
        moments = {name: self.storage.keep(torch.zeros_like(self.canvas.change)) for name in ("exp_avg", "exp_avg_sq")}
        # As Adam itself begins.
        optimizer.state[self.canvas.change] = {"step": torch.tensor(0.0), **moments}
        return optimizer


def _packed(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Optimiser state as tensors, a list of tensors as one tensor per entry, and numbers."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for key, value in state.items():
        if isinstance(value, Tensor):
            tensors[f"optimizer/{key}"] = value
        elif isinstance(value, list):
            tensors |= {f"optimizer/{key}/{i:04d}": entry for i, entry in enumerate(value)}
            numbers[key] = {"entries": len(value)}
        else:
            numbers[key] = value
    return tensors, numbers


def _unpacked(tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = {key: value for key, value in tensors.items() if "/" not in key}
    for key, value in numbers.items():
        # States of before this L-BFGS have a list of work space, of which nothing was kept.
        lists = isinstance(value, dict)
        state[key] = [tensors[name] for name in sorted(tensors) if name.startswith(f"{key}/")] if lists else value
    return state

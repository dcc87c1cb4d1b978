"""Minimising the objective over a picture at one size: L-BFGS or Adam, one step at a time, with a guard.

Paper 002's Figure 1 shows the style loss falling and then growing rapidly. L-BFGS without a line search does that when
an old curvature pair misleads it. The guard keeps the best picture, notices a loss that is not finite or far above the
best, goes back, forgets the curvature, and goes on with smaller steps.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from impasto.errors import DivergedError
from impasto.methods.gatys.objective import Objective
from impasto.options import StylizeOptions

# A healthy run rises by a few percent between steps; paper 002's failure by powers of ten.
EXPLODED = 2.0
RETREATS = 8


@dataclass
class Guard:
    """The best picture so far and how often the optimisation had to return to it."""

    best: Tensor
    best_loss: float = math.inf
    retreats: int = 0

    def judge(self, image: Tensor, loss: float) -> bool:
        """Remember `image` if it is the best; False if its loss is out of hand."""
        if loss < self.best_loss:
            self.best.copy_(image)
            self.best_loss = loss
        return math.isfinite(loss) and loss <= EXPLODED * self.best_loss


class Optimisation:
    """One size's optimisation, which can be stopped after any step and continued from `state`."""

    def __init__(self, objective: Objective, image: Tensor, options: StylizeOptions) -> None:
        self.objective = objective
        self.options = options
        # L-BFGS flattens the gradient without copying, which only contiguous memory allows.
        self.image = image.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
        self.guard = Guard(best=self.image.detach().clone())
        self.renew_optimizer()
        self.loss = math.inf

    def step(self) -> None:
        """Evaluate once and move once. Raises DivergedError if no step size works, or if the start is not finite."""
        before = self.image.detach().clone()
        self.optimizer.step(self._evaluate)
        if not self.guard.judge(before, self.loss):
            self._retreat()
        if self.options.optimizer == "adam":
            # Not for L-BFGS: moving the point behind its back spoils the curvature that it has learned.
            self.image.data.clamp_(0, 1)

    def finish(self) -> Tensor:
        """(1, 3, H, W) best picture, the point after the last step included; not clamped."""
        with torch.no_grad():
            loss = float(sum(self.objective.losses(self.image).values()))
        self.guard.judge(self.image.detach(), loss)
        return self.guard.best

    def _evaluate(self) -> float:
        self.optimizer.zero_grad()
        loss = torch.stack(list(self.objective.losses(self.image).values())).sum()
        loss.backward()
        self.loss = loss.item()
        return self.loss

    def _retreat(self) -> None:
        guard = self.guard
        guard.retreats += 1
        if not math.isfinite(guard.best_loss):
            raise DivergedError("the loss is not finite for the picture to start from; lower the weights of the losses")
        if guard.retreats > RETREATS:
            raise DivergedError(
                f"the loss exploded {guard.retreats} times, the last time from {guard.best_loss:g} to {self.loss:g}; "
                "lower --style-weight, or use --optimizer adam"
            )
        with torch.no_grad():
            self.image.copy_(guard.best)
        self.renew_optimizer()

    def renew_optimizer(self) -> None:
        """An optimiser that knows nothing yet; every retreat so far has halved its steps."""
        caution = 0.5**self.guard.retreats
        self.optimizer: Optimizer = self._adam(caution) if self.options.optimizer == "adam" else self._lbfgs(caution)

    def _adam(self, caution: float) -> Optimizer:
        return torch.optim.Adam([self.image], lr=self.options.learning_rate * caution, betas=(0.9, 0.99))

    def _lbfgs(self, caution: float) -> Optimizer:
        # One iteration per step, so that everything between steps is ours; no tolerances: when to stop is ours too.
        return torch.optim.LBFGS(
            [self.image],
            lr=caution,
            max_iter=1,
            history_size=self.options.history,
            tolerance_grad=0,
            tolerance_change=0,
        )

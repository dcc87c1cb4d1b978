"""Optimisers as a recipe's setting."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Kingma and Ba 2015. The learning rate is the schedule's. kind: what a run's settings call it.

    weight_decay: of the squared weights, as part of the loss.
    """

    kind: Literal["Adam"] = "Adam"
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 0.0

    def __call__(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=0.0, betas=self.betas, weight_decay=self.weight_decay, fused=True)


@dataclass(frozen=True, kw_only=True)
class NAdam:
    """Adam with Nesterov momentum (Dozat 2015). The learning rate is the schedule's.

    momentum_decay: psi; the momentum of step t is betas[0] (1 - 0.96^(psi t) / 2), so that with PyTorch's 0.004 it
        takes some ten thousand steps to rise from half of betas[0] to all of it.
    """

    kind: Literal["NAdam"] = "NAdam"
    betas: tuple[float, float] = (0.5, 0.999)
    momentum_decay: float = 4e-3

    def __call__(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.NAdam(parameters, lr=0.0, betas=self.betas, momentum_decay=self.momentum_decay)

"""Optimisers, and learning rates and weight averages as functions of the step, so that resuming needs no scheduler."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim import Optimizer


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


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """Rises linearly over the first `warm_up` share of the steps, then falls along a cosine.

    floor: the share of `peak` that the cosine ends on.
    """

    peak: float
    warm_up: float = 0.05
    floor: float = 0.0

    def __call__(self, step: int, steps: int) -> float:
        rise = max(1, round(self.warm_up * steps))
        if step < rise:
            return self.peak * (step + 1) / rise
        progress = min(1.0, (step - rise) / max(1, steps - rise))
        return self.peak * (self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * progress)))


@dataclass(frozen=True, kw_only=True)
class InverseDecay:
    """rate / (1 + decay * step): what the authors of AdaIN use (Huang and Belongie 2017)."""

    rate: float
    decay: float

    def __call__(self, step: int, steps: int) -> float:
        return self.rate / (1 + self.decay * step)


@dataclass(frozen=True, kw_only=True)
class LinearDecay:
    """Constant, then linearly towards zero, which the epoch after the last would reach: what the authors of CycleGAN
    use (Zhu et al. 2017, section 7).

    epochs: of the whole run, equal shares of its steps. constant: so many of them at the full rate.
    """

    rate: float
    epochs: int
    constant: int

    def __call__(self, step: int, steps: int) -> float:
        decayed = max(0, _epoch(step, steps, self.epochs) + 1 - self.constant)
        return self.rate * (1 - decayed / (self.epochs - self.constant + 1))


@dataclass(frozen=True, kw_only=True)
class StepDecay:
    """Times `factor` after every `every` epochs, as `torch.optim.lr_scheduler.StepLR` does; 1 for a constant rate.

    epochs: of the whole run, equal shares of its steps.
    """

    rate: float
    epochs: int
    every: int = 2
    factor: float = 1.0

    def __call__(self, step: int, steps: int) -> float:
        return self.rate * self.factor ** (_epoch(step, steps, self.epochs) // self.every)


def _epoch(step: int, steps: int, epochs: int) -> int:
    """Number, from 0, of the epoch that a step belongs to."""
    return step * epochs // steps


def set_learning_rate(optimizers: Iterable[Optimizer], rate: float) -> None:
    """Of every parameter group."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if not group.get("capturable"):
                group["lr"] = rate
            elif isinstance(group["lr"], torch.Tensor):
                # Recorded in a CUDA graph, which reads it anew at every replay.
                group["lr"].fill_(rate)
            else:
                group["lr"] = torch.tensor(rate, device=group["params"][0].device)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, step: int, decay: float) -> None:
    """Exponential moving average of the weights; the decay grows with the first steps, so that the start is forgotten.

    Buffers (the running statistics of normalisation layers, averages already) are copied.
    """
    decay = min(decay, (1 + step) / (10 + step))
    # All at once: a GPU is otherwise kept waiting for hundreds of small kernels.
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for kept, current in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(current)


@contextmanager
def frozen(networks: Iterable[nn.Module]) -> Iterator[None]:
    """No gradients for these networks' weights, only through them."""
    held = list(networks)
    for network in held:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in held:
            network.requires_grad_(True)

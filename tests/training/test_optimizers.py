"""The optimisers are PyTorch's, with the settings that they were given."""

import math

import pytest
import torch
from torch import nn

from impasto.training.optimizers import Adam, NAdam
from impasto.training.schedules import set_learning_rate


def learned(optimizer: Adam | NAdam, steps: int = 3, rate: float = 0.1) -> float:
    weight = nn.Parameter(torch.tensor(1.0))
    made = optimizer([weight])
    for _ in range(steps):
        set_learning_rate([made], rate)
        (weight**2).backward()
        made.step()
        made.zero_grad()
    return float(weight.detach())


def nadam(steps: int, rate: float, beta1: float, beta2: float, psi: float) -> float:
    """Dozat 2015, algorithm 8, with the momentum schedule that PyTorch documents."""
    weight, m, n, product = 1.0, 0.0, 0.0, 1.0
    for t in range(1, steps + 1):
        g = 2 * weight
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * psi))
        following = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * psi))
        product *= mu
        m = beta1 * m + (1 - beta1) * g
        n = beta2 * n + (1 - beta2) * g * g
        nesterov = following * m / (1 - product * following) + (1 - mu) * g / (1 - product)
        weight -= rate * nesterov / (math.sqrt(n / (1 - beta2**t)) + 1e-8)
    return weight


def test_nadam_is_dozats_algorithm() -> None:
    for psi in (4e-3, 1.0):
        expected = nadam(6, 0.1, 0.5, 0.999, psi)
        assert learned(NAdam(momentum_decay=psi), steps=6) == pytest.approx(expected, rel=1e-5)


def test_adams_first_step_is_its_rate() -> None:
    assert learned(Adam(), steps=1, rate=0.25) == pytest.approx(0.75, rel=1e-6)


def test_adam_goes_through_all_weights_at_once() -> None:
    (group,) = Adam()([nn.Parameter(torch.ones(2))]).param_groups
    assert group["fused"]


def test_every_setting_changes_what_is_learned() -> None:
    makers = [Adam(), Adam(betas=(0.9, 0.999)), Adam(betas=(0.5, 0.9)), Adam(weight_decay=0.5), NAdam(),
              NAdam(betas=(0.9, 0.999)), NAdam(betas=(0.5, 0.9)), NAdam(momentum_decay=1.0)]  # fmt: skip
    assert len({learned(maker) for maker in makers}) == len(makers)

"""Learning rates and averages as functions of the step; optimisers with the settings that they were given."""

import math

import pytest
import torch
from torch import nn

from impasto.training.optimisation import (
    Adam,
    InverseDecay,
    LinearDecay,
    NAdam,
    OneCycle,
    StepDecay,
    set_learning_rate,
    update_average,
)


def test_one_cycle() -> None:
    one_cycle = OneCycle(peak=2.0, warm_up=0.1, floor=0.25)
    rates = [one_cycle(step, 100) for step in range(101)]
    for step in range(10):
        assert rates[step] == pytest.approx(2 * (step + 1) / 10)
    for step in range(10, 101):
        share = 0.5 * (1 + math.cos(math.pi * (step - 10) / 90))
        assert rates[step] == pytest.approx(2 * (0.25 + 0.75 * share))
    assert max(rates) == 2.0
    assert rates[-1] == pytest.approx(0.5)
    assert OneCycle(peak=2.0)(1000, 100) == pytest.approx(0)
    assert OneCycle(peak=2.0)(0, 1) == 2.0
    assert OneCycle(peak=1.0)(4, 100) == 1.0, "warms up over 5 % of the steps"


def test_inverse_decay_is_that_of_the_authors_of_adain() -> None:
    rates = InverseDecay(rate=1e-4, decay=5e-5)
    assert rates(0, 160_000) == 1e-4
    assert rates(20_000, 160_000) == pytest.approx(5e-5)
    assert rates(160_000, 160_000) == pytest.approx(1e-4 / 9)
    assert rates(20_000, 30_000) == rates(20_000, 160_000), "whatever the length of the run"


@pytest.mark.parametrize(("epochs", "last"), [(200, 1 / 101), (150, 1 / 51)])
def test_linear_decay_is_that_of_the_authors_of_cyclegan(epochs: int, last: float) -> None:
    network = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-4)
    theirs = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda epoch: 1.0 - max(0, epoch + 1 - 100) / (epochs - 100 + 1)
    )
    rates = LinearDecay(rate=2e-4, epochs=epochs, constant=100)
    for epoch in range(epochs):
        for step in range(3):
            assert rates(3 * epoch + step, 3 * epochs) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        theirs.step()
    assert rates(3 * epochs - 1, 3 * epochs) == pytest.approx(2e-4 * last), "never quite 0"


def test_step_decay_is_pytorchs() -> None:
    network = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.99)
    rates = StepDecay(rate=2e-3, epochs=7, every=2, factor=0.99)
    for epoch in range(7):
        for step in range(4):
            assert rates(4 * epoch + step, 28) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        theirs.step()
    assert rates(27, 28) == pytest.approx(2e-3 * 0.99**3)
    assert StepDecay(rate=1.0, epochs=7, every=3, factor=0.5)(27, 28) == 0.25
    constant = StepDecay(rate=1e-3, epochs=200)
    assert {constant(step, 1000) for step in range(1000)} == {1e-3}


def test_set_learning_rate() -> None:
    optimizers = [torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0) for _ in range(2)]
    optimizers[0].add_param_group({"params": nn.Linear(1, 1).parameters()})
    set_learning_rate(optimizers, 0.25)
    assert [group["lr"] for optimizer in optimizers for group in optimizer.param_groups] == [0.25] * 3


def network(value: float) -> nn.Module:
    module = nn.BatchNorm1d(3)
    for tensor in [*module.parameters(), module.running_mean, module.running_var]:
        assert tensor is not None
        nn.init.constant_(tensor, value)
    return module


@pytest.mark.parametrize(("step", "decay"), [(0, 0.1), (8, 0.5), (100_000, 0.9)])
def test_update_average(step: int, decay: float) -> None:
    average, latest = network(0.0), network(1.0)
    update_average(average, latest, step, decay=0.9)
    for parameter in average.parameters():
        torch.testing.assert_close(parameter.detach(), torch.full((3,), 1 - decay))
        assert parameter.grad_fn is None
    assert torch.equal(average.state_dict()["running_mean"], torch.ones(3)), "averages already: copied"
    assert torch.equal(latest.state_dict()["weight"], torch.ones(3))


# --- optimisers ------------------------------------------------------------------------------------------------------


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


def test_every_setting_of_an_optimiser_changes_what_is_learned() -> None:
    makers = [Adam(), Adam(betas=(0.9, 0.999)), Adam(betas=(0.5, 0.9)), Adam(weight_decay=0.5), NAdam(),
              NAdam(betas=(0.9, 0.999)), NAdam(betas=(0.5, 0.9)), NAdam(momentum_decay=1.0)]  # fmt: skip
    assert len({learned(maker) for maker in makers}) == len(makers)

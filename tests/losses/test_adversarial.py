"""The adversarial losses are the papers' formulas."""

from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.losses import hinge, lsgan


def judged(seed: int, shape: tuple[int, ...] = (2, 1, 3, 4)) -> Tensor:
    return 2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def formulas(loss: Any, real: list[float], fake: list[float]) -> tuple[float, float]:
    """The generator's and the discriminator's."""
    if loss is hinge:
        margins = sum(max(0, 1 - x) for x in real) + sum(max(0, 1 + x) for x in fake)
        return -sum(fake) / len(fake), margins / len(fake)
    squares = sum((x - 1) ** 2 for x in real) + sum(x**2 for x in fake)
    return sum((x - 1) ** 2 for x in fake) / len(fake), squares / len(fake)


@pytest.mark.parametrize("loss", [lsgan, hinge])
@pytest.mark.parametrize("shape", [(2, 1, 3, 4), (3, 20), (1,)])
def test_are_the_formulas(loss: Any, shape: tuple[int, ...]) -> None:
    real, fake = judged(0, shape), judged(1, shape)
    of_generator, of_discriminator = formulas(loss, real.flatten().tolist(), fake.flatten().tolist())
    assert float(loss.generator_loss(fake)) == pytest.approx(of_generator, rel=1e-5)
    assert float(loss.discriminator_loss(real, fake)) == pytest.approx(of_discriminator, rel=1e-5)


@pytest.mark.parametrize("loss", [lsgan, hinge])
def test_are_float32_for_half_precision(loss: Any) -> None:
    fake = judged(1).bfloat16()
    assert torch.equal(loss.generator_loss(fake), loss.generator_loss(fake.float()))
    assert loss.generator_loss(fake).dtype == loss.discriminator_loss(fake, fake).dtype == torch.float32


def test_beyond_the_margin_there_is_nothing_to_learn() -> None:
    sure = torch.tensor([1.5, 3.0], requires_grad=True)
    loss = hinge.discriminator_loss(sure, -sure)
    loss.backward()
    assert loss == 0
    assert torch.equal(sure.grad, torch.zeros(2))  # type: ignore[arg-type]

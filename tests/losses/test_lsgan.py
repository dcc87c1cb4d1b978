"""The adversarial losses are the papers' formulas."""

import pytest
import torch
from torch import Tensor

from impasto.losses.lsgan import discriminator_loss, generator_loss


def judged(seed: int, shape: tuple[int, ...] = (2, 1, 3, 4)) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mean_square(x: Tensor, target: float) -> float:
    values = [float(value) for value in x.flatten()]
    return sum((value - target) ** 2 for value in values) / len(values)


@pytest.mark.parametrize("shape", [(2, 1, 3, 4), (3, 20), (1,)])
def test_are_the_formulas(shape: tuple[int, ...]) -> None:
    real, fake = judged(0, shape), judged(1, shape)
    assert float(generator_loss(fake)) == pytest.approx(mean_square(fake, 1), rel=1e-5)
    expected = mean_square(real, 1) + mean_square(fake, 0)
    assert float(discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-5)


def test_best_answers() -> None:
    ones, zeros = torch.ones(2, 3), torch.zeros(2, 3)
    assert generator_loss(ones) == 0
    assert discriminator_loss(ones, zeros) == 0
    assert discriminator_loss(zeros, ones) == 2


def test_are_float32_for_half_precision() -> None:
    fake = judged(1).bfloat16()
    assert torch.equal(generator_loss(fake), generator_loss(fake.float()))
    assert generator_loss(fake).dtype == discriminator_loss(fake, fake).dtype == torch.float32

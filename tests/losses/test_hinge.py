"""The hinge losses are the formulas."""

import pytest
import torch
from torch import Tensor

from impasto.losses.hinge import discriminator_loss, generator_loss


def judged(seed: int, shape: tuple[int, ...] = (2, 1, 3, 4)) -> Tensor:
    return 2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(2, 1, 3, 4), (3, 20), (1,)])
def test_are_the_formulas(shape: tuple[int, ...]) -> None:
    real, fake = judged(0, shape), judged(1, shape)
    reals, fakes = real.flatten().tolist(), fake.flatten().tolist()
    assert float(generator_loss(fake)) == pytest.approx(-sum(fakes) / len(fakes), rel=1e-5)
    expected = sum(max(0, 1 - value) for value in reals) / len(reals)
    expected += sum(max(0, 1 + value) for value in fakes) / len(fakes)
    assert float(discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-5)


def test_beyond_the_margin_there_is_nothing_to_learn() -> None:
    sure = torch.tensor([1.5, 3.0], requires_grad=True)
    loss = discriminator_loss(sure, -sure)
    loss.backward()
    assert loss == 0
    assert torch.equal(sure.grad, torch.zeros(2))  # type: ignore[arg-type]


def test_are_float32_for_half_precision() -> None:
    fake = judged(1).bfloat16()
    assert torch.equal(generator_loss(fake), generator_loss(fake.float()))
    assert generator_loss(fake).dtype == discriminator_loss(fake, fake).dtype == torch.float32

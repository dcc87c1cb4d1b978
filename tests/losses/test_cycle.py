"""The L1 losses of unpaired translation are means of absolute differences, and the monitor of codes sees what they
cannot: codes that say nothing."""

from collections.abc import Callable

import pytest
import torch
from random_tensors import normal
from torch import Tensor

from impasto.losses.cycle import code_deviation, cycle_loss, identity_loss, semantic_loss


@pytest.mark.parametrize("loss", [cycle_loss, identity_loss])
def test_is_the_formula(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    one, other = (torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    values = [abs(float(x) - float(y)) for x, y in zip(one.flatten(), other.flatten(), strict=True)]
    assert float(loss(one, other)) == pytest.approx(sum(values) / len(values), rel=1e-5)
    assert loss(other, other) == 0
    half = one.bfloat16()
    assert torch.equal(loss(half, other), loss(half.float(), other)), "float32 for half precision"


CODES = normal(2, 5, 6, 7), normal(2, 5, 6, 7, seed=1)


def test_semantic_loss_is_the_formula() -> None:
    code, again = CODES
    expected = float((code - again).abs().mean())
    assert float(semantic_loss(code, again, normalised=False)) == pytest.approx(expected, rel=1e-6)


def test_normalised_is_the_formula_over_normalised_channels() -> None:
    code, again = CODES
    a, b = ((x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), correction=0, keepdim=True) for x in (code, again))
    expected = float((a - b).abs().mean())
    assert float(semantic_loss(code, again, normalised=True)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("normalised", [True, False])
def test_both_encoders_learn_from_it(normalised: bool) -> None:
    code, again = (one.clone().requires_grad_() for one in CODES)
    semantic_loss(code, again, normalised=normalised).backward()
    for one in (code, again):
        assert one.grad is not None
        assert one.grad.abs().max() > 0
    half = semantic_loss(*(one.bfloat16() for one in CODES), normalised=normalised)
    assert half.dtype == torch.float32


def test_deviation_tells_collapsed_codes() -> None:
    unrelated = normal(8, 5, 6, 7)
    assert float(code_deviation(unrelated)) == pytest.approx(1, abs=0.05)
    same = normal(1, 5, 6, 7).expand(8, -1, -1, -1)
    assert float(code_deviation(same)) == pytest.approx(0, abs=1e-6)
    assert float(code_deviation(100 * same + 3)) == pytest.approx(0, abs=1e-6), "large is not different"
    flat = unrelated.mean((2, 3), keepdim=True).expand_as(unrelated)
    assert float(code_deviation(flat)) < 1e-3, "no contrast within a picture"
    # Half of the variance is the pictures' own.
    assert float(code_deviation(same + unrelated)) == pytest.approx(0.5**0.5, abs=0.06)
    some_dead = torch.cat([unrelated, torch.zeros(8, 15, 6, 7)], 1)
    assert float(code_deviation(some_dead)) == pytest.approx(0.5, abs=0.05), "a quarter of the channels is alive"

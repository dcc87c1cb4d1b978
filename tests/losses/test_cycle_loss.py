"""The L1 losses of unpaired translation are means of absolute differences."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.losses.cycle import cycle_loss, identity_loss


@pytest.mark.parametrize("loss", [cycle_loss, identity_loss])
def test_is_the_formula(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    one, other = (torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    values = [abs(float(x) - float(y)) for x, y in zip(one.flatten(), other.flatten(), strict=True)]
    assert float(loss(one, other)) == pytest.approx(sum(values) / len(values), rel=1e-5)
    assert loss(other, other) == 0
    half = one.bfloat16()
    assert torch.equal(loss(half, other), loss(half.float(), other)), "float32 for half precision"

"""The content loss is the papers' formula."""

import pytest
import torch
from random_tensors import normal
from torch import Tensor

from impasto.losses.content import content_loss

SIZES = [(1, 1, 1), (2, 3, 4), (5, 1, 7), (3, 6, 2)]


def squared_differences(F: Tensor, C: Tensor) -> float:
    """Sum over filters and positions of (F - C)^2, as the papers write it."""
    N, H, W = F.shape[1:]
    return sum(float(F[0, i, y, x] - C[0, i, y, x]) ** 2 for i in range(N) for y in range(H) for x in range(W))


@pytest.mark.parametrize("size", SIZES)
def test_is_paper_001_equation_1(size: tuple[int, int, int]) -> None:
    F, C = normal(1, *size), normal(1, *size, seed=1)
    N, H, W = size
    assert float(content_loss(F, C)) == pytest.approx(squared_differences(F, C) / (2 * N * H * W), rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_paper_002_is_a_factor_away(size: tuple[int, int, int]) -> None:
    F, P = normal(1, *size), normal(1, *size, seed=1)
    N, H, W = size
    assert N * H * W * float(content_loss(F, P)) == pytest.approx(0.5 * squared_differences(F, P), rel=1e-12)


def test_gradient() -> None:
    F, C = normal(1, 2, 3, 4).requires_grad_(), normal(1, 2, 3, 4, seed=1)
    assert torch.autograd.gradcheck(content_loss, (F, C))


def test_is_zero_only_for_equal_features() -> None:
    F = normal(1, 2, 3, 4)
    assert content_loss(F, F) == 0
    other = F.clone()
    other[0, 1, 2, 3] += 1e-3
    assert content_loss(other, F) > 0

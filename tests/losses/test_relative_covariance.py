"""The covariance loss is its formula, and sees what means and deviations do not."""

import pytest
import torch
from random_tensors import normal
from torch import Tensor

from impasto.losses.feature_statistics import mean_covariance, mean_std, relative_statistics_loss
from impasto.losses.relative_covariance import relative_covariance_loss

SIZES = [(1, 1, 1, 1), (2, 3, 4, 5), (1, 4, 1, 7)]


def products(picture: Tensor) -> list[list[float]]:
    """Mean over the positions of (a - mean a) (b - mean b), one number after the other."""
    rows = picture.flatten(1).tolist()
    centred = [[value - sum(row) / len(row) for value in row] for row in rows]
    return [[sum(a * b for a, b in zip(one, two, strict=True)) / len(one) for two in centred] for one in centred]


@pytest.mark.parametrize("size", SIZES)
def test_covariance_is_its_formula(size: tuple[int, int, int, int]) -> None:
    X = normal(*size)
    for found, picture in zip(mean_covariance(X)[1], X, strict=True):
        torch.testing.assert_close(found, torch.tensor(products(picture), dtype=torch.float64), rtol=1e-12, atol=1e-14)


def test_the_loss_is_relative_to_the_target_and_the_mean_over_pictures() -> None:
    X, Y = normal(2, 3, 4, 5), 2 + normal(2, 3, 6, 2, seed=1)
    expected = 0.0
    for one, other in zip(X, Y, strict=True):
        a, b = products(one), products(other)
        distance = sum((a[i][j] - b[i][j]) ** 2 for i in range(3) for j in range(3))
        expected += distance / sum(b[i][j] ** 2 for i in range(3) for j in range(3)) / 2
    assert float(relative_covariance_loss(X, Y)) == pytest.approx(expected, rel=1e-12)


def test_gradient() -> None:
    X, Y = normal(2, 3, 2, 4).requires_grad_(), normal(2, 3, 3, 3, seed=1)
    assert torch.autograd.gradcheck(mean_covariance, (X,))
    assert torch.autograd.gradcheck(relative_covariance_loss, (X, Y))


def test_channels_that_go_otherwise_together_are_seen() -> None:
    """A blue sky made yellow has every channel's mean and deviation, and is pink."""
    x = normal(1, 1, 8, 8)
    together, apart = torch.cat([x, x], 1), torch.cat([x, -x], 1)
    together, apart = together - together.mean((2, 3), keepdim=True), apart - apart.mean((2, 3), keepdim=True)
    assert float(relative_statistics_loss(mean_std(together), mean_std(apart))) < 1e-20
    assert float(relative_covariance_loss(together, apart)) == pytest.approx(2)


def test_a_plain_target_gives_a_number_and_half_precision_is_widened() -> None:
    assert torch.isfinite(relative_covariance_loss(normal(1, 2, 3, 3), torch.ones(1, 2, 3, 3)))
    assert mean_covariance(torch.full((1, 2, 64, 64), 300.0, dtype=torch.float16))[1].dtype == torch.float32

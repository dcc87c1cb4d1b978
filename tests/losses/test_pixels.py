"""The losses of a picture's own values are their formulas."""

import pytest
import torch
from random_tensors import uniform

from impasto.losses.pixels import out_of_range, temporal_loss, total_variation


@pytest.mark.parametrize("size", [(1, 3, 1, 1), (1, 3, 4, 5), (1, 3, 1, 7), (2, 3, 6, 2)])
def test_total_variation_is_the_mean_of_squared_differences_of_neighbours(size: tuple[int, int, int, int]) -> None:
    image = uniform(*size)
    total = image.diff(dim=2).square().sum() + image.diff(dim=3).square().sum()
    assert float(total_variation(image)) == pytest.approx(float(total) / image.numel(), rel=1e-12)


def test_out_of_range_is_the_mean_squared_distance_to_the_range() -> None:
    image = 3 * uniform(1, 3, 4, 5) - 1
    squares = [max(0.0, -value, value - 1) ** 2 for value in image.flatten().tolist()]
    assert float(out_of_range(image)) == pytest.approx(sum(squares) / len(squares), rel=1e-12)


def test_temporal_is_ruders_equation_7() -> None:
    """D counts the values of the picture; what was hidden is free."""
    x, w, c = uniform(1, 3, 4, 5), uniform(1, 3, 4, 5, seed=1), uniform(1, 1, 4, 5, seed=2)
    c[..., 2:] = 0
    total = sum(float((c[0, 0] * (x[0, n] - w[0, n]) ** 2).sum()) for n in range(3))
    assert float(temporal_loss(x, w, c)) == pytest.approx(total / x.numel(), rel=1e-12)


def test_gradients() -> None:
    x, w, c = uniform(1, 3, 4, 3).requires_grad_(), uniform(1, 3, 4, 3, seed=1), uniform(1, 1, 4, 3, seed=2)
    assert torch.autograd.gradcheck(total_variation, (x,))
    assert torch.autograd.gradcheck(lambda value: temporal_loss(value, w, c), (x,))

"""Total variation is its formula."""

import pytest
import torch
from torch import Tensor

from impasto.losses.total_variation import total_variation


def picture(*shape: int) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(1, 3, 1, 1), (1, 3, 4, 5), (1, 3, 1, 7), (2, 3, 6, 2)])
def test_is_the_mean_of_squared_differences_of_neighbours(size: tuple[int, int, int, int]) -> None:
    image = picture(*size)
    N, C, H, W = size
    total = 0.0
    for n in range(N):
        for c in range(C):
            for y in range(H):
                for x in range(W):
                    if y + 1 < H:
                        total += float(image[n, c, y + 1, x] - image[n, c, y, x]) ** 2
                    if x + 1 < W:
                        total += float(image[n, c, y, x + 1] - image[n, c, y, x]) ** 2
    assert float(total_variation(image)) == pytest.approx(total / (N * C * H * W), rel=1e-12)


def test_gradient() -> None:
    assert torch.autograd.gradcheck(total_variation, (picture(1, 3, 4, 3).requires_grad_(),))


def test_is_zero_for_one_colour() -> None:
    assert total_variation(torch.full((1, 3, 5, 7), 0.3)) == 0

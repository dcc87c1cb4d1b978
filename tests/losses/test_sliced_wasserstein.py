"""The sliced Wasserstein loss is its formula, and sees what means, deviations and covariances do not."""

import pytest
import torch
from random_tensors import normal
from torch import Tensor

from impasto.losses.feature_statistics import mean_std, relative_covariance_loss, relative_statistics_loss
from impasto.losses.sliced_wasserstein import BLOCK, SMALLEST, directions, sliced_wasserstein_loss

EVERYWHERE = torch.zeros(2, 99)
"""So many blocks that all positions count."""


def filters(channels: int, count: int = 6, side: int = 3) -> Tensor:
    return directions(channels, count, side, torch.Generator().manual_seed(5)).double()


def expected(X: Tensor, Y: Tensor, W: Tensor, corners: list[tuple[int, int]]) -> float:
    """Heitz et al. 2021, equation 4, each direction over the target's variance along it."""
    side = W.shape[-1]
    total = []
    for one, other in zip(X, Y, strict=True):
        patches = ([x[:, i : i + side, j : j + side] for i, j in corners] for x in (one, other))
        a, b = (torch.stack([(W * patch).sum((1, 2, 3)) for patch in each], 1).sort(1).values for each in patches)
        total.append(((a - b) ** 2).mean(1) / b.var(1, correction=0).clamp_min(SMALLEST))
    return float(torch.stack(total).mean())


@pytest.mark.parametrize("side", [1, 3])
def test_is_its_formula_over_all_positions(side: int) -> None:
    X, Y, W = normal(2, 3, 5, 6), 1 + 2 * normal(2, 3, 5, 6, seed=1), filters(3, side=side)
    corners = [(i, j) for i in range(5 - side + 1) for j in range(6 - side + 1)]
    assert float(sliced_wasserstein_loss(X, Y, W, EVERYWHERE)) == pytest.approx(expected(X, Y, W, corners), rel=1e-10)


def test_of_a_large_map_blocks_of_positions_count() -> None:
    X, Y, W = normal(1, 2, 19, 14), normal(1, 2, 19, 14, seed=1), filters(2, count=3)
    places = torch.tensor([[0.0, 0.999], [0.999, 0.4]])
    # A block and what its filters reach are 10 positions wide: 10 and 5 places for it.
    starts = [(0, 4), (9, 2)]
    corners = [(top + i, left + j) for top, left in starts for i in range(BLOCK) for j in range(BLOCK)]
    assert float(sliced_wasserstein_loss(X, Y, W, places)) == pytest.approx(expected(X, Y, W, corners), rel=1e-10)


def test_directions_have_norm_1_and_are_those_of_the_generator() -> None:
    one, same, other = (directions(4, 200, 3, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert one.shape == (200, 4, 3, 3)
    torch.testing.assert_close(one.flatten(1).norm(dim=1), torch.ones(200))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert float(one.mean(0).abs().max()) < 0.05, "no direction is preferred"


def test_gradient() -> None:
    X, Y, W = normal(1, 2, 4, 4).requires_grad_(), normal(1, 2, 4, 4, seed=1), filters(2, count=3)
    assert torch.autograd.gradcheck(lambda x: sliced_wasserstein_loss(x, Y, W, EVERYWHERE), (X,))
    large, target = normal(1, 1, 12, 12).requires_grad_(), normal(1, 1, 12, 12, seed=1)
    (gradient,) = torch.autograd.grad(
        sliced_wasserstein_loss(large, target, filters(1), torch.zeros(2, 1)), large
    )  # fmt: skip
    assert bool((gradient[..., :10, :10] != 0).all())
    assert bool((gradient[..., 10:, :] == 0).all()), "outside of the block"


def test_equal_distributions_cost_nothing_however_they_are_placed() -> None:
    Y = normal(1, 3, 6, 6)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(2))
    shuffled = Y.flatten(2)[:, :, order].view_as(Y)
    assert float(sliced_wasserstein_loss(shuffled, Y, filters(3, side=1), EVERYWHERE)) < 1e-20
    # Patches see what is beside what: not any order will do, but a pattern may begin anywhere.
    assert float(sliced_wasserstein_loss(shuffled, Y, filters(3), EVERYWHERE)) > 0.01
    pattern = Y[..., :4, :4].repeat(1, 1, 4, 4)
    moved = pattern.roll((1, 2), (2, 3))[..., :14, :14]
    assert float(sliced_wasserstein_loss(moved, pattern[..., :14, :14], filters(3), EVERYWHERE)) < 1e-20


def test_a_weave_is_seen_though_mean_and_covariance_are_equal() -> None:
    weave = torch.ones(1, 1, 16, 16, dtype=torch.float64)
    weave[..., ::2, ::2] = weave[..., 1::2, 1::2] = -1
    order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
    grain = weave.flatten()[order].view_as(weave)
    assert float(relative_statistics_loss(mean_std(weave), mean_std(grain))) == 0
    assert float(relative_covariance_loss(weave, grain)) == 0
    assert float(sliced_wasserstein_loss(weave, grain, filters(1, count=16), EVERYWHERE)) > 0.1


def test_one_weight_suits_strong_and_weak_features_and_a_plain_target() -> None:
    X, Y, W = normal(1, 2, 6, 6), normal(1, 2, 6, 6, seed=1), filters(2)
    before = sliced_wasserstein_loss(X, Y, W, EVERYWHERE)
    torch.testing.assert_close(sliced_wasserstein_loss(50 * X, 50 * Y, W, EVERYWHERE), before)
    assert torch.isfinite(sliced_wasserstein_loss(X, torch.zeros_like(X), W, EVERYWHERE))


def test_half_precision_is_widened() -> None:
    X, Y, W = normal(1, 4, 8, 8), normal(1, 4, 8, 8, seed=1), filters(4)
    half = sliced_wasserstein_loss(X.bfloat16(), Y.bfloat16(), W, EVERYWHERE)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), sliced_wasserstein_loss(X, Y, W, EVERYWHERE), rtol=0.05, atol=0)

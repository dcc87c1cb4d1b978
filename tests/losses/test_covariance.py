"""The covariance loss is its formula, and sees what Gram matrices hardly do."""

import pytest
import torch
from torch import Tensor

from impasto.losses.covariance import SHRINKAGE, Spread, covariance_loss, mean_of, spread
from impasto.losses.gram import blend, gram, gram_loss


def features(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(1, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.5


def spread_of(x: Tensor, weights: Tensor | None = None) -> Spread:
    return spread(gram(x, weights), mean_of(x, weights))


def literal(F: Tensor, S: Tensor) -> float:
    """Straight from the docstring, with a root by eigenvalues that another function finds."""
    rows, others = F.flatten(2)[0], S.flatten(2)[0]
    m, s = rows.mean(1), others.mean(1)
    C, K = (torch.cov(x, correction=0).reshape(len(x), len(x)) for x in (rows, others))
    floor = SHRINKAGE * (K.trace() / len(K) + 0.1 * s.square().mean())
    inverse = torch.linalg.inv(K + floor * torch.eye(len(K)))
    # |W D W|^2 = tr(D W^2 D W^2), which needs no root.
    difference = ((C - K) @ inverse @ (C - K) @ inverse).trace()
    distance = (m - s) @ inverse @ (m - s)
    relative = (difference + 2 * distance) / (K @ inverse @ K @ inverse).trace()
    return float(2 * (1 + relative).sqrt() - 2)


@pytest.mark.parametrize("size", [(1, 6, 7), (3, 4, 5), (6, 9, 9)])
def test_equals_the_formula(size: tuple[int, int, int]) -> None:
    F, S = features(*size), 2 * features(size[0], 8, 5, seed=1)
    assert float(covariance_loss(F, spread_of(S))) == pytest.approx(literal(F, S), rel=1e-9)


def test_gradient() -> None:
    target = spread_of(features(3, 5, 5, seed=1))
    F, weights = features(3, 3, 4).requires_grad_(), torch.rand(1, 1, 3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: covariance_loss(x, target), (F,))
    assert torch.autograd.gradcheck(lambda x: covariance_loss(x, target, weights), (F,))


def test_what_weighs_nothing_plays_no_part() -> None:
    F, weights = features(3, 4, 8), torch.zeros(1, 1, 4, 8, dtype=torch.float64)
    weights[..., :3] = 1
    torch.testing.assert_close(mean_of(F, weights), mean_of(F[..., :3]))
    target = spread_of(features(3, 5, 5, seed=1))
    torch.testing.assert_close(covariance_loss(F, target, weights), covariance_loss(F[..., :3], target))


def test_a_blend_is_a_picture_of_both_areas() -> None:
    pair = features(3, 4, 8), features(3, 4, 8, seed=1) * 2
    shares = [0.5, 0.5]
    mixed = spread(blend([gram(x) for x in pair], shares), blend([mean_of(x) for x in pair], shares))
    assert float(covariance_loss(torch.cat(pair, 3), mixed)) == pytest.approx(0, abs=1e-12)


def test_it_sees_what_the_painting_never_does() -> None:
    """Fringes: answers of a filter that is almost still in the painting; Gram matrices see them 100 times less."""
    S = features(3, 32, 32) * torch.tensor([1.0, 1.0, 0.02], dtype=torch.float64).view(3, 1, 1) + 3
    fringed = S.clone()
    fringed[:, 2] += 0.5 * features(1, 32, 32, seed=1)[:, 0]
    relative = float(gram_loss(fringed, gram(S)) / gram_loss(torch.zeros_like(S), gram(S)))
    assert float(covariance_loss(fringed, spread_of(S))) > 100 * relative


@pytest.mark.parametrize("level", [0.0, 0.7])
def test_a_painting_of_one_colour_is_no_division_by_nothing(level: float) -> None:
    target = spread_of(torch.full((1, 3, 4, 4), level))
    F = features(3, 4, 4).float().requires_grad_()
    loss = covariance_loss(F, target)
    (gradient,) = torch.autograd.grad(loss, F)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()

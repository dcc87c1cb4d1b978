"""Gram matrices and the style loss are the papers' formulas."""

import pytest
import torch
from torch import Tensor

from impasto.losses.gram import blend, gram, gram_loss

SIZES = [(1, 1, 1), (2, 3, 4), (5, 1, 7), (4, 6, 2)]


def features(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(1, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def inner_products(F: Tensor) -> list[list[float]]:
    """Equation 2, not normalised: G_ij = sum over positions k of F_ik F_jk."""
    N, M = F.shape[1], F.shape[2] * F.shape[3]
    rows = F.reshape(N, M).tolist()
    return [[sum(rows[i][k] * rows[j][k] for k in range(M)) for j in range(N)] for i in range(N)]


@pytest.mark.parametrize("size", SIZES)
def test_gram_is_paper_001_equation_2_per_position(size: tuple[int, int, int]) -> None:
    F = features(*size)
    expected = torch.tensor(inner_products(F), dtype=torch.float64) / (size[1] * size[2])
    torch.testing.assert_close(gram(F)[0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_style_loss_is_paper_001_equation_3_and_paper_002(size: tuple[int, int, int]) -> None:
    F, style = features(*size), features(*size, seed=1)
    N, M = size[0], size[1] * size[2]
    G, S = inner_products(F), inner_products(style)
    expected = sum((G[i][j] - S[i][j]) ** 2 for i in range(N) for j in range(N)) / (4 * N**2 * M**2)
    assert float(gram_loss(F, gram(style))) == pytest.approx(expected, rel=1e-12)


def test_gradient() -> None:
    F, S = features(2, 3, 4).requires_grad_(), gram(features(2, 5, 5, seed=1))
    assert torch.autograd.gradcheck(gram_loss, (F, S))
    assert torch.autograd.gradcheck(gram, (F,))


def test_gram_does_not_see_positions() -> None:
    F = features(3, 4, 5)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    shuffled = F.flatten(2)[:, :, order].view(1, 3, 5, 4)
    torch.testing.assert_close(gram(shuffled), gram(F))


def test_pictures_of_a_batch_do_not_mix() -> None:
    pair = torch.cat([features(3, 4, 5), features(3, 4, 5, seed=1)])
    for index in range(2):
        torch.testing.assert_close(gram(pair)[index : index + 1], gram(pair[index : index + 1]))


def test_half_precision_does_not_overflow() -> None:
    bright = torch.full((1, 2, 512, 512), 100.0, dtype=torch.float16)
    assert torch.isfinite(gram(bright)).all()


def test_blend_is_the_gram_of_the_styles_areas_together() -> None:
    first, second = features(3, 4, 5), features(3, 4, 15, seed=1)
    together = torch.cat([first.flatten(2), second.flatten(2)], 2)[..., None]
    torch.testing.assert_close(blend([gram(first), gram(second)], [0.25, 0.75]), gram(together))
    assert torch.equal(blend([gram(first)], [1.0]), gram(first))

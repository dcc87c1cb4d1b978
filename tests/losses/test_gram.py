"""The content loss, Gram matrices and the style loss are the papers' formulas, everywhere and in a region."""

import pytest
import torch
from random_tensors import normal, uniform
from torch import Tensor

from impasto.losses.gram import blend, content_loss, gram, gram_loss

SIZES = [(1, 1, 1), (2, 3, 4), (5, 1, 7), (4, 6, 2)]


def inner_products(F: Tensor, weights: Tensor | None = None) -> list[list[float]]:
    """Equation 2, not normalised: G_ij = sum over positions k of F_ik F_jk; or of w_k F_ik F_jk over the sum of w_k."""
    N, M = F.shape[1], F.shape[2] * F.shape[3]
    rows, w = F.reshape(N, M).tolist(), [1.0] * M if weights is None else (weights / weights.sum()).flatten().tolist()
    return [[sum(w[k] * rows[i][k] * rows[j][k] for k in range(M)) for j in range(N)] for i in range(N)]


@pytest.mark.parametrize("size", SIZES)
def test_content_loss_is_paper_001_equation_1(size: tuple[int, int, int]) -> None:
    """And paper 002's, N H W times as large."""
    F, C = normal(1, *size), normal(1, *size, seed=1)
    N, H, W = size
    squares = sum((f - c) ** 2 for f, c in zip(F.flatten().tolist(), C.flatten().tolist(), strict=True))
    assert float(content_loss(F, C)) == pytest.approx(squares / (2 * N * H * W), rel=1e-12)
    assert torch.autograd.gradcheck(content_loss, (F.requires_grad_(), C))


@pytest.mark.parametrize("size", SIZES)
def test_gram_is_paper_001_equation_2_per_position(size: tuple[int, int, int]) -> None:
    F = normal(1, *size)
    expected = torch.tensor(inner_products(F), dtype=torch.float64) / (size[1] * size[2])
    torch.testing.assert_close(gram(F)[0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_style_loss_is_paper_001_equation_3_and_paper_002(size: tuple[int, int, int]) -> None:
    F, style = normal(1, *size), normal(1, *size, seed=1)
    N, M = size[0], size[1] * size[2]
    G, S = inner_products(F), inner_products(style)
    expected = sum((G[i][j] - S[i][j]) ** 2 for i in range(N) for j in range(N)) / (4 * N**2 * M**2)
    assert float(gram_loss(F, gram(style))) == pytest.approx(expected, rel=1e-12)


def test_gradient() -> None:
    F, S = normal(1, 2, 3, 4).requires_grad_(), gram(normal(1, 2, 5, 5, seed=1))
    assert torch.autograd.gradcheck(gram_loss, (F, S))
    assert torch.autograd.gradcheck(gram, (F,))


def test_blend_is_the_gram_of_the_styles_areas_together() -> None:
    first, second = normal(1, 3, 4, 5), normal(1, 3, 4, 15, seed=1)
    together = torch.cat([first.flatten(2), second.flatten(2)], 2)[..., None]
    torch.testing.assert_close(blend([gram(first), gram(second)], [0.25, 0.75]), gram(together))
    assert torch.equal(blend([gram(first)], [1.0]), gram(first))


# --- guided -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_guided_gram_is_the_weighted_mean_of_products(size: tuple[int, int, int]) -> None:
    F, w = normal(1, *size), uniform(1, 1, *size[1:], seed=5)
    torch.testing.assert_close(gram(F, w)[0], torch.tensor(inner_products(F, w), dtype=torch.float64))


def test_guided_gram_is_gatys_guide() -> None:
    """Gatys et al. 2017, equation 4: features times a guide whose squares sum to 1."""
    F, w = normal(1, 3, 4, 5), uniform(1, 1, 4, 5, seed=5)
    guided = F * (w / w.sum()).sqrt()
    torch.testing.assert_close(gram(F, w), gram(guided) * 20)


def test_guided_gradient() -> None:
    F, w, S = normal(1, 2, 3, 4).requires_grad_(), uniform(1, 1, 3, 4, seed=5), gram(normal(1, 2, 5, 5, seed=1))
    w[..., 1] = 0
    assert torch.autograd.gradcheck(lambda x: gram(x, w), (F,))
    assert torch.autograd.gradcheck(lambda x: gram_loss(x, S, w), (F,))
    assert torch.autograd.gradgradcheck(lambda x: gram_loss(x, S, w), (F,))


def test_nothing_outside_a_region_is_moved() -> None:
    F, w = normal(1, 3, 4, 6).requires_grad_(), uniform(1, 1, 4, 6, seed=5)
    w[..., 2:] = 0
    (gradient,) = torch.autograd.grad(gram_loss(F, gram(normal(1, 3, 5, 5, seed=1)), w), F)
    assert (gradient[..., 2:] == 0).all()
    assert (gradient[..., :2] != 0).all()


def test_weights_count_relative_to_each_other() -> None:
    F, w = normal(1, 3, 4, 5), uniform(1, 1, 4, 5, seed=5)
    torch.testing.assert_close(gram(F, 1e-9 * w), gram(F, w))
    torch.testing.assert_close(gram(F, torch.full_like(w, 0.3)), gram(F))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_no_weights_are_no_gram(dtype: torch.dtype) -> None:
    F = normal(1, 3, 4, 5).to(dtype).requires_grad_()
    matrix = gram(F, torch.zeros(1, 1, 4, 5))
    assert (matrix == 0).all()
    matrix.sum().backward()
    assert F.grad is not None
    assert (F.grad == 0).all()


@pytest.mark.parametrize("w", [None, torch.ones(1, 1, 512, 512)])
def test_half_precision_does_not_overflow(w: Tensor | None) -> None:
    bright = torch.full((1, 2, 512, 512), 100.0, dtype=torch.float16)
    torch.testing.assert_close(gram(bright, w), torch.full((1, 2, 2), 1e4), rtol=1e-3, atol=0)


@pytest.mark.parametrize("w", [None, uniform(1, 1, 4, 5, seed=5)])
def test_pictures_of_a_batch_share_the_weights_and_do_not_mix(w: Tensor | None) -> None:
    pair = torch.cat([normal(1, 3, 4, 5), normal(1, 3, 4, 5, seed=1)])
    for index in range(2):
        torch.testing.assert_close(gram(pair, w)[index : index + 1], gram(pair[index : index + 1], w))

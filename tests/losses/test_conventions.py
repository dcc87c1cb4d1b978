"""The table of conventions: each published normalisation, written out, is its factors away from ours."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from impasto.errors import OptionError
from impasto.losses.content import content_loss
from impasto.losses.conventions import CONVENTIONS, content_factor, style_factor
from impasto.losses.gram import gram, gram_loss

LAYERS = [(4, 3, 5), (8, 2, 2), (1, 1, 1), (16, 6, 1)]


def features(N: int, H: int, W: int, seed: int) -> Tensor:
    return torch.randn(1, N, H, W, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def flat(F: Tensor) -> Tensor:
    return F.view(F.shape[1], -1)


def paper_001(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    N, H, W = F.shape[1:]
    content = 1 / (2 * N * H * W) * ((F - C) ** 2).sum()
    style = 1 / (4 * N**2 * (H * W) ** 2) * ((flat(F) @ flat(F).T - flat(S) @ flat(S).T) ** 2).sum()
    return content, style


def paper_002(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    N, M = flat(F).shape
    content = 0.5 * ((F - C) ** 2).sum()
    style = 1 / (4 * N**2 * M**2) * ((flat(F) @ flat(F).T - flat(S) @ flat(S).T) ** 2).sum()
    return content, style


def gatys_notebook(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    def gram_matrix(x: Tensor) -> Tensor:
        b, c, h, w = x.size()
        rows = x.view(b, c, h * w)
        return torch.bmm(rows, rows.transpose(1, 2)).div(h * w)

    weight = 1e3 / F.shape[1] ** 2
    return nn.MSELoss()(F, C), weight * nn.MSELoss()(gram_matrix(F), gram_matrix(S))


def jcjohnson(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    def gram_matrix(x: Tensor) -> Tensor:
        return flat(x) @ flat(x).T / x.numel()

    return nn.MSELoss()(F, C), nn.MSELoss()(gram_matrix(F), gram_matrix(S))


def relative(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    G, A = flat(F) @ flat(F).T, flat(S) @ flat(S).T
    return ((F - C) ** 2).sum() / (C**2).sum(), ((G - A) ** 2).sum() / (A**2).sum()


LITERAL = {
    "relative": relative,
    "half-mean": paper_001,
    "half-sum": paper_002,
    "gatys-notebook": gatys_notebook,
    "jcjohnson": jcjohnson,
}


def test_every_convention_is_checked() -> None:
    assert set(LITERAL) == set(CONVENTIONS)


@pytest.mark.parametrize("size", LAYERS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_factors_reproduce_the_source(convention: str, size: tuple[int, int, int]) -> None:
    N, H, W = size
    F, C, S = (features(N, H, W, seed) for seed in range(3))
    content, style = LITERAL[convention](F, C, S)
    ours_content = content_factor(convention, C) * (F - C).square().mean()
    ours_style = style_factor(convention, gram(S)) * (gram(F) - gram(S)).square().mean()
    torch.testing.assert_close(ours_content, content, rtol=1e-12, atol=0)
    torch.testing.assert_close(ours_style, style, rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", LAYERS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_weight_is_converted_by_the_ratio_of_factors(convention: str, size: tuple[int, int, int]) -> None:
    """The losses are in paper 001's convention; this is how an objective uses them for another one."""
    N, H, W = size
    F, C, S = (features(N, H, W, seed) for seed in range(3))
    content, style = LITERAL[convention](F, C, S)
    to_content = content_factor(convention, C) / content_factor("half-mean", C)
    to_style = style_factor(convention, gram(S)) / style_factor("half-mean", gram(S))
    torch.testing.assert_close(to_content * content_loss(F, C), content, rtol=1e-12, atol=0)
    torch.testing.assert_close(to_style * gram_loss(F, gram(S)), style, rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", LAYERS)
def test_gatys_is_ten_times_jcjohnson_and_fifty_times_his_ratio(size: tuple[int, int, int]) -> None:
    """Default weights: Gatys' notebook has content 1 and style 1000/N^2, jcjohnson content 5 and style 100."""
    F, C, S = (features(*size, seed) for seed in range(3))
    gatys_content, gatys_style = gatys_notebook(F, C, S)
    johnson_content, johnson_style = jcjohnson(F, C, S)
    torch.testing.assert_close(gatys_style, 10 * (100 * johnson_style))
    torch.testing.assert_close(gatys_style / gatys_content, 50 * (100 * johnson_style) / (5 * johnson_content))
    target = gram(S)
    assert style_factor("gatys-notebook", target) == pytest.approx(10 * 100 * style_factor("jcjohnson", target))


def test_relative_weights_do_not_depend_on_the_scale_of_the_features() -> None:
    F, C, S = (features(4, 3, 5, seed) for seed in range(3))
    once, thrice = relative(F, C, S), relative(3 * F, 3 * C, 3 * S)
    torch.testing.assert_close(once, thrice)
    black = torch.zeros(1, 4, 3, 5)
    assert 0 < content_factor("relative", black) < float("inf")
    assert 0 < style_factor("relative", gram(black)) < float("inf")


def test_unknown_convention() -> None:
    target = torch.ones(1, 2, 2, 2)
    for call in (partial(content_factor, "mine", target), partial(style_factor, "mine", target[0])):
        with pytest.raises(OptionError, match=r"no convention 'mine'; there are relative, half-mean, .*jcjohnson"):
            call()

"""The table of conventions: each published normalisation, written out, is its factors away from ours."""

from functools import partial

import pytest
import torch
from literal_losses import LITERAL
from torch import Tensor

from impasto.errors import OptionError
from impasto.losses.conventions import CONVENTIONS, content_factor, style_factor
from impasto.losses.gram import gram

LAYERS = [(4, 3, 5), (8, 2, 2), (1, 1, 1), (16, 6, 1)]


def features(N: int, H: int, W: int, seed: int) -> Tensor:
    return torch.randn(1, N, H, W, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


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
def test_gatys_is_ten_times_jcjohnson_and_fifty_times_his_ratio(size: tuple[int, int, int]) -> None:
    """Default weights: Gatys' notebook has content 1 and style 1000/N^2, jcjohnson content 5 and style 100."""
    F, C, S = (features(*size, seed) for seed in range(3))
    gatys_content, gatys_style = LITERAL["gatys-notebook"](F, C, S)
    johnson_content, johnson_style = LITERAL["jcjohnson"](F, C, S)
    torch.testing.assert_close(gatys_style, 10 * (100 * johnson_style))
    torch.testing.assert_close(gatys_style / gatys_content, 50 * (100 * johnson_style) / (5 * johnson_content))
    target = gram(S)
    assert style_factor("gatys-notebook", target) == pytest.approx(10 * 100 * style_factor("jcjohnson", target))


def test_relative_weights_do_not_depend_on_the_scale_of_the_features() -> None:
    F, C, S = (features(4, 3, 5, seed) for seed in range(3))
    once, thrice = (LITERAL["relative"](scale * F, scale * C, scale * S) for scale in (1, 3))
    torch.testing.assert_close(once, thrice)
    black = torch.zeros(1, 4, 3, 5)
    assert 0 < content_factor("relative", black) < float("inf")
    assert 0 < style_factor("relative", gram(black)) < float("inf")


def test_unknown_convention() -> None:
    target = torch.ones(1, 2, 2, 2)
    for call in (partial(content_factor, "mine", target), partial(style_factor, "mine", target[0])):
        with pytest.raises(OptionError, match=r"no convention 'mine'; there are relative, half-mean, .*jcjohnson"):
            call()

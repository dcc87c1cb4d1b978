"""The table of conventions: each published normalisation, written out, is its factors away from ours."""

from functools import partial

import pytest
import torch
from literal_losses import LITERAL
from random_tensors import normal

from impasto.errors import OptionError
from impasto.losses.conventions import CONVENTIONS, content_factor, style_factor
from impasto.losses.gram import gram

LAYERS = [(4, 3, 5), (8, 2, 2), (1, 1, 1), (16, 6, 1)]


def test_every_convention_is_checked() -> None:
    assert set(LITERAL) == set(CONVENTIONS)


@pytest.mark.parametrize("size", LAYERS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_factors_reproduce_the_source(convention: str, size: tuple[int, int, int]) -> None:
    F, C, S = (normal(1, *size, seed=seed) for seed in range(3))
    content, style = LITERAL[convention](F, C, S)
    ours_content = content_factor(convention, C) * (F - C).square().mean()
    ours_style = style_factor(convention, gram(S)) * (gram(F) - gram(S)).square().mean()
    torch.testing.assert_close(ours_content, content, rtol=1e-12, atol=0)
    torch.testing.assert_close(ours_style, style, rtol=1e-12, atol=0)


def test_relative_weights_of_nothing_are_finite() -> None:
    black = torch.zeros(1, 4, 3, 5)
    assert 0 < content_factor("relative", black) < float("inf")
    assert 0 < style_factor("relative", gram(black)) < float("inf")


def test_unknown_convention() -> None:
    target = torch.ones(1, 2, 2, 2)
    for call in (partial(content_factor, "mine", target), partial(style_factor, "mine", target[0])):
        with pytest.raises(OptionError, match=r"no convention 'mine'; there are relative, half-mean, .*jcjohnson"):
            call()

"""Strokes are drawn out along contours, short where edges cross, and sweep over plain places."""

from functools import partial

import numpy as np
import pytest
import torch

from impasto.colour import LUMA
from impasto.engine import strokes
from impasto.engine.statistics import Array
from impasto.engine.strokes import (
    CALM,
    LEAST_CONTRAST,
    LONG,
    USUAL_DEVIATION,
    contrast_of,
    gaussian,
    length_of,
)
from impasto.methods.adain.backend import Tensors

SIDE = 64

drawn = partial(strokes.drawn, Tensors())


def one(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


def grey(plane: Array) -> torch.Tensor:
    return torch.from_numpy(np.asarray(plane, np.float32)).expand(1, 3, -1, -1).contiguous()


def diagonal(tooth: float, period: float = 8) -> torch.Tensor:
    """Dark beside light, with saw-teeth of so many pixels between them, and so many pixels apart."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    edge = columns - rows + tooth * np.sign(np.sin((rows + columns) * np.sqrt(2) * np.pi / period))
    return grey(1 / (1 + np.exp(-edge)))


def test_without_reach_and_share_nothing_changes() -> None:
    painting, over = torch.rand(2, 3, 33, 40), torch.rand(2, 3, 33, 40)
    torch.testing.assert_close(drawn(painting, over, one(0), one(0), one(1)), painting, atol=1e-4, rtol=0)


@pytest.mark.parametrize("period", [3, 4, 8, 12])
def test_saw_teeth_at_a_contour_go_and_the_contour_stays_sharp(period: int) -> None:
    clean, toothed = diagonal(0), diagonal(1.5, period)
    of_clean, result = (drawn(x, clean, one(2.0), one(0), one(1)) for x in (clean, toothed))
    inside = slice(16, -16)
    before, after = ((x - y)[..., inside, inside].abs().mean() for x, y in ((toothed, clean), (result, of_clean)))
    assert after < 0.25 * before
    steepest = [(x[..., 1:] - x[..., :-1]).max() for x in (clean, result)]
    assert steepest[1] > 0.8 * steepest[0]


def test_strokes_stay_short_where_edges_cross() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    checks = grey(0.5 + 0.4 * np.sign(np.sin(0.8 * rows) * np.sin(0.8 * columns)))
    plain = torch.full_like(checks, 0.5)
    kept, gone = ((drawn(checks, over, one(2.0), one(0), one(1)) - checks).square().mean() for over in (checks, plain))
    assert kept < 0.6 * gone


def test_what_is_added_where_it_is_plain_is_taken_back_in_part() -> None:
    over = grey(np.where(np.arange(SIDE) < SIDE // 2, 0.5, 0.5 + 0.3 * np.sin(np.arange(SIDE)))[None].repeat(SIDE, 0))
    painting = over + 0.1
    added = drawn(painting, over, one(0), one(0.5), one(1)) - over
    assert added[..., :16].mean() == pytest.approx(0.1 * (1 - 0.5 * CALM), abs=1e-3)
    assert added[..., -16:].mean() == pytest.approx(0.1, abs=1e-3)


def test_what_is_added_beside_a_shape_is_taken_back_as_well() -> None:
    over = grey(np.where(np.arange(SIDE) < SIDE // 2, 0.2, 0.8)[None].repeat(SIDE, 0))
    taken = (over + 0.1 - drawn(over + 0.1, over, one(0), one(1), one(1)))[0, 0, SIDE // 2]
    assert taken[SIDE // 2 + 8 :].min() > 0.09 * CALM
    assert taken[SIDE // 2].abs() < 0.03


def test_strokes_sweep_along_the_slope_of_a_plain_place() -> None:
    rows, columns = np.mgrid[: 2 * SIDE, : 2 * SIDE]
    noise = grey(0.2 * np.random.default_rng(0).standard_normal(rows.shape))
    for slope in (rows, columns):
        over = grey(0.3 + 0.003 * slope)
        added = (drawn(over + noise, over, one(1.0), one(1), one(1)) - over)[0, 0, SIDE // 2 : -SIDE // 2]
        down, right = (added.diff(dim=side).square().mean() for side in (0, 1))
        along, across = (right, down) if slope is rows else (down, right)
        assert along < 0.15 * across
    over = torch.full_like(over, 0.5)
    without = drawn(over + noise, over, one(1.0), one(1), one(1))[0, 0]
    down, right = (without.diff(dim=side).square().mean() for side in (0, 1))
    assert down == pytest.approx(float(right), rel=0.3)


@pytest.mark.parametrize("times", [0.4, 1.5])
def test_a_picture_of_less_contrast_is_drawn_as_the_same_of_more(times: float) -> None:
    rng = np.random.default_rng(1)
    over, painting = (0.5 + 0.1 * grey(rng.standard_normal((SIDE, SIDE))) for _ in range(2))
    usual = drawn(painting, over, one(2.0), one(0.3), one(1))
    other = drawn(times * painting, times * over, one(2.0), one(0.3), one(times))
    torch.testing.assert_close(other, times * usual, atol=2e-3, rtol=0)


def test_contrast_is_that_of_brightness() -> None:
    pixels = np.random.default_rng(0).normal(0.5, 0.1, (3, 1000))
    found = contrast_of(np.cov(pixels)[None].astype(np.float32))
    assert found == pytest.approx((np.array(LUMA) @ pixels).std() / USUAL_DEVIATION, rel=0.01)
    assert contrast_of(np.zeros((1, 3, 3), np.float32)) == LEAST_CONTRAST


def test_a_painting_of_lines_has_longer_strokes_than_one_of_dots() -> None:
    rng = np.random.default_rng(0)
    lines = np.cumsum(rng.standard_normal(SIDE))[:, None].repeat(SIDE, 1)
    lines, dots = (grey(0.5 + 0.1 * x) for x in (lines - lines.mean(), rng.standard_normal((SIDE, SIDE))))
    of_lines, of_dots = (
        strokes.change(Tensors(), x, drawn(x, torch.zeros_like(x), one(LONG), one(0), one(1))) for x in (lines, dots)
    )
    assert length_of(float(of_dots)) < 0.2
    assert length_of(float(of_lines)) > 0.6


def test_a_gaussian_is_one_of_its_deviation() -> None:
    weights = gaussian(1.6)
    places = np.arange(len(weights)) - len(weights) // 2
    assert weights.sum() == pytest.approx(1)
    assert (weights * places**2).sum() == pytest.approx(1.6**2, rel=0.02)

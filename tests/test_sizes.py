"""Sizes that fit."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impasto.errors import OptionError
from impasto.sizes import fit, fit_within, largest_side

SIDES = st.integers(1, 20_000)


# On a busy machine, numbers take as long to draw as they do.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SIDES, SIDES, st.floats(1, 1e9))
def test_the_largest_side_fits_and_no_larger_one_does(height: int, width: int, pixels: float) -> None:
    side = largest_side(height, width, pixels)
    tall, wide = fit(height, width, side)
    assert tall * wide <= pixels or side == 1
    # Within what rounding of the shorter side leaves.
    more = int(side * 1.05) + 2
    tall, wide = fit(height, width, more)
    assert tall * wide > pixels or min(tall, wide) <= 40


def test_fit() -> None:
    assert fit(1000, 2000, 512) == (256, 512)
    assert fit(30, 40, None) == (30, 40)
    assert fit(1, 4000, 512) == (1, 512)
    assert fit(3, 2, 5) == (5, 3)
    assert fit(10, 10, 25) == (25, 25)
    with pytest.raises(OptionError, match="at least 1 pixel, not 0"):
        fit(3, 4, 0)


def test_the_shorter_side_may_round_up() -> None:
    """5909 was advised once, which has 786 pixels too many."""
    assert largest_side(7491, 1716, 8e6) == 5908


def test_what_is_no_larger_stays_as_it_is() -> None:
    assert fit_within(30, 40, 40) == fit_within(30, 40, 100) == (30, 40)
    assert fit_within(30, 40, 20) == fit(30, 40, 20) == (15, 20)

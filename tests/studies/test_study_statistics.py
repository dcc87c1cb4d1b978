"""Intervals and paired tests against tables of Student's distribution and against numbers worked out by hand."""

import math

import pytest

from impasto.errors import OptionError
from impasto.studies.statistics import comparisons, mean, quantile, within


@pytest.mark.parametrize(("freedom", "t"), [(1, 12.706), (2, 4.3027), (4, 2.7764), (9, 2.2622), (30, 2.0423)])
def test_quantiles_are_those_of_the_tables(freedom: int, t: float) -> None:
    assert quantile(0.95, freedom) == pytest.approx(t, rel=1e-4)
    assert within(t, freedom) == pytest.approx(0.95, abs=1e-4)


def test_a_mean_has_students_interval() -> None:
    found = mean([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.half == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    # t = 2 sqrt(3), two degrees of freedom: 1 - t / sqrt(t^2 + 2).
    assert found.p == pytest.approx(1 - math.sqrt(12 / 14), rel=1e-4)
    assert mean([0.5, 0.5]).half == 0
    assert (mean([0.0, 0.0, 0.0]).p, mean([1.0, 1.0, 1.0]).p) == (1, 0)
    with pytest.raises(OptionError, match="not 1"):
        mean([1.0])


def test_variants_are_paired_by_their_repetitions() -> None:
    """Seeds differ by much more than the variants, which a paired difference does not mind."""
    rows = [
        {"variant": name, "seed": seed, "loss": 10.0 * seed + more, "what": "text"}
        for seed in range(3)
        for name, more in (("plain", 0.0), ("other", 1.0 + 0.1 * seed))
    ]
    found = comparisons(rows[::-1], "variant", ["seed"], ["loss", "what", "none"])
    assert [(row["value"], row["variant"]) for row in found] == [("loss", "other"), ("loss", "plain")]
    found = comparisons(rows, "variant", ["seed"], ["loss"])
    plain, other = found
    assert "p" not in plain
    assert other["less plain"] == "1.1 ± 0.25"
    assert float(other["p"]) < 0.01
    assert comparisons(rows[:4], "variant", ["seed"], ["loss"]) == [], "two seeds say nothing"

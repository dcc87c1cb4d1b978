"""Intervals and paired tests against tables of Student's distribution and against numbers worked out by hand."""

import math

import pytest

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


def test_variants_are_paired_by_their_repetitions() -> None:
    """Seeds differ by much more than the variants, which a paired difference does not mind."""
    rows = [
        {"variant": name, "seed": seed, "loss": 10.0 * seed + more, "what": "text"}
        for seed in range(3)
        for name, more in (("plain", 0.0), ("other", 1.0 + 0.1 * seed))
    ]
    found = comparisons(rows[::-1], ["seed"], ["loss", "what", "none"])
    assert [(row["value"], row["variant"]) for row in found] == [("loss", "other"), ("loss", "plain")]
    found = comparisons(rows, ["seed"], ["loss"])
    plain, other = found
    assert "p" not in plain
    assert other["less plain"] == "1.1 ± 0.25"
    assert float(other["p"]) < 0.01
    assert comparisons(rows[:4], ["seed"], ["loss"]) == [], "two seeds say nothing"


def test_losses_are_compared_by_ratios_since_pairs_decide_how_large_they_are() -> None:
    """Twice as much with every pair, give or take a tenth: plain differences of these would show nothing."""
    rows = [
        {"variant": name, "pair": pair, "loss": times * 100.0**-pair, "zero": 0.0}
        for pair, apart in enumerate((0.9, 1.0, 1.1, 1.0))
        for name, times in (("plain", 1.0), ("other", 2.0 * apart))
    ]
    plain, other = comparisons(rows, ["pair"], ["loss", "zero"], ratios=True)
    logarithms = [math.log(2 * apart) for apart in (0.9, 1.0, 1.1, 1.0)]
    expected = mean(logarithms)
    assert plain == {"value": "loss", "variant": "plain", "geometric mean": "0.001"}
    low, high = (math.exp(expected.value + side * expected.half) for side in (-1, 1))
    assert other["times plain"] == f"{math.exp(expected.value):.3g} ({low:.3g} to {high:.3g})"
    assert (1.7 < low < 2 < high < 2.3, float(other["p"]) < 0.001) == (True, True)
    assert float(comparisons(rows, ["pair"], ["loss"])[1]["p"]) > 0.3

import math
import re

import pytest

from impasto.report import chart
from impasto.report.chart import BOTTOM, HEIGHT, LEFT, MOST_POINTS, RIGHT, TOP, WIDTH


def draw(title, curves):
    return chart.draw(title, curves, {name: number for number, name in enumerate(curves)})


def points(svg):
    return [
        [tuple(map(float, pair.split(","))) for pair in line.split()]
        for line in re.findall(r'polyline points="([^"]*)"', svg)
    ]


def test_ends_of_a_curve_are_at_the_ends_of_the_axes():
    svg = draw("loss", {"a": {0: 2.0, 50: 3.0, 100: 4.0}})
    [line] = points(svg)
    middle = ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2)
    assert line == [(LEFT, HEIGHT - BOTTOM), middle, (WIDTH - RIGHT, TOP)]


def test_what_spans_a_few_times_itself_is_logarithmic():
    [line] = points(draw("loss", {"a": {0: 1.0, 50: 10.0, 100: 100.0}}))
    assert line[1][1] == (TOP + HEIGHT - BOTTOM) / 2
    [line] = points(draw("loss", {"a": {0: -1.0, 50: 10.0, 100: 100.0}}))
    assert line[1][1] > (TOP + HEIGHT - BOTTOM) / 2 + 50


def test_crowded_curves_are_averaged_and_keep_their_mean():
    curve = {step: float(step % 7) for step in range(10_000)}
    thinned = chart._thinned(curve)
    assert len(thinned) == MOST_POINTS
    assert math.isclose(sum(thinned.values()) / len(thinned), sum(curve.values()) / len(curve), rel_tol=1e-3)
    assert next(iter(thinned)) == 12.0
    few = dict.fromkeys(range(MOST_POINTS), 1.0)
    assert chart._thinned(few) == few


@pytest.mark.parametrize(
    "curve", [{1: 1.0}, {1: 0.0, 2: 0.0}, {1: -5.0, 2: -5.0}, {5: 1e-30, 6: 1e30}, {1: 3.0, 2: math.nan, 3: math.inf}]
)
def test_odd_curves_stay_inside(curve):
    svg = draw("loss", {"a": curve})
    for x, y in (point for line in points(svg) for point in line):
        assert LEFT <= x <= WIDTH - RIGHT
        assert TOP <= y <= HEIGHT - BOTTOM
    assert "nan" not in svg
    assert svg.count("<text") < 20


def test_nothing_but_what_is_no_number():
    assert "No value of it is a number" in draw("loss", {"a": {1: math.nan}})


def test_names_are_escaped_and_said_to_those_who_do_not_see():
    svg = draw("<loss>", {'"a"': {1: 2.0, 2: 1.0}, "b": {1: 4.0}})
    assert "<loss>" not in svg
    assert 'aria-label="&lt;loss&gt; from step 1 to 2: &#34;a&#34; from 2 to 1; b from 4 to 4"' in svg
    assert svg.count("<li>") == 2
    assert 'r="3"' in svg, "a single value is a dot"


@pytest.mark.parametrize(
    ("ticks_of", "low", "high", "ticks"),
    [
        (chart._ticks, 0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (chart._ticks, 0, 20_000, [0, 5000, 10_000, 15_000, 20_000]),
        (chart._ticks, -3, 4, [-2, 0, 2, 4]),
        (chart._ticks, 0.31, 0.33, [0.31, 0.315, 0.32, 0.325, 0.33]),
        (chart._log_ticks, 0.3, 12, [0.5, 1, 2, 5, 10]),
        (chart._log_ticks, 0.01, 1000, [0.01, 0.1, 1, 10, 100, 1000]),
        (chart._log_ticks, 1, 1e12, [1, 100, 1e4, 1e6, 1e8, 1e10, 1e12]),
    ],
)
def test_ticks_are_round(ticks_of, low, high, ticks):
    assert list(ticks_of(low, high)) == ticks


@pytest.mark.parametrize(
    ("step", "said"),
    [(0, "0"), (500, "500"), (1500, "1.5k"), (20_000, "20k"), (1_250_000, "1250k"), (2e6, "2M"), (1234, "1,234")],
)
def test_steps_are_short(step, said):
    assert chart._short(step) == said


def test_a_label_keeps_its_colour_where_others_are_missing():
    colours = {"a": 0, "b": 1}
    assert "var(--c1)" in chart.draw("loss", {"b": {1: 1.0, 2: 2.0}}, colours)
    assert "var(--c0)" not in chart.draw("loss", {"b": {1: 1.0, 2: 2.0}}, colours)

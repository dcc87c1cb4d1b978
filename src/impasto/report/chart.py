"""Curves as an SVG inside a page, in the page's own colours."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from impasto.report.curves import Curve
from impasto.report.page import render

WIDTH, HEIGHT = 400, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 26
MOST_POINTS = 400
"""Points of a drawn curve; of more, neighbours are averaged."""
COLOURS = 6
"""How many the page has, as --c0 to --c5."""


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """From values to pixels. low, high: the ends, in values; first, last: where they are, in pixels."""

    low: float
    high: float
    first: float
    last: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(x) if self.is_log else x for x in (self.low, self.high, value))
        return self.first + (value - low) / (high - low) * (self.last - self.first)


def draw(title: str, curves: Mapping[str, Curve], colours: Mapping[str, int]) -> Markup:
    """A figure of curves with a legend. Values that are not finite are left out; what spans a few times itself has a
    logarithmic axis.

    colours: {curve: number of its colour}.
    """
    finite = {name: {x: y for x, y in curve.items() if math.isfinite(y)} for name, curve in curves.items()}
    shown = {name: curve for name, curve in finite.items() if curve}
    if not shown:
        return render("chart.html", title=title, lines=[])
    across, up = _axes(shown)
    lines = [
        {
            "name": name,
            "colour": f"var(--c{colours[name] % COLOURS})",
            "points": [(_tenth(across(x)), _tenth(up(y))) for x, y in _thinned(curve).items()],
            "first": f"{next(iter(curve.values())):.3g}",
            "last": f"{list(curve.values())[-1]:.3g}",
        }
        for name, curve in shown.items()
    ]
    said = "; ".join("{name} from {first} to {last}".format(**line) for line in lines)
    values = _log_ticks(up.low, up.high) if up.is_log else _ticks(up.low, up.high)
    return render(
        "chart.html", title=title, lines=lines, width=WIDTH, height=HEIGHT, left=LEFT, right=WIDTH - RIGHT,
        label=f"{title} from step {across.low:g} to {across.high:g}: {said}",
        up=[(_tenth(up(value)), f"{value:g}") for value in values],
        across=[(_tenth(across(x)), _short(x)) for x in _ticks(across.low, across.high) if x == round(x)],
    )  # fmt: skip


def _axes(curves: Mapping[str, Curve]) -> tuple[_Axis, _Axis]:
    steps = [step for curve in curves.values() for step in curve]
    values = [value for curve in curves.values() for value in _thinned(curve).values()]
    low, high = min(values), max(values)
    is_log = 0 < 3 * low < high
    if low == high:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    first, last = min(steps), max(steps)
    if first == last:
        first, last = first - 1, last + 1
    across = _Axis(low=first, high=last, first=LEFT, last=WIDTH - RIGHT)
    return across, _Axis(low=low, high=high, first=HEIGHT - BOTTOM, last=TOP, is_log=is_log)


def _tenth(pixels: float) -> float:
    return round(pixels, 1)


def _thinned(curve: Curve) -> dict[float, float]:
    """At most so many points as can be told apart, each the mean of its neighbourhood, at its middle."""
    points = list(curve.items())
    size = math.ceil(len(points) / MOST_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return {
        math.fsum(x for x, _ in group) / len(group): math.fsum(y for _, y in group) / len(group) for group in groups
    }


def _ticks(low: float, high: float, most: int = 5) -> Sequence[float]:
    """Round numbers in a range, at distances of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [float(f"{number * step:.10g}") for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> Sequence[float]:
    """1, 2 and 5 times powers of ten over two decades, and the powers alone over more, at most about six of them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if high < 100 * low else (1,)
    every = max(1, round(len(powers) / 6)) if factors == (1,) else 1
    ticks = [float(f"{factor}e{power}") for power in powers[::every] for factor in factors]
    return [value for value in ticks if low <= value <= high]


def _short(step: float) -> str:
    """'1,500', '20k', '1.2M'."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if step >= 10 * size or (step >= size and step % (size / 10) == 0):
            return f"{step / size:g}{letter}"
    return f"{step:,g}"

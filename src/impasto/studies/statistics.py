"""What repetitions of an experiment allow to say: intervals of means, and paired differences between its variants."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

FEWEST = 3
"""Repetitions from which on there are intervals; of two, they are tens of times as wide as the difference."""

LEVEL = 0.95

_POINTS = 20_001


@dataclass(frozen=True)
class Mean:
    """With half the width of its interval at LEVEL, and the probability of a mean so far from 0 if it were 0."""

    value: float
    half: float
    p: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ± {self.half:.2g}"


def mean(values: Sequence[float]) -> Mean:
    """Student's interval and two-sided test, of two values or more."""
    wide = torch.tensor(values, dtype=torch.float64)
    freedom = len(values) - 1
    error = float(wide.std() / math.sqrt(len(values)))
    middle = float(wide.mean())
    ratio = abs(middle) / error if error else (math.inf if middle else 0.0)
    return Mean(middle, quantile(LEVEL, freedom) * error, 1 - within(ratio, freedom))


def within(t: float, freedom: int) -> float:
    """Share of Student's distribution between -t and t."""
    if math.isinf(t):
        return 1.0
    # As an angle the density has no tails: t = sqrt(freedom) tan(angle).
    angle = torch.linspace(0, math.atan(t / math.sqrt(freedom)), _POINTS, dtype=torch.float64)
    scale = 2 * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return min(1.0, scale * float(torch.trapezoid(angle.cos() ** (freedom - 1), angle)))


def quantile(share: float, freedom: int) -> float:
    """t with so much of Student's distribution between -t and t."""
    low, high = 0.0, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def comparisons(
    rows: Sequence[Mapping[str, Any]], repeated: Sequence[str], measures: Sequence[str], *, ratios: bool = False
) -> list[dict[str, str]]:
    """A row for each variant, named by the column of that name, and measure: its mean, and its paired difference from
    the first variant.

    repeated: columns that name the repetition, by which rows are paired. ratios: of positive values, whose size the
    repetition decides, as that of a loss; geometric means then, and paired ratios. Nothing for fewer than FEWEST
    repetitions, and for a measure that a row has not.
    """
    compare = _ratio if ratios else _difference
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    table = {(row["variant"], tuple(row[name] for name in repeated)): row for row in rows}
    repetitions = list(dict.fromkeys(key for _, key in table))
    if len(repetitions) < FEWEST:
        return []
    compared = []
    for measure in measures:
        values: dict[str, list[Any]] = {
            variant: [table.get((variant, key), {}).get(measure) for key in repetitions] for variant in variants
        }
        first = values[variants[0]]
        for variant, own in values.items():
            if all(isinstance(value, int | float) and (value > 0 or not ratios) for value in own + first):
                compared.append({"value": measure, "variant": variant, **compare(own, first, variants[0])})
    return compared


def _difference(own: Sequence[float], first: Sequence[float], name: str) -> dict[str, str]:
    cells = {"mean": str(mean(own))}
    if own is not first:
        apart = mean([one - other for one, other in zip(own, first, strict=True)])
        cells |= {f"less {name}": str(apart), "p": f"{apart.p:.2g}"}
    return cells


def _ratio(own: Sequence[float], first: Sequence[float], name: str) -> dict[str, str]:
    cells = {"geometric mean": f"{math.exp(mean([math.log(one) for one in own]).value):.3g}"}
    if own is not first:
        apart = mean([math.log(one / other) for one, other in zip(own, first, strict=True)])
        middle, low, high = (math.exp(apart.value + side * apart.half) for side in (0, -1, 1))
        cells |= {f"times {name}": f"{middle:.3g} ({low:.3g} to {high:.3g})", "p": f"{apart.p:.2g}"}
    return cells


def explained(repetitions: int, what: str, *, ratios: bool = False) -> str:
    """What a table of `comparisons` is, for its reader. what: the repetitions are, in the singular."""
    means, apart, least = (
        ("geometric means", "ratios to the first variant", 1)
        if ratios
        else (f"means with intervals of {LEVEL:.0%} (Student)", "differences from the first variant", 0)
    )
    return (
        f"Over {repetitions} {what}s: {means}, and {apart}, paired by {what}, with intervals of {LEVEL:.0%} and the"
        f" probability of one so large by chance. A row whose interval holds {least} shows nothing; of many rows, one"
        " in twenty has p under 0.05 by chance alone."
    )

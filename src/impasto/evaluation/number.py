"""One number and everything that has to be known to measure it again."""

import hashlib
import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

from impasto.metrics import larger_is_better

Protocol = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Number:
    """subject: of what. measure: what was measured, with the network's name where it is not the standard one. spread:
    a standard deviation, and `spread_over` what it is over. count: pictures or pairs, or runs if it is a mean of runs.
    """

    subject: str
    measure: str
    value: float
    count: int
    spread: float | None = None
    spread_over: str = ""
    protocol: Protocol = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Equal for numbers of equal protocols."""
        text = json.dumps(self.protocol, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def better(self) -> str:
        """'more' or 'less'."""
        return "more" if larger_is_better(self.measure) else "less"

    @property
    def shown(self) -> str:
        """'0.81', '18.4 ± 2.1'."""
        return f"{self.value:.4g}" if self.spread is None else f"{self.value:.4g} ± {self.spread:.2g}"


def software() -> dict[str, str]:
    """What every protocol names: versions decide numbers, too."""
    names = ("impasto", "torch", "numpy", "pillow", "pyvips")
    return {name: version(name) for name in names} | {"python": platform.python_version()}


def over_runs(runs: Sequence[Sequence[Number]]) -> list[Number]:
    """Means and sample standard deviations of the numbers that all runs have, by subject and measure."""
    tables = [{(number.subject, number.measure): number for number in run} for run in runs]
    means = []
    for key, first in tables[0].items():
        if not all(key in table for table in tables):
            continue
        found = [table[key] for table in tables]
        values = [number.value for number in found]
        means.append(
            replace(
                first,
                subject=f"{first.subject}, mean of {len(runs)} runs",
                value=statistics.fmean(values),
                spread=statistics.stdev(values),
                spread_over="runs",
                count=len(runs),
                protocol={"runs": [dict(number.protocol) for number in found]},
            )
        )
    return means

"""Whether raters agree: Krippendorff's α, for whatever was answered, and Kendall's W, for raters who answered all."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ratings = NDArray[np.float64]
"""(raters, units); NaN where a rater did not answer."""

Metric = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(ratings: Ratings, metric: Metric = "interval") -> float | None:
    """Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: 1 - D_o / D_e, of (raters, units) -> a number.

    1 is perfect agreement, 0 is that of chance, less is worse than chance. metric: nominal, ordinal or interval.
    None if no unit has two answers, or if all of them are one value, about which nothing can be said.
    """
    present = ~np.isnan(ratings)
    pairable = present.sum(0) >= 2
    values = np.unique(ratings[:, pairable][present[:, pairable]])
    if len(values) < 2:
        return None
    # (units, values): how many raters gave this value.
    counts = (ratings[:, pairable, None] == values).sum(0).astype(np.float64)
    raters = counts.sum(1, keepdims=True)
    # Each unit contributes its ordered pairs of different raters, divided by one less than its raters.
    coincidences = (counts / (raters - 1)).T @ counts - np.diag((counts / (raters - 1)).sum(0))
    totals = coincidences.sum(1)
    squared = _squared_differences(metric, values, totals)
    observed = (coincidences * squared).sum()
    expected = (np.outer(totals, totals) * squared).sum() / (totals.sum() - 1)
    return float(1 - observed / expected)


def _squared_differences(metric: Metric, values: Ratings, totals: Ratings) -> Ratings:
    """(values), how often each was given -> (values, values)."""
    match metric:
        case "nominal":
            return 1 - np.eye(len(values))
        case "ordinal":
            # Between two values lie all answers in between, and half of those at both ends.
            values = np.cumsum(totals) - totals / 2
    return np.square(values[:, None] - values)


def kendall_w(ratings: Ratings) -> float | None:
    """Kendall and Babington Smith, 1939, corrected for ties: (raters, units) -> 0, no agreement, to 1, one order.

    W = (12 Σ R² - 3 m² n (n + 1)²) / (m² n (n² - 1) - m Σ T), R the units' sums of ranks, T = Σ (t³ - t) over the
    ties of each rater. Only raters who answered everything count. None for fewer than two of them, for fewer than two
    units, and if nobody made any difference between the units.
    """
    complete = ratings[~np.isnan(ratings).any(1)]
    m, n = complete.shape
    if m < 2 or n < 2:
        return None
    sums = np.stack([ranks(row) for row in complete]).sum(0)
    ties = sum(float((counts**3 - counts).sum()) for counts in map(_tied, complete))
    most = m**2 * n * (n**2 - 1) - m * ties
    if most == 0:
        return None
    return float((12 * np.square(sums).sum() - 3 * m**2 * n * (n + 1) ** 2) / most)


def ranks(values: Ratings) -> Ratings:
    """(n) -> (n): 1 for the lowest; equal values share the mean of their ranks."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[where]


def _tied(values: Ratings) -> NDArray[np.int64]:
    return np.unique(values, return_counts=True)[1]

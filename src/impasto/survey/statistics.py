"""What answers say: ratings with their spread, whether raters agree, and how far methods are preferred; all with what
another choice of people might have made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from impasto.survey.questions import SCALE

Ratings = NDArray[np.float64]
"""(raters, units); NaN where a rater did not answer."""
Wins = NDArray[np.float64]
"""(..., methods, methods): how often the first was preferred to the second."""
Interval = tuple[float, float]

_AT_ONCE = 1000
_MOST_STEPS = 100
_CLOSE = 1e-10

# --- ratings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are found. resamples: how often other people are drawn. level: how much an interval holds."""

    seed: int = 0
    resamples: int = 10_000
    level: float = 0.95

    def weights(self, people: int) -> Iterator[NDArray[np.int64]]:
        """How often each of the people is drawn: (up to 1000, people), until there are all resamples.

        People are drawn, not answers: those of one person belong together.
        """
        random = np.random.default_rng(self.seed)
        for start in range(0, self.resamples, _AT_ONCE):
            count = min(_AT_ONCE, self.resamples - start)
            yield random.multinomial(people, np.full(people, 1 / people), size=count)

    def interval(self, values: NDArray[np.float64]) -> Interval | None:
        """The percentile interval of (resamples); resamples in which the value does not exist (NaN) are left out."""
        present = values[~np.isnan(values)]
        if not present.size:
            return None
        outside = (1 - self.level) / 2
        low, high = np.quantile(present, [outside, 1 - outside])
        return float(low), float(high)


@dataclass(frozen=True)
class Summary:
    """Some ratings. deviation: of a sample; None for a single answer. histogram: answers with 1, 2, ... SCALE."""

    answers: int
    mean: float
    deviation: float | None
    interval: Interval | None
    histogram: tuple[int, ...]


def summarise(ratings: Ratings, bootstrap: Bootstrap) -> tuple[list[Summary | None], Summary | None]:
    """(people, pictures) of ratings, NaN where there is none -> a summary of each picture, and of all of them.

    The mean of all is that of the pictures' means, so that each picture counts the same. Its interval speaks of other
    people who judge the same pictures. None where there is no answer.
    """
    answered = ~np.isnan(ratings)
    if not answered.any():
        return [None] * ratings.shape[1], None
    resampled = np.concatenate([_means(weights, ratings) for weights in bootstrap.weights(len(ratings))])
    pictures = [
        _summary(ratings[:, i], float(ratings[answered[:, i], i].mean()), bootstrap.interval(resampled[:, i]))
        if answered[:, i].any()
        else None
        for i in range(ratings.shape[1])
    ]
    mean = float(np.mean([picture.mean for picture in pictures if picture is not None]))
    present = ~np.isnan(resampled)
    sums, counts = np.where(present, resampled, 0).sum(1), present.sum(1)
    overall = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return pictures, _summary(ratings.ravel(), mean, bootstrap.interval(overall))


def _means(weights: NDArray[np.int64], ratings: Ratings) -> NDArray[np.float64]:
    """(resamples, people), (people, pictures) -> (resamples, pictures); NaN where nobody who answered was drawn."""
    answered = ~np.isnan(ratings)
    sums = weights @ np.where(answered, ratings, 0)
    counts = weights @ answered.astype(np.int64)
    return np.asarray(np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0))


def _summary(ratings: Ratings, mean: float, interval: Interval | None) -> Summary:
    given = ratings[~np.isnan(ratings)]
    counts = np.bincount(given.astype(np.int64), minlength=SCALE + 1)[1:]
    deviation = float(given.std(ddof=1)) if given.size > 1 else None
    return Summary(int(given.size), mean, deviation, interval, tuple(int(count) for count in counts))


# --- agreement --------------------------------------------------------------------------------------------------------


def krippendorff_alpha(ratings: Ratings, metric: Literal["nominal", "interval"] = "interval") -> float | None:
    """Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: 1 - D_o / D_e, of (raters, units) -> a number.

    1 is perfect agreement, 0 is that of chance, less is worse than chance.
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
    squared = 1 - np.eye(len(values)) if metric == "nominal" else np.square(values[:, None] - values)
    observed = (coincidences * squared).sum()
    expected = (np.outer(totals, totals) * squared).sum() / (totals.sum() - 1)
    return float(1 - observed / expected)


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
    tied = [np.unique(row, return_counts=True)[1] for row in complete]
    ties = sum(float((counts**3 - counts).sum()) for counts in tied)
    most = m**2 * n * (n**2 - 1) - m * ties
    if most == 0:
        return None
    return float((12 * np.square(sums).sum() - 3 * m**2 * n * (n + 1) ** 2) / most)


def ranks(values: Ratings) -> Ratings:
    """(n) -> (n): 1 for the lowest; equal values share the mean of their ranks."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[where]


# --- preferences ------------------------------------------------------------------------------------------------------


def bradley_terry(wins: Wins) -> Wins:
    """Bradley and Terry, 1952: wins (..., n, n) -> scores (..., n), natural logarithms of strength, of mean 0.

    P(i is preferred to j) = 1 / (1 + exp(score j - score i)). The scores are the most likely ones, found by Newton's
    steps, damped as Sun and Tran-Dinh (2019) prove to converge from anywhere for sums of such logistic terms.

    A method that was never preferred, or always, has no most likely score. Then half a win each way is added to every
    two methods that met; `is_determined` tells where.
    """
    met = (wins + np.swapaxes(wins, -1, -2)) > 0
    wins = wins + 0.5 * met * ~is_determined(wins)[..., None, None]
    games = wins + np.swapaxes(wins, -1, -2)
    scores = np.zeros(wins.shape[:-1])
    for _ in range(_MOST_STEPS):
        step = _newton(wins, games, scores)
        length = np.sqrt(2) * np.linalg.norm(step, axis=-1, keepdims=True)
        scores = scores + step * np.where(length > _CLOSE, np.log1p(length) / np.maximum(length, _CLOSE), 1)
        if length.max(initial=0) < _CLOSE:
            break
    return np.asarray(scores - scores.mean(-1, keepdims=True))


def _newton(wins: Wins, games: Wins, scores: Wins) -> Wins:
    """What a whole step of Newton would add to the scores."""
    chances = 1 / (1 + np.exp(scores[..., None, :] - scores[..., :, None]))
    gradient = wins.sum(-1) - (games * chances).sum(-1)
    curvature = games * chances * (1 - chances)
    # The Laplacian of a graph. All scores may move together, as may those of methods that met no other: such
    # directions have no curvature, and the pseudo-inverse stays out of them.
    laplacian = curvature.sum(-1)[..., None] * np.eye(wins.shape[-1]) - curvature
    return np.asarray((np.linalg.pinv(laplacian, rcond=1e-10, hermitian=True) @ gradient[..., None])[..., 0])


def is_determined(wins: Wins) -> NDArray[np.bool_]:
    """(..., n, n) -> (...): whether from every method a chain of wins leads to every other one (Ford, 1957)."""
    n = wins.shape[-1]
    reached = (wins > 0) | np.eye(n, dtype=bool)
    for _ in range(n.bit_length()):
        reached = np.matmul(reached.astype(np.int64), reached.astype(np.int64)) > 0
    return np.asarray(reached.all((-1, -2)))

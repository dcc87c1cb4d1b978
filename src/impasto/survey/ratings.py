"""What people gave on a scale: means, spread, and how far another choice of people might have moved them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impasto.survey.agreement import Ratings

SCALE = 10
"""Points of the scale, from 1."""

_AT_ONCE = 1000

Interval = tuple[float, float]


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

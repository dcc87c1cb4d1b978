"""What a survey found, in numbers and in words: ratings as paper 004 gives them, and preferences between methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from impasto.survey.questions import SCALE
from impasto.survey.statistics import (
    Bootstrap,
    Interval,
    Ratings,
    Summary,
    Wins,
    bradley_terry,
    is_determined,
    kendall_w,
    krippendorff_alpha,
    summarise,
)
from impasto.survey.store import Answer, Store, SurveySettings

UNDETERMINED = (
    "half a win each way was added to every two methods that met, because some method was always preferred, or never"
)


@dataclass(frozen=True)
class Rated:
    """How the results of one method were rated. people: who rated any. pictures: for each pair; None where nobody did.

    alpha: Krippendorff's, of the interval scale, over all answers. w: Kendall's, of the raters who rated all pictures.
    """

    method: str
    people: int
    pictures: tuple[Summary | None, ...]
    overall: Summary | None
    alpha: float | None
    w: float | None

    @property
    def finding(self) -> str:
        """The sentence in which paper 004 reports its survey."""
        if self.overall is None:
            return "Nobody has rated a picture yet."
        means = [picture.mean for picture in self.pictures if picture is not None]
        asked = f"{_count(self.people, 'person', 'people')} rated {_count(len(means), 'picture', 'pictures')}"
        per_picture = f", {min(means):.1f} to {max(means):.1f} per picture" if len(means) > 1 else ""
        return f"{asked} on a {SCALE}-point scale: {self.overall.mean:.1f} on average{per_picture}."

    def spread(self, level: float) -> str:
        """How sure the mean is, how far single answers lie apart, and whether people agree."""
        if self.overall is None:
            return ""
        parts = [f"mean {self.overall.mean:.2f}"]
        if self.overall.interval is not None:
            parts.append(f"{100 * level:g} % interval {between(self.overall.interval)}")
        if self.overall.deviation is not None:
            parts.append(f"standard deviation of single answers {self.overall.deviation:.2f}")
        parts += [f"Krippendorff's α {_number(self.alpha)}", f"Kendall's W {_number(self.w)}"]
        return ", ".join(parts)


@dataclass(frozen=True)
class Preferred:
    """Which methods were preferred. kind: ab, or rank, where each ranking counts as all of its pairs.

    wins: how often the row's method was preferred to the column's. scores: Bradley and Terry's, with their intervals.
    determined: whether the answers alone decide the scores, or half a win each way had to be added.
    agreement: ab, Krippendorff's nominal alpha over questions; rank, the mean over pairs of Kendall's W.
    """

    kind: str
    answers: int
    wins: tuple[tuple[int, ...], ...]
    scores: tuple[float, ...]
    intervals: tuple[Interval | None, ...]
    determined: bool
    agreement: float | None

    @property
    def finding(self) -> str:
        """How many compared, and whether they agree."""
        name = "Krippendorff's α" if self.kind == "ab" else "mean of Kendall's W"
        text = f"{_count(self.answers, 'answer', 'answers')}, {name} {_number(self.agreement)}"
        return text if self.determined or not self.answers else f"{text}; {UNDETERMINED}"


@dataclass(frozen=True)
class Report:
    """A survey's outcome. invited, started, finished: people with a link, with an answer, with all of theirs."""

    survey: str
    settings: SurveySettings
    pairs: tuple[str, ...]
    bootstrap: Bootstrap
    invited: int
    started: int
    finished: int
    answers: int
    rated: tuple[Rated, ...]
    preferred: tuple[Preferred, ...]


def between(interval: Interval) -> str:
    """The two ends in words."""
    return f"{interval[0]:.2f} to {interval[1]:.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _count(many: int, one: str, more: str) -> str:
    return f"{many} {one if many == 1 else more}"


def make_report(store: Store, bootstrap: Bootstrap) -> Report:
    """Every answer there is by now counts, those of people who have not finished too."""
    people = store.people
    answers = store.answers()
    counts = np.bincount([answer.participant for answer in answers], minlength=1)
    # A row for each person who answered anything.
    row = {person: index for index, person in enumerate(np.flatnonzero(counts).tolist())}
    methods, kinds = store.settings.methods, store.settings.kinds
    rated = [_rated(answers, row, number, store, bootstrap) for number in range(len(methods) if "rate" in kinds else 0)]
    preferred = [_preferred(answers, row, kind, store, bootstrap) for kind in kinds if kind != "rate"]
    return Report(
        store.id, store.settings, store.pairs, bootstrap, people, len(row),
        int((counts == len(store.questions)).sum()), len(answers), tuple(rated), tuple(preferred),
    )  # fmt: skip


def _rated(answers: Sequence[Answer], row: dict[int, int], method: int, store: Store, bootstrap: Bootstrap) -> Rated:
    ratings = np.full((len(row), len(store.pairs)), np.nan)
    for answer in answers:
        if answer.question.kind == "rate" and answer.shown[0] == method:
            ratings[row[answer.participant], answer.question.pair] = answer.value
    pictures, overall = summarise(ratings, bootstrap)
    people = int((~np.isnan(ratings)).any(1).sum())
    return Rated(
        store.settings.methods[method], people, tuple(pictures), overall,
        krippendorff_alpha(ratings), kendall_w(ratings),
    )  # fmt: skip


def _preferred(
    answers: Sequence[Answer], row: dict[int, int], kind: str, store: Store, bootstrap: Bootstrap
) -> Preferred:
    methods = len(store.settings.methods)
    chosen = [answer for answer in answers if answer.question.kind == kind]
    wins = np.zeros((len(row), methods, methods))
    for answer in chosen:
        for better, worse in combinations(answer.best_first, 2):
            wins[row[answer.participant], better, worse] += 1
    total = wins.sum(0)
    resampled = _resampled_scores(wins, bootstrap)
    agreement = _choices_agree(chosen, row) if kind == "ab" else _rankings_agree(chosen, row, store)
    return Preferred(
        kind, len(chosen), tuple(tuple(int(n) for n in line) for line in total),
        tuple(bradley_terry(total).tolist()),
        tuple(bootstrap.interval(resampled[:, method]) for method in range(methods)),
        bool(is_determined(total)), agreement,
    )  # fmt: skip


def _resampled_scores(wins: Wins, bootstrap: Bootstrap) -> NDArray[np.float64]:
    """(people, methods, methods) -> (resamples, methods)."""
    people, methods, _ = wins.shape
    if not people:
        return np.empty((0, methods))
    parts = [
        bradley_terry((weights @ wins.reshape(people, -1)).reshape(-1, methods, methods))
        for weights in bootstrap.weights(people)
    ]
    return np.concatenate(parts)


def _choices_agree(answers: Sequence[Answer], row: dict[int, int]) -> float | None:
    units = {question: i for i, question in enumerate(dict.fromkeys(answer.question for answer in answers))}
    choices = np.full((len(row), len(units)), np.nan)
    for answer in answers:
        choices[row[answer.participant], units[answer.question]] = answer.best_first[0]
    return krippendorff_alpha(choices, "nominal")


def _rankings_agree(answers: Sequence[Answer], row: dict[int, int], store: Store) -> float | None:
    places: Ratings = np.full((len(store.pairs), len(row), len(store.settings.methods)), np.nan)
    for answer in answers:
        for place, method in enumerate(answer.best_first):
            places[answer.question.pair, row[answer.participant], method] = place
    agreements = [w for w in map(kendall_w, places) if w is not None]
    return float(np.mean(agreements)) if agreements else None

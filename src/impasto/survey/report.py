"""What a survey found, in numbers: ratings as paper 004 gives them, and preferences between methods."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impasto.survey.agreement import Ratings, kendall_w, krippendorff_alpha
from impasto.survey.preferences import Wins, bradley_terry, is_determined
from impasto.survey.ratings import Bootstrap, Interval, Summary, summarise
from impasto.survey.store import Answer, Store, SurveySettings


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
    def lowest(self) -> float:
        """The mean of the picture that was rated lowest."""
        return min(picture.mean for picture in self.pictures if picture is not None)

    @property
    def highest(self) -> float:
        """The mean of the picture that was rated highest."""
        return max(picture.mean for picture in self.pictures if picture is not None)


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
        best_first = order_of(answer)
        for place, better in enumerate(best_first):
            for worse in best_first[place + 1 :]:
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


def order_of(answer: Answer) -> tuple[int, ...]:
    """The methods of a comparison, the best first: the page's letters are not the methods' numbers."""
    if answer.question.kind == "ab":
        return answer.shown[answer.value], answer.shown[1 - answer.value]
    return tuple(answer.shown[index] for index in answer.value)


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
        choices[row[answer.participant], units[answer.question]] = order_of(answer)[0]
    return krippendorff_alpha(choices, "nominal")


def _rankings_agree(answers: Sequence[Answer], row: dict[int, int], store: Store) -> float | None:
    places: Ratings = np.full((len(store.pairs), len(row), len(store.settings.methods)), np.nan)
    for answer in answers:
        for place, method in enumerate(order_of(answer)):
            places[answer.question.pair, row[answer.participant], method] = place
    agreements = [w for w in map(kendall_w, places) if w is not None]
    return float(np.mean(agreements)) if agreements else None

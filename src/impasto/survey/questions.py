"""What is asked: about which pair, of which methods, and what counts as an answer."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from impasto.errors import ImpastoError, OptionError

SCALE = 10
"""Points of the scale, from 1."""
KINDS = ("rate", "ab", "rank")
"""Each result alone, on a scale; two methods side by side, blind: which is better; all methods so, put in order."""
MOST_METHODS = 8
"""Each has a letter and a key, and all of them fit on a page."""

MOST_QUESTIONS = 500


class AnswerError(ImpastoError):
    """What was sent is no answer to the question."""


@dataclass(frozen=True)
class Question:
    """One question. kind: of KINDS. pair: its number. methods: numbers of those whose results are shown."""

    kind: str
    pair: int
    methods: tuple[int, ...]


def make_questions(kinds: Sequence[str], pairs: int, methods: int) -> list[Question]:
    """Every question of a survey. Raises OptionError if methods are too few or too many, or questions too many."""
    if len(kinds) != len(set(kinds)) or not kinds or not set(kinds) <= set(KINDS):
        raise OptionError(f"ask is '{','.join(kinds)}', but must be of {', '.join(KINDS)}, each at most once")
    if methods > MOST_METHODS:
        raise OptionError(f"{methods} methods are too many for one survey; {MOST_METHODS} is the most")
    for kind in kinds:
        if kind != "rate" and methods < 2:
            raise OptionError(f"ask is '{kind}', which needs the results of two methods or more")
    questions = [
        Question(kind, pair, shown)
        for kind in kinds
        for pair in range(pairs)
        for shown in _shown_together(kind, methods)
    ]
    if len(questions) > MOST_QUESTIONS:
        raise OptionError(f"these are {len(questions)} questions for each person; {MOST_QUESTIONS} is the most")
    return questions


def _shown_together(kind: str, methods: int) -> list[tuple[int, ...]]:
    everyone = range(methods)
    match kind:
        case "rate":
            return [(method,) for method in everyone]
        case "ab":
            return list(combinations(everyone, 2))
    return [tuple(everyone)]


def shuffled(questions: Sequence[Question], chance: random.Random) -> list[tuple[int, tuple[int, ...]]]:
    """One person's course: (number of the question, its methods in the order in which they are shown).

    Kinds stay together, in the order in which they were asked for, because changing the task tires.
    """
    course: list[tuple[int, tuple[int, ...]]] = []
    for kind in dict.fromkeys(question.kind for question in questions):
        numbers = [number for number, question in enumerate(questions) if question.kind == kind]
        chance.shuffle(numbers)
        for number in numbers:
            shown = list(questions[number].methods)
            chance.shuffle(shown)
            course.append((number, tuple(shown)))
    return course


def check_answer(kind: str, shown: int, value: Any) -> None:
    """Raises AnswerError unless `value` answers a question of this kind that shows so many results.

    rate: 1 to SCALE. ab: 0 or 1, which of the two shown. rank: all of 0, 1, ..., the best first.
    """
    if kind == "rank":
        expected = f"all of the numbers 0 to {shown - 1}, the best first"
        right = isinstance(value, list) and all(map(_is_whole, value)) and sorted(value) == list(range(shown))
    else:
        low, high = (1, SCALE) if kind == "rate" else (0, shown - 1)
        expected = f"a whole number from {low} to {high}"
        right = _is_whole(value) and low <= value <= high
    if not right:
        raise AnswerError(f"an answer here is {expected}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

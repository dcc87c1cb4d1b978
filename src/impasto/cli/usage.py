"""What was wrong with the words of a command line, where cyclopts's own message says too little."""

from collections.abc import Sequence
from typing import get_args

from cyclopts import App, CoercionError, CycloptsError, UnusedCliTokensError

from impasto.methods import every_field
from impasto.options import described_range

NUMBERS = {int: "a whole number", float: "a number"}


def said_of_usage(error: CycloptsError, command: App, words: Sequence[str]) -> str:
    """words: of the command line, those of the command among them."""
    match error:
        case UnusedCliTokensError(unused_tokens=[first, *_]):
            return _too_many(first, command, words) or f"'{first}' is one word too many"
        case CoercionError(target_type=kind) if kind in NUMBERS and error.token and error.argument:
            return _no_number(error.argument.name, error.token.value, NUMBERS[kind])
    return str(error)


def _too_many(unused: str, command: App, words: Sequence[str]) -> str:
    """Of values after an option that takes one; empty if it is something else that is unused."""
    place = words.index(unused) if unused in words else 0
    while place > 0 and not _is_flag(words[place]):
        place -= 1
    rest = [*words[place + 1 :], "--"]
    values = rest[: next(number for number, word in enumerate(rest) if _is_flag(word))]
    argument = next((one for one in command.assemble_argument_collection() if words[place] in one.names), None)
    if argument is None:
        return ""
    is_text = str in (argument.hint, *get_args(argument.hint))
    hint = f"; write {','.join(values)}" if is_text and all(_number(value) is not None for value in values) else ""
    return f"{words[place]} takes one value, but there are {len(values)}: {' '.join(values)}{hint}"


def _is_flag(word: str) -> bool:
    return word.startswith("-") and _number(word) is None


def _no_number(flag: str, value: str, kind: str) -> str:
    owners = every_field().get(flag.removeprefix("--").replace("-", "_"), {})
    limits = next((described_range(item.metadata) for item in owners.values()), "")
    share = _number(value.removesuffix("%").replace(",", "."))
    meant = share if share is None or not value.endswith("%") else share / 100
    hint = "" if meant is None else f"; did you mean {meant:g}?"
    return f"{flag} is '{value}', but must be {kind} {limits}".rstrip() + hint


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

"""What a command line says of errors: of files, of options by the names of their flags, of its own words."""

import os
import re
from collections.abc import Sequence
from typing import get_args

from cyclopts import App, CoercionError, CycloptsError, UnusedCliTokensError

from impasto.errors import OR_OVERWRITE, ImpastoError, reason_of
from impasto.methods import every_field
from impasto.options import described_range

NUMBERS = {int: "a whole number", float: "a number"}

Failure = tuple[str, Exception]
"""The name of what failed, and why."""


class SomeFailedError(ImpastoError):
    """Some of many failed; the others are done. Each failure is one of its notes."""

    def __init__(self, failures: Sequence[Failure], total: int, what: str, *, count: int | None = None) -> None:
        """count: how many of the total failed, if not as many as there are failures."""
        super().__init__(f"{len(failures) if count is None else count} of {total} {what}:")
        for name, error in failures:
            self.add_note(_line(name, error))
        # For --debug: Python prints a group with all its tracebacks.
        self.__cause__ = ExceptionGroup("the failures", [error for _, error in failures])


def said(error: ImpastoError | OSError) -> str:
    """What was wrong, for a person; of what the system refused: 'photo.png: file name too long'."""
    if isinstance(error, ImpastoError):
        return str(error)
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {reason_of(error)}"
    if isinstance(error, FileNotFoundError):
        # It is what asking for the current folder ends in, which everything with a relative path does.
        return "the current folder is no longer there; change into another one"
    return reason_of(error)


def _line(name: str, error: Exception) -> str:
    if not isinstance(error, ImpastoError | OSError):
        return f"{name}: something went wrong inside impasto ({type(error).__name__}: {error}); --debug shows more"
    return said(error) if name in said(error) else f"{name}: {said(error)}"


def in_flags(message: str, command: App, arguments: Sequence[str]) -> str:
    """An OptionError's message with the names of options as the command line calls them, and as they were typed.

    A name is that of an option where the message begins with it, or where it is no word of its own: style_blend.
    """
    typed = {word.partition("=")[0] for word in arguments}
    known = {}
    for argument in command.assemble_argument_collection():
        names = [name for name in argument.names if name.startswith("--")]
        if names:
            known[argument.field_info.name] = next((name for name in names if name in typed), names[0])

    def called(match: "re.Match[str]") -> str:
        word = match[0]
        return known[word] if word in known and (match.start() == 0 or "_" in word) else word

    return re.sub(r"(?<![\w-])[a-z][a-z0-9]*(_[a-z0-9]+)*(?![\w-])", called, message)


def with_overwrite(message: str, command: App) -> str:
    """A message about a file that is there, with the command's flag that allows to replace it, if it has one."""
    if OR_OVERWRITE not in message:
        return message
    has_flag = any("--overwrite" in argument.names for argument in command.assemble_argument_collection())
    return message.replace(OR_OVERWRITE, ", or --overwrite" if has_flag else "")


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

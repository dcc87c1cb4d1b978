"""What is said at the end when some of many files could not be used."""

import os
from collections.abc import Sequence

from impasto.errors import ImpastoError, reason_of

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

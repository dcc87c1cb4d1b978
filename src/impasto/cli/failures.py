"""What is said at the end when some of many files could not be used."""

from collections.abc import Sequence

from impasto.errors import ImpastoError

Failure = tuple[str, Exception]
"""The name of what failed, and why."""


class SomeFailedError(ImpastoError):
    """Some of many failed; the others are done. Each failure is one of its notes."""

    def __init__(self, failures: Sequence[Failure], total: int, what: str) -> None:
        super().__init__(f"{len(failures)} of {total} {what}:")
        for name, error in failures:
            self.add_note(_line(name, error))
        # For --debug: Python prints a group with all its tracebacks.
        self.__cause__ = ExceptionGroup("the failures", [error for _, error in failures])


def _line(name: str, error: Exception) -> str:
    if not isinstance(error, ImpastoError):
        return f"{name}: something went wrong inside impasto ({type(error).__name__}: {error}); --debug shows more"
    return str(error) if name in str(error) else f"{name}: {error}"

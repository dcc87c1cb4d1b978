"""The exceptions that a caller of impasto meets.

Each message is one line for a person: what was wrong, with which file or option, and what to do about it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any


class ImpastoError(Exception):
    """Anything that the caller can put right."""


class PictureError(ImpastoError):
    """A picture could not be read or written."""


class OptionError(ImpastoError, ValueError):
    """An option has a value that makes no sense, alone or with the others."""


class WeightsError(ImpastoError):
    """Network weights are missing, damaged or of an unknown layout."""


class DataError(ImpastoError):
    """Training data are missing or too few."""


class CheckpointError(ImpastoError):
    """Saved state is damaged or belongs to other settings."""


class DivergedError(ImpastoError):
    """An optimisation left the numbers it can work with."""


class OutOfMemoryError(ImpastoError):
    """The device's memory is too small for the requested size."""


class Cancelled(ImpastoError):  # noqa: N818  (the trade's word; it reports a wish, not a fault)
    """The caller asked a running job to stop. best: the picture so far, of the kind that the job would return."""

    def __init__(self, message: str = "cancelled", *, best: Any = None) -> None:
        super().__init__(message)
        self.best = best


OR_OVERWRITE = ", or overwrite=True"
"""The end of an error about a file that is there, as the library has the choice."""


def reason_of(error: OSError) -> str:
    """What the system says, as the end of a sentence: 'no space left on device'."""
    return (error.strerror or str(error)).lower()


def suggestion(word: object, known: Iterable[str], *, otherwise: str = "") -> str:
    """The end of an error about a word that is none of those known: the one that was probably meant, or `otherwise`."""
    near = get_close_matches(str(word), [*known], n=1)
    return f"; did you mean '{near[0]}'?" if near else otherwise


def suggestion_or_list(word: object, known: Iterable[str]) -> str:
    """The same, or all that there are."""
    return suggestion(word, known, otherwise=f"; there are {', '.join(known)}")


def missing_extra(what: str, extra: str, module: str) -> str:
    """A line that says how to get an extra of impasto's. what: needs it; module: the package that is not there."""
    how = f"pip install '.[{extra}]' -c constraints.txt in a checkout; see docs/how-to/install.md first"
    return f"{what} needs the extra '{extra}' ({module} is missing): {how}"


@contextmanager
def from_extra(extra: str, purpose: str) -> Iterator[None]:
    """Around imports: raises ImpastoError, naming the extra, where a package that it brings is missing.

    purpose: what needs it, as the beginning of a sentence.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "impasto":
            raise
        raise ImpastoError(missing_extra(purpose, extra, error.name)) from error

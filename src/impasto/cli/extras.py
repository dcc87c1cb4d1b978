"""What a command needs that is not installed with impasto itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from impasto.errors import ImpastoError


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
        raise ImpastoError(
            f"{purpose} needs the extra '{extra}' ({error.name} is missing): pip install 'impasto[{extra}]'"
        ) from error

"""The bot's token: where it comes from, and how it is kept out of every line that is written.

Whoever has it is the bot. Telegram wants it in the address of every request, so that it turns up in logs and errors of
whatever speaks HTTP.
"""

import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from impasto.errors import ImpastoError

VARIABLE = "IMPASTO_TELEGRAM_TOKEN"
MASK = "[token]"

_FORM = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{20,100}")


def read_token(file: Path | None) -> str:
    """From a file, or from the environment, which then does not hold it any more: processes that paint do not need it.

    Raises ImpastoError, which never says what it read.
    """
    inherited = os.environ.pop(VARIABLE, "")
    if file is None:
        token, place = inherited.strip(), VARIABLE
    else:
        try:
            token, place = file.read_text("utf-8").strip(), str(file)
        except OSError as error:
            raise ImpastoError(f"--token-file {file}: {(error.strerror or str(error)).lower()}") from error
        except UnicodeDecodeError:
            raise ImpastoError(f"--token-file {file}: this is no text") from None
    if not token:
        raise ImpastoError(f"the bot has no token: put it into {VARIABLE}, or into a file for --token-file")
    if not _FORM.fullmatch(token):
        raise ImpastoError(f"{place}: what is there has not the form of a token of Telegram's, like 123456:ABC-DEF...")
    return token


def masked(text: str, token: str) -> str:
    """Text without the token, and without its secret half, which stands alone where a colon is written as %3A."""
    return text.replace(token, MASK).replace(token.partition(":")[2], MASK)


class Masking(logging.Formatter):
    """Writes lines, tracebacks included, without the token."""

    def __init__(self, token: str) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s %(message)s")
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record), self._token)


@contextmanager
def logging_without(token: str) -> Iterator[None]:
    """Log to stderr, without the token and without a line for every request, until the end."""
    handler = logging.StreamHandler()
    handler.setFormatter(Masking(token))
    root = logging.getLogger()
    chatty = [logging.getLogger(name) for name in ("httpx", "httpcore", "telegram")]
    before = [logger.level for logger in chatty]
    others, root.handlers = root.handlers, [handler]
    for logger in chatty:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers = others
        for logger, level in zip(chatty, before, strict=True):
            logger.setLevel(level)


@contextmanager
def errors_without(token: str) -> Iterator[None]:
    """An exception that would name the token, itself or in what caused it, becomes one that does not."""
    try:
        yield
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        if masked(text, token) == text:
            raise
        raise ImpastoError(f"the bot stopped: {masked(f'{type(error).__name__}: {error}', token)}") from None

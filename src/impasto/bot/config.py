"""What an operator decides: whose bot it is, who may use it and how it behaves.

Whoever has the token is the bot. Telegram wants it in the address of every request, so that it would turn up in logs
and errors of whatever speaks HTTP; it is kept out of every line that is written.
"""

import logging
import os
import re
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import ImpastoError, reason_of
from impasto.options import Checked, option

VARIABLE = "IMPASTO_TELEGRAM_TOKEN"
MASK = "[token]"

_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{20,100}")


@dataclass(frozen=True, kw_only=True)
class BotOptions(Checked):
    """How the bot behaves."""

    edit_seconds: float = option(
        2.0, "least time between two reports on one painting", minimum=0.01, maximum=3600, unit="s"
    )
    album_seconds: float = option(
        1.0, "silence after the last picture of an album, before it counts as complete",
        minimum=0.01, maximum=60, unit="s",
    )  # fmt: skip
    keep_hours: float = option(
        24.0, "that is remembered which pictures a silent user spoke of", minimum=0.0001, maximum=8760, unit="h"
    )


@dataclass(frozen=True, kw_only=True)
class BotConfig:
    """token: of the bot. base_url: of a Bot API server. allowed: the only users, by number; none: everybody."""

    token: str
    base_url: str = "https://api.telegram.org"
    allowed: Collection[int] = ()
    options: BotOptions = BotOptions()


def read_token(file: Path | None) -> str:
    """From a file, or from the environment, which then does not hold it any more: processes that paint do not need it.

    Raises ImpastoError, which never says what it read.
    """
    inherited = os.environ.pop(VARIABLE, "")
    if file is None:
        token, source = inherited.strip(), VARIABLE
    else:
        try:
            token, source = file.read_text("utf-8").strip(), str(file)
        except OSError as error:
            raise ImpastoError(f"--token-file {file}: {reason_of(error)}") from error
        except UnicodeDecodeError:
            raise ImpastoError(f"--token-file {file}: this is no text") from None
    if not token:
        raise ImpastoError(f"the bot has no token: put it into {VARIABLE}, or into a file for --token-file")
    if not _TOKEN.fullmatch(token):
        raise ImpastoError(f"{source}: what is there has not the form of a token of Telegram's, like 123456:ABC-DEF...")
    return token


def masked(text: str, token: str) -> str:
    """Text without the token, and without its secret half, which stands alone where a colon is written as %3A."""
    return text.replace(token, MASK).replace(token.partition(":")[2], MASK)


class MaskingFormatter(logging.Formatter):
    """Writes lines, tracebacks included, without the token."""

    def __init__(self, token: str) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s %(message)s")
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record), self._token)


@contextmanager
def hidden(token: str) -> Iterator[None]:
    """Until the end, log to stderr without the token and without a line for every request; an exception that would name
    the token, itself or in what caused it, becomes one that does not."""
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter(token))
    root = logging.getLogger()
    libraries = [logging.getLogger(name) for name in ("httpx", "httpcore", "telegram")]
    levels = [logger.level for logger in libraries]
    handlers, root.handlers = root.handlers, [handler]
    for logger in libraries:
        logger.setLevel(logging.WARNING)
    try:
        yield
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        if masked(text, token) == text:
            raise
        raise ImpastoError(f"the bot stopped: {masked(f'{type(error).__name__}: {error}', token)}") from None
    finally:
        root.handlers = handlers
        for logger, level in zip(libraries, levels, strict=True):
            logger.setLevel(level)

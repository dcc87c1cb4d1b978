"""The bot's memory on disk: one SQLite file, one row for each user, and no picture in it."""

import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impasto.errors import DataError

logger = logging.getLogger("impasto.bot")

_APPLICATION = 0x696D7062
_FORMAT = 1


class Store:
    """Belongs to one process at a time. Every change is whole on the disk when its call returns, or not there at all.

    Raises DataError if the file cannot be written, is something else, or belongs to a bot that runs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _explained(path):
            # It says who uses the bot, so nobody else reads it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            with _explained(path):
                self._open()
        except BaseException:
            self._db.close()
            raise

    def _open(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        # Forgotten means gone, from the file too.
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("BEGIN EXCLUSIVE")
        marks = (self._mark("application_id"), self._mark("user_version"))
        (tables,) = self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if marks == (0, 0) and not tables:
            self._db.execute("CREATE TABLE user (id INTEGER PRIMARY KEY, conversation TEXT NOT NULL) STRICT")
            self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")
        elif marks != (_APPLICATION, _FORMAT):
            raise DataError(f"{self.path}: is no memory of this version of impasto's bot")
        self._db.execute("COMMIT")

    def _mark(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def read(self) -> dict[int, Mapping[str, Any]]:
        """{user: what `put` was given}; a row that is no JSON object is left out, with a line in the log."""
        found: dict[int, Mapping[str, Any]] = {}
        for user, text in self._db.execute("SELECT id, conversation FROM user"):
            try:
                value = json.loads(text)
            except ValueError:
                value = None
            if isinstance(value, dict):
                found[int(user)] = value
            else:
                logger.error("%s: what is remembered of a user is damaged, and forgotten", self.path)
        return found

    def put(self, user: int, conversation: Mapping[str, Any]) -> None:
        with _explained(self.path):
            self._db.execute("INSERT OR REPLACE INTO user VALUES (?, ?)", (user, json.dumps(conversation)))

    def drop(self, user: int) -> None:
        with _explained(self.path):
            self._db.execute("DELETE FROM user WHERE id = ?", (user,))

    def close(self) -> None:
        self._db.close()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise DataError(f"{path}: another bot that runs remembers in this file; give another --memory") from error
        raise DataError(f"{path}: what users said cannot be remembered there: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DataError(f"{path}: is no memory of impasto's bot, or damaged ({error})") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{path}: what users said cannot be remembered there: {reason}") from error

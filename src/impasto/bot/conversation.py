"""What the bot remembers of its users, in memory and in one SQLite file. Of pictures it knows only what Telegram calls
them, never the pictures."""

import asyncio
import contextlib
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from impasto.device import has_torch
from impasto.errors import DataError, OptionError, reason_of
from impasto.methods import DEFAULT, METHODS, StylizeOptions, every_field, options_of
from impasto.options import Options, check, choosable

logger = logging.getLogger("impasto.bot")

PAINTED_KEPT = 20
"""Paintings of one user whose buttons still work."""
UPDATES_KEPT = 32
"""Messages of one user that are recognised when Telegram delivers them again; an album has at most ten."""


@dataclass(frozen=True)
class SentPicture:
    """A picture or a clip on Telegram's servers. file: the name by which it can be fetched. num_bytes: 0 if it was not
    said. is_file: whether it was sent as a file, so that its painting is sent as one. video: how a clip was sent,
    "video", "animation", "video_note" or "file"; empty for a picture. seconds: of a clip, 0 if it was not said."""

    file: str
    num_bytes: int = 0
    is_file: bool = False
    video: str = ""
    seconds: float = 0.0


StyleSource = str | SentPicture
"""The name of one of the server's styles, or a picture."""


@dataclass(frozen=True)
class Order:
    """Pictures to paint, and how. settings: {option: value} of what differs from the defaults. done: how many are
    delivered. attempts: how often it was begun. since: seconds since the epoch."""

    contents: tuple[SentPicture, ...]
    style: StyleSource
    settings: Mapping[str, Any] = field(default_factory=dict)
    done: int = 0
    attempts: int = 0
    since: float = 0.0

    def options(self, **more: Any) -> Options:
        """Raises OptionError for what is not offered any more."""
        known = {"method", *(item.name for item in choosable(options_of(setting_value(self.settings, "method"))))}
        return StylizeOptions(**{name: value for name, value in self.settings.items() if name in known}, **more)


@dataclass
class Conversation:
    """With one user.

    contents, style: what was sent and waits for the other. album, album_id: pictures of an album that may not be
    complete. running, painted: {message of progress, or with buttons: order}. heard: the last updates that were dealt
    with. seen: when the user last said something, in seconds since the epoch.
    """

    language: str = "en"
    settings: dict[str, Any] = field(default_factory=dict)
    contents: tuple[SentPicture, ...] = ()
    style: StyleSource | None = None
    album: tuple[tuple[SentPicture, str], ...] = ()
    album_id: str = ""
    running: dict[int, Order] = field(default_factory=dict)
    painted: dict[int, Order] = field(default_factory=dict)
    heard: list[int] = field(default_factory=list)
    seen: float = field(default_factory=time.time)

    def note_update(self, update: int) -> bool:
        """Whether an update is new; from now on it is not."""
        if update in self.heard:
            return False
        self.heard = [*self.heard, update][-UPDATES_KEPT:]
        self.seen = time.time()
        return True

    def take_order(self) -> Order | None:
        """What is to be painted, once photo and style are both there; they then wait no longer."""
        if not self.contents or self.style is None:
            return None
        order = Order(self.contents, self.style, dict(self.settings), since=time.time())
        self.contents, self.style = (), None
        return order

    def keep_painted(self, message: int, order: Order) -> None:
        """Remember what the buttons of a message are about."""
        self.painted[message] = replace(order, since=time.time())
        for oldest in list(self.painted)[:-PAINTED_KEPT]:
            del self.painted[oldest]

    def forget_pictures(self) -> None:
        """All of them; settings stay."""
        self.contents, self.style, self.album, self.album_id = (), None, (), ""
        self.running, self.painted = {}, {}

    def expire(self, before: float) -> bool:
        """Forget what was last spoken of before a time, in seconds since the epoch. Whether there was something."""
        expired = [message for message, order in self.painted.items() if order.since < before]
        for message in expired:
            del self.painted[message]
        if self.seen >= before:
            return bool(expired)
        had_pictures = bool(self.contents or self.style or self.album or self.heard)
        self.contents, self.style, self.album, self.album_id, self.heard = (), None, (), "", []
        return bool(expired) or had_pictures

    @property
    def is_empty(self) -> bool:
        return not any(
            (self.contents, self.style, self.album, self.running, self.painted, self.settings, self.heard)
        )  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Conversation":
        """Of what `asdict` gave. Raises KeyError, TypeError, ValueError or AttributeError for anything else."""
        pictures = {
            "contents": _pictures(values["contents"]),
            "style": None if values["style"] is None else _style(values["style"]),
            "album": tuple((SentPicture(**picture), caption) for picture, caption in values["album"]),
            "running": {int(message): _order(order) for message, order in values["running"].items()},
            "painted": {int(message): _order(order) for message, order in values["painted"].items()},
            "settings": known_settings(values["settings"]),
        }
        return cls(**{**{item.name: values[item.name] for item in fields(cls)}, **pictures})


# --- settings ---------------------------------------------------------------------------------------------------------


def settable(settings: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """{option: values} that buttons set: the method, and what some values are named for of its options."""
    kinds = {name: options_of(name) for name in METHODS}
    lacks_torch, method = not has_torch(), setting_value(settings, "method")
    methods = tuple(
        name
        for name, kind in kinds.items()
        if kind.needs_style and not (kind.needs_weights or (lacks_torch and kind.needs_torch))
    )
    chosen = options_of(method)
    fixed = chosen.without_torch if lacks_torch else {}
    buttons = {item.name: item.metadata["values"] for item in choosable(chosen) if item.name not in fixed}
    # What was chosen before PyTorch went can be left again; a button for one method alone would do nothing.
    ways = {} if methods == (method,) else {"method": methods}
    return ways | {name: values for name, values in buttons.items() if values}


def known_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that this version of impasto knows; another one may have written them."""
    return {name: value for name, value in settings.items() if _is_possible(name, value)}


def _is_possible(name: str, value: Any) -> bool:
    if name == "method":
        return isinstance(value, str) and value in METHODS
    for item in every_field().get(name, {}).values():
        with contextlib.suppress(OptionError):
            check(item, value)
            return True
    return False


def with_setting(settings: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """With another value of one option; what is as usual is not written down."""
    method = {"method": setting_value(settings, "method")}
    others = {key: chosen for key, chosen in settings.items() if key != name}
    return others if value == setting_value(method if name != "method" else {}, name) else {**others, name: value}


def setting_value(settings: Mapping[str, Any], name: str) -> Any:
    """What an option is by these settings."""
    if name == "method":
        return settings.get("method", DEFAULT)
    defaults = {item.name: item.default for item in choosable(options_of(setting_value(settings, "method")))}
    return settings.get(name, defaults[name])


def _style(value: str | Mapping[str, Any]) -> StyleSource:
    return value if isinstance(value, str) else SentPicture(**value)


def _order(values: Mapping[str, Any]) -> Order:
    pictures = {"contents": _pictures(values["contents"]), "style": _style(values["style"])}
    return Order(**{**values, **pictures, "settings": known_settings(values["settings"])})


def _pictures(values: Sequence[Mapping[str, Any]]) -> tuple[SentPicture, ...]:
    return tuple(SentPicture(**value) for value in values)


# --- on the disk ------------------------------------------------------------------------------------------------------

_APPLICATION = 0x696D7062
_FORMAT = 1


class Conversations:
    """{user: conversation} of everybody, kept in one SQLite file: a row for each user, JSON, and no picture.

    The file belongs to one process at a time. Every change is whole on the disk when `save` or `forget` returns, or not
    there at all. Raises DataError if the file cannot be written, is something else, or belongs to a bot that runs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        with _as_data_error(path):
            # It says who uses the bot, so nobody else reads it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            with _as_data_error(path):
                self._open()
                self._by_user = dict(self._rows())
        except BaseException:
            self._db.close()
            raise

    def __getitem__(self, user: int) -> Conversation:
        """A new one for a user who is not known."""
        return self._by_user.setdefault(user, Conversation())

    def items(self) -> list[tuple[int, Conversation]]:
        return list(self._by_user.items())

    def lock(self, user: int) -> asyncio.Lock:
        """Held while something of this user's is dealt with; those who want it get it in the order of their coming."""
        return self._locks.setdefault(user, asyncio.Lock())

    def save(self, user: int) -> None:
        conversation = self._by_user.get(user)
        if conversation is None:
            return
        try:
            if conversation.is_empty:
                self._execute("DELETE FROM user WHERE id = ?", user)
            else:
                self._execute("INSERT OR REPLACE INTO user VALUES (?, ?)", user, json.dumps(asdict(conversation)))
        except DataError as error:
            # A full disk is no reason to stop painting.
            logger.error("%s", error)

    def forget(self, user: int) -> None:
        self._by_user.pop(user, None)
        self._execute("DELETE FROM user WHERE id = ?", user)

    def close(self) -> None:
        self._db.close()

    def _open(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        # Forgotten means gone, from the file too.
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("BEGIN EXCLUSIVE")
        *identity, tables = self._db.execute(
            "SELECT application_id, user_version, (SELECT COUNT(*) FROM sqlite_master)"
            " FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        if not any((*identity, tables)):
            self._db.execute("CREATE TABLE user (id INTEGER PRIMARY KEY, conversation TEXT NOT NULL) STRICT")
            self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")
        elif identity != [_APPLICATION, _FORMAT]:
            raise DataError(f"{self.path}: is no memory of this version of impasto's bot")
        self._db.execute("COMMIT")

    def _rows(self) -> Iterator[tuple[int, Conversation]]:
        for user, text in self._db.execute("SELECT id, conversation FROM user"):
            try:
                yield int(user), Conversation.from_json(json.loads(text))
            except (KeyError, TypeError, ValueError, AttributeError):
                logger.error(
                    "%s: what is remembered of a user is damaged or of another version, and forgotten", self.path
                )

    def _execute(self, statement: str, *values: Any) -> None:
        with _as_data_error(self.path):
            self._db.execute(statement, values)


@contextmanager
def _as_data_error(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise DataError(f"{path}: another bot that runs remembers in this file; give another --memory") from error
        raise DataError(f"{path}: what users said cannot be remembered there: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DataError(f"{path}: is no memory of impasto's bot, or damaged ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: what users said cannot be remembered there: {reason_of(error)}") from error

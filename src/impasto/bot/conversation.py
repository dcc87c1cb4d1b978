"""What the bot remembers of one user. Of pictures it knows only what Telegram calls them, never the pictures."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from impasto.errors import OptionError
from impasto.methods import DEFAULT, METHODS, StylizeOptions, every_field, options_of
from impasto.options import Options, check, choosable

PAINTED = 20
"""Paintings of one user whose buttons still work."""
HEARD = 32
"""Messages of one user that are recognised when Telegram delivers them again; an album has at most ten."""


@dataclass(frozen=True)
class Picture:
    """A picture on Telegram's servers. file: the name by which it can be fetched. num_bytes: 0 if it was not said.
    is_file: whether it was sent as a file, so that its painting is sent as one."""

    file: str
    num_bytes: int = 0
    is_file: bool = False


Style = str | Picture
"""The name of one of the server's, or a picture."""


@dataclass(frozen=True)
class Commission:
    """Pictures to paint, and how. settings: {option: value} of what is not as usual. done: how many are delivered.
    attempts: how often it was begun. since: seconds since the epoch."""

    contents: tuple[Picture, ...]
    style: Style
    settings: Mapping[str, Any] = field(default_factory=dict)
    done: int = 0
    attempts: int = 0
    since: float = 0.0

    def options(self, **more: Any) -> Options:
        """Raises OptionError for what is not offered any more."""
        known = {"method", *(item.name for item in choosable(options_of(value_of(self.settings, "method"))))}
        return StylizeOptions(**{name: value for name, value in self.settings.items() if name in known}, **more)


@dataclass
class Conversation:
    """With one user.

    contents, style: what was sent and waits for the other. album, album_id: pictures of an album that may not be
    complete. running, painted: {message of progress, or with buttons: commission}. heard: the last updates that were
    dealt with. seen: when the user last said something, in seconds since the epoch.
    """

    language: str = "en"
    settings: dict[str, Any] = field(default_factory=dict)
    contents: tuple[Picture, ...] = ()
    style: Style | None = None
    album: tuple[tuple[Picture, str], ...] = ()
    album_id: str = ""
    running: dict[int, Commission] = field(default_factory=dict)
    painted: dict[int, Commission] = field(default_factory=dict)
    heard: list[int] = field(default_factory=list)
    seen: float = field(default_factory=time.time)

    def hear(self, update: int) -> bool:
        """Whether an update is new; from now on it is not."""
        if update in self.heard:
            return False
        self.heard = [*self.heard, update][-HEARD:]
        self.seen = time.time()
        return True

    def commission(self) -> Commission | None:
        """What is to be painted, once photo and style are both there; they then wait no longer."""
        if not self.contents or self.style is None:
            return None
        made = Commission(self.contents, self.style, dict(self.settings), since=time.time())
        self.contents, self.style = (), None
        return made

    def keep(self, message: int, commission: Commission) -> None:
        """Remember what the buttons of a message are about."""
        self.painted[message] = replace(commission, since=time.time())
        for old in list(self.painted)[:-PAINTED]:
            del self.painted[old]

    def let_go(self) -> None:
        """Of all pictures; settings stay."""
        self.contents, self.style, self.album, self.album_id = (), None, (), ""
        self.running, self.painted = {}, {}

    def expire(self, before: float) -> bool:
        """Let go of what was last spoken of before a time, in seconds since the epoch. Whether there was something."""
        old = [message for message, one in self.painted.items() if one.since < before]
        for message in old:
            del self.painted[message]
        if self.seen >= before:
            return bool(old)
        waited = bool(self.contents or self.style or self.album or self.heard)
        self.contents, self.style, self.album, self.album_id, self.heard = (), None, (), "", []
        return bool(old) or waited

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        things = (self.contents, self.style, self.album, self.running, self.painted, self.settings, self.heard)
        return not any(things)

    # --- as JSON ------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Conversation":
        """Raises KeyError, TypeError or ValueError for what `to_json` did not write."""
        known = {item.name: values[item.name] for item in fields(cls)}
        pictures = {
            "contents": tuple(_picture(one) for one in values["contents"]),
            "style": None if values["style"] is None else _style(values["style"]),
            "album": tuple((_picture(one), str(caption)) for one, caption in values["album"]),
            "running": {int(key): _commission(one) for key, one in values["running"].items()},
            "painted": {int(key): _commission(one) for key, one in values["painted"].items()},
        }
        return cls(**{**known, **pictures, "settings": possible(values["settings"])})


def settable(settings: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """{option: values} that buttons set: the method, and what some values are named for of its options."""
    methods = tuple(name for name in METHODS if options_of(name).takes_styles)
    own = choosable(options_of(value_of(settings, "method")))
    return {"method": methods} | {item.name: item.metadata["values"] for item in own if item.metadata["values"]}


def possible(settings: Mapping[str, Any]) -> dict[str, Any]:
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


def changed(settings: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """With another value of one option; what is as usual is not written down."""
    method = {"method": value_of(settings, "method")}
    others = {key: one for key, one in settings.items() if key != name}
    return others if value == value_of(method if name != "method" else {}, name) else {**others, name: value}


def value_of(settings: Mapping[str, Any], name: str) -> Any:
    """What an option is by these settings."""
    if name == "method":
        return settings.get("method", DEFAULT)
    usual = {item.name: item.default for item in choosable(options_of(value_of(settings, "method")))}
    return settings.get(name, usual[name])


def _picture(values: Mapping[str, Any]) -> Picture:
    return Picture(str(values["file"]), int(values["num_bytes"]), bool(values["is_file"]))


def _style(value: Any) -> Style:
    return value if isinstance(value, str) else _picture(value)


def _commission(values: Mapping[str, Any]) -> Commission:
    return Commission(
        tuple(_picture(one) for one in values["contents"]),
        _style(values["style"]),
        possible(values["settings"]),
        int(values["done"]),
        int(values["attempts"]),
        float(values["since"]),
    )

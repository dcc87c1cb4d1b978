"""API keys: who may come in, what for, and how often. The file holds only hashes."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from impasto.errors import CheckpointError, OptionError, reason_of
from impasto.files import replace_file

SCOPES: Mapping[str, str] = {
    "stylize": "paint pictures, and see, fetch and cancel one's own jobs",
    "metrics": "read /metrics",
}
PREFIX = "impasto_"
RELOAD_SECONDS = 1.0
"""Between two looks at whether the file has changed."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """name: of the user. sha256: of the key; a plain hash is enough for 256 random bits, which nobody can guess.

    rate: paintings a minute; 0 is any number, None what the server gives to everybody.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...] = ("stylize",)
    rate: float | None = None
    created: str = ""


def read_keys(path: Path) -> list[Key]:
    """Raises CheckpointError if the file is missing or damaged."""
    try:
        rows = json.loads(path.read_text())["keys"]
        keys = [Key(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]
    except OSError as error:
        raise CheckpointError(f"{path}: the file of keys cannot be read: {reason_of(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: this is no file of keys; `impasto keys add` writes one") from error
    for key in keys:
        if not set(key.scopes) <= set(SCOPES) or not isinstance(key.sha256, str) or not isinstance(key.name, str):
            raise CheckpointError(f"{path}: the key of '{key.name}' is damaged, or of another version of impasto")
    return keys


def add_key(path: Path, name: str, scopes: tuple[str, ...], rate: float | None = None) -> str:
    """A new key, which is shown this once; the file is made if it is not there.

    Raises OptionError for a name that is taken or a scope that there is not, CheckpointError as `read_keys`.
    """
    keys = read_keys(path) if path.exists() else []
    if not name or any(key.name == name for key in keys):
        raise OptionError(f"the name '{name}' is {'taken' if name else 'empty'}; each key has its own")
    for scope in scopes:
        if scope not in SCOPES:
            raise OptionError(f"no scope '{scope}'; there are {', '.join(SCOPES)}")
    if rate is not None and not 0 <= rate < float("inf"):
        raise OptionError(f"rate is {rate}, but must be 0 or more")
    text = PREFIX + secrets.token_urlsafe(32)
    created = time.strftime("%Y-%m-%d", time.gmtime())
    _write(path, [*keys, Key(name=name, sha256=_hash(text), scopes=scopes, rate=rate, created=created)])
    return text


def remove_key(path: Path, name: str) -> None:
    """Raises OptionError if there is none of this name, CheckpointError as `read_keys`."""
    keys = read_keys(path)
    if all(key.name != name for key in keys):
        raise OptionError(f"there is no key named '{name}'")
    _write(path, [key for key in keys if key.name != name])


class Keys:
    """The keys of a file, read again when it changes, so that a key that was removed stops working within a second."""

    def __init__(self, path: Path) -> None:
        """Raises CheckpointError if the file is missing or damaged."""
        self._path = path
        self._stamp = self._mark()
        self._looked = time.monotonic()
        self._keys = read_keys(path)

    def find(self, text: str) -> Key | None:
        self._reload()
        hashed = _hash(text)
        # All of them are compared, so that the time says nothing of which came close.
        matching = [key for key in self._keys if hmac.compare_digest(key.sha256, hashed)]
        return matching[0] if matching else None

    def _reload(self) -> None:
        now = time.monotonic()
        if now - self._looked < RELOAD_SECONDS:
            return
        self._looked = now
        if (stamp := self._mark()) != self._stamp:
            # A file that is gone or damaged lets nobody in: whoever meant to lock somebody out has done so.
            self._keys = []
            self._keys = read_keys(self._path)
            self._stamp = stamp

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            facts = self._path.stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, keys: list[Key]) -> None:
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        replace_file(path, json.dumps({"keys": [asdict(key) for key in keys]}, indent=2) + "\n")
        path.chmod(mode)
    except OSError as error:
        raise CheckpointError(f"{path}: the file of keys cannot be written: {reason_of(error)}") from error

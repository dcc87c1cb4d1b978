"""What every worker is told once, wherever it runs."""

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from impasto import addresses
from impasto.gallery import STYLE_SUFFIX, own_styles, style_file
from impasto.jobs.job import FileSource


@dataclass(frozen=True)
class Carried:
    """A file that travels with the settings, as workers need not see the disk that it lies on; or, without data, one
    that comes with impasto."""

    name: str
    data: bytes | None = field(default=None, repr=False)

    @cached_property
    def digest(self) -> str:
        """Tells it from others."""
        return f"impasto's {self.name}" if self.data is None else hashlib.sha256(self.data).hexdigest()


def carried_style(word: str) -> Carried:
    """A style by address, or by the name of one of impasto's own. Raises PictureError if it is nowhere."""
    if addresses.is_remote(word):
        return Carried(word.rpartition("/")[2], addresses.read(word))
    path = style_file(word)
    return Carried(word) if path != Path(word) else Carried(path.name, addresses.read(word))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """styles: {word: style} of all words that tasks use. weights: a file of them; None for the usual ones. threads: of
    each worker, on a CPU. bits: per channel of what is written, None for the content's own. overwrite: replace what
    lies where a painting goes, unless it is that very painting.
    """

    styles: Mapping[str, Carried] = field(default_factory=dict)
    device: str = "cpu"
    weights: Carried | None = None
    pixel_limit: int
    threads: int = 1
    bits: int | None = None
    overwrite: bool = False


def carried_weights(path: Path) -> Carried:
    """Weights by path, or by the name of some that come with impasto."""
    return Carried(path.name, addresses.read(str(path))) if path.exists() else Carried(str(path))


class Files:
    """What was carried, as files of the machine that a worker runs on, as long as it does."""

    def __init__(self, settings: Settings) -> None:
        self._folder = tempfile.mkdtemp(prefix="impasto-batch-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.styles = {word: self._style(number, one) for number, (word, one) in enumerate(settings.styles.items())}
        self.weights = None if settings.weights is None else self._file("weights", settings.weights)

    def _style(self, number: int, style: Carried) -> FileSource:
        if style.data is None:
            return FileSource(own_styles()[style.name], style.name, packaged=True)
        suffix = STYLE_SUFFIX if style.name.endswith(STYLE_SUFFIX) else Path(style.name).suffix
        return FileSource(self._file(f"{number}{suffix}", style), style.name)

    def _file(self, name: str, carried: Carried) -> Path:
        if carried.data is None:
            return Path(carried.name)
        path = Path(self._folder, name)
        path.write_bytes(carried.data)
        return path

"""Where pictures come from. What can be read as a `PictureSource` can be painted, wherever it lies."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from impasto.gallery import is_encoded

if TYPE_CHECKING:
    from impasto.image import Picture


class PictureSource(Protocol):
    """A picture that can be read."""

    @property
    def name(self) -> str:
        """What the records of paintings call it."""

    @property
    def key(self) -> Hashable:
        """Tells it from other sources, to find what is kept of it."""

    def read(self, pixel_limit: int) -> "Picture":
        """Raises PictureError, also for a picture of more pixels than the limit."""


@dataclass(frozen=True)
class FileSource:
    """A picture file; as a style also one that holds an encoded style. packaged: it lies inside the installation."""

    path: Path
    name: str
    packaged: bool = False

    @property
    def key(self) -> Hashable:
        return self.path, self.name

    @property
    def is_encoded(self) -> bool:
        """Whether it holds a style, and no picture."""
        return is_encoded(self.path)

    def read(self, pixel_limit: int) -> "Picture":
        from impasto import image

        return image.read(self.path, pixel_limit=pixel_limit)


@dataclass(frozen=True)
class BytesSource:
    """A picture file in memory. title: what messages call it."""

    data: bytes = field(repr=False)
    title: str
    name: str = ""

    @property
    def key(self) -> Hashable:
        return hashlib.sha256(self.data).digest()

    def read(self, pixel_limit: int) -> "Picture":
        from impasto import image
        from impasto.record import Named

        return image.read(Named(self.data, self.title), pixel_limit=pixel_limit)


@dataclass(frozen=True)
class Mask:
    """Where a style goes: where a picture is white, or, inverted, where it is black; without a source, what other masks
    leave. name: what the records of paintings call it."""

    name: str
    source: PictureSource | None = None
    inverted: bool = False

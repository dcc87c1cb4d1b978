"""What the painting process does with a job: networks and encoded styles kept from one to the next, within bounds."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor

from impasto import api, image
from impasto.device import choose_device
from impasto.errors import Cancelled
from impasto.gallery import packaged
from impasto.masks import with_opacity
from impasto.methods import Stylizer
from impasto.methods.adain.style import Style
from impasto.methods.adain.stylizer import AdaIN
from impasto.options import StylizeOptions
from impasto.progress import ProgressCallback
from impasto.record import Record
from impasto.service.request import Named
from impasto.service.wire import Message
from impasto.sources import depth

MODELS = 4
"""Methods whose networks are kept."""
STYLES = 256
"""Encoded styles that are kept, of a few kilobytes each."""

PREVIEW_SIDE = 512
"""Pixels of a preview's longer side."""

T = TypeVar("T")


class Cache(Generic[T]):
    """The most recently used values, at most `size` of them; counts how often it had what was asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.hits = self.misses = 0
        self._kept: OrderedDict[Any, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """The value of a key, made if it is not there."""
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        value = self._kept[key] = make()
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return value


@dataclass(frozen=True)
class Outcome:
    """A painting as a file. cache: {"styles" or "models": [hits, misses]} since the process began."""

    data: bytes
    seconds: float
    cache: dict[str, list[int]]


class Painter:
    """Paints job after job on one device."""

    def __init__(self, device: str, styles: Mapping[str, str], weights: Mapping[str, str], pixel_limit: int) -> None:
        """styles, weights: {name: file} of the server's. pixel_limit: of any picture that is decoded.

        Raises OptionError if the device is not there.
        """
        self._torch_device = choose_device(device)
        self._paths, self._weights, self._pixel_limit = styles, weights, pixel_limit
        self._models: Cache[Stylizer] = Cache(MODELS)
        self._styles: Cache[Style] = Cache(STYLES)

    @property
    def device(self) -> str:
        return self._torch_device.type

    def warm_up(self) -> None:
        """Load the default method and paint once, so that the first job does not pay for it."""
        options = StylizeOptions(size=64)
        some = next(iter(packaged().values()))
        api.paint(image.read(some), [some], options, stylizer=self._stylizer(options))

    def paint(self, task: Message, progress: ProgressCallback) -> Outcome:
        """Raises what `api.paint` raises; `best` of Cancelled is a `Picture` or None."""
        options = StylizeOptions(**task.values["options"])
        blobs = iter(task.blobs)
        content = self._read(next(blobs), "content")
        stylizer = self._stylizer(options)
        styles, names = [], []
        for number, name in enumerate(task.values["styles"], 1):
            data = next(blobs) if name is None else Path(self._paths[name]).read_bytes()
            styles.append(self._style(data, name or f"style {number}", options, stylizer))
            names.append(name or "upload")
        present = enumerate(task.values["masks"], 1)
        masks = [self._read(next(blobs), f"mask {number}") if there else None for number, there in present]
        # Names of files say things about people; a record that travels with the picture holds none.
        called = api.Names(styles=names, masks=["upload" if mask else "rest" for mask in masks])
        painting = api.paint(
            content, styles, options, masks=masks, stylizer=stylizer, progress=progress, names=called
        )  # fmt: skip
        data = _encoded(painting.picture, task.values["format"], painting.record)
        return Outcome(data, painting.seconds, self._counts())

    def best_so_far(self, stopped: Cancelled, format: str) -> bytes | None:  # noqa: A002
        """What there is of a painting that was stopped, as a file; None if there is nothing."""
        return _encoded(stopped.best, format) if isinstance(stopped.best, image.Picture) else None

    def preview(self, pixels: Tensor) -> bytes:
        """(1, 3, h, w) -> a small JPEG file."""
        height, width = pixels.shape[-2:]
        small = image.resize(pixels, *image.fit(height, width, min(PREVIEW_SIDE, max(height, width))))
        return image.encode(image.Picture(small), "jpeg")

    def _read(self, data: bytes, name: str) -> image.Picture:
        return image.read(Named(data, name), pixel_limit=self._pixel_limit)

    def _stylizer(self, options: StylizeOptions) -> Stylizer:
        # The weights of a method that is shown no painting are its own; of the others, the encoder's.
        name = "vgg19" if options.takes_style else options.method
        weights = self._weights.get(name)
        return self._models.get(
            options.method, lambda: api.load(options.method, device=str(self._torch_device), weights=weights)
        )

    def _style(self, data: bytes, name: str, options: StylizeOptions, stylizer: Stylizer) -> Any:
        """Encoded, if that is all that is needed of it; else the picture."""
        if not isinstance(stylizer, AdaIN) or options.refine or options.colour == "match":
            return self._read(data, name)
        eye = options.encoder, options.decoder, options.precision, options.style_scale
        key = hashlib.sha256(data).digest(), *eye

        def encode() -> Style:
            # Statistics take kilobytes, the picture megabytes, and nothing asks for it again.
            picture = with_opacity(self._read(data, name))
            return replace(stylizer.encode(picture, options, name=name), picture=None)

        return self._styles.get(key, encode)

    def _counts(self) -> dict[str, list[int]]:
        return {
            "styles": [self._styles.hits, self._styles.misses],
            "models": [self._models.hits, self._models.misses],
        }


def _encoded(picture: image.Picture, format: str, record: Record | None = None) -> bytes:  # noqa: A002
    return image.encode(picture, format, bits=depth(picture, Path(f"x.{format}")), record=record)

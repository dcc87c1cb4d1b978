"""What the painting process does with a job: networks and encoded pictures kept from one to the next, within bounds."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from torch import Tensor

from impasto import api, image
from impasto.attention import Sight, SightWithin, overlay, see, see_within
from impasto.device import choose_device
from impasto.errors import Cancelled
from impasto.gallery import is_encoded, packaged
from impasto.masks import style_pixels
from impasto.methods import EncodedStyle, StylizeOptions, Stylizer, load_encoded
from impasto.options import Options
from impasto.progress import ProgressCallback
from impasto.record import Named, Record
from impasto.service.wire import Message
from impasto.sources import depth
from impasto.translation import Translator

MODELS = 4
"""Methods whose networks are kept."""
STYLES = 256
"""Encoded styles that are kept, of a few kilobytes each."""
SIGHTS = 4
"""Pictures, or pairs of them, that are kept as attention sees them: who clicks once will click again."""
LARGEST_SIGHT = 2**27
"""Bytes of one that is kept: twice what the encoder lite sees of two pictures at its first layer and the usual size."""

PREVIEW_SIDE = 512
"""Pixels of a preview's longer side."""

T = TypeVar("T")


class Cache(Generic[T]):
    """The most recently used values, at most `size` of them; counts how often it had what was asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.hits = self.misses = 0
        self._kept: OrderedDict[Any, tuple[T, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Any, make: Callable[[], T], *, keep: Callable[[T], bool] | None = None) -> T:
        """The value of a key, made if it is not there. keep: whether one that was made is kept; by default all are."""
        if key in self._kept:
            self.hits += 1
            value, _ = self._kept.pop(key)
        else:
            self.misses += 1
            value = make()
            if keep is not None and not keep(value):
                return value
        self._kept[key] = value, time.monotonic()
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return value

    def forget(self, seconds: float) -> None:
        """Let go of what was not asked for so long."""
        oldest = time.monotonic() - seconds
        while self._kept and next(iter(self._kept.values()))[1] < oldest:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class Outcome:
    """files: the painting; or where a place looks, and the content with the place. cache: {"styles", "models" or
    "sights": [hits, misses]} since the process began."""

    files: tuple[bytes, ...]
    seconds: float
    cache: dict[str, list[int]]


class Painter:
    """Paints job after job on one device."""

    def __init__(
        self, device: str, styles: Mapping[str, str], weights: Mapping[str, str], pixel_limit: int, keep_seconds: float
    ) -> None:
        """styles, weights: {name: file} of the server's. pixel_limit: of any picture that is decoded. keep_seconds:
        that pictures which were looked at are kept for the next look.

        Raises OptionError if the device is not there.
        """
        self._torch_device = choose_device(device)
        self._paths, self._weights = styles, weights
        self._pixel_limit, self._keep_seconds = pixel_limit, keep_seconds
        self._models: Cache[Stylizer] = Cache(MODELS)
        self._styles: Cache[EncodedStyle] = Cache(STYLES)
        self._sights: Cache[Sight | SightWithin] = Cache(SIGHTS)

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
            if name is None:
                styles.append(self._style(next(blobs), f"style {number}", options, stylizer))
            else:
                styles.append(self._named(name, options, stylizer))
            names.append(name or "upload")
        present = enumerate(task.values["masks"], 1)
        masks = [self._read(next(blobs), f"mask {number}") if there else None for number, there in present]
        # Names of files say things about people; a record that travels with the picture holds none.
        called = api.Names(styles=names, masks=["upload" if mask else "rest" for mask in masks])
        painting = api.paint(
            content, styles, options, masks=masks, stylizer=stylizer, progress=progress, names=called
        )  # fmt: skip
        data = _encoded(painting.picture, task.values["format"], painting.record)
        return Outcome((data,), painting.seconds, self._counts())

    def look(self, task: Message, progress: ProgressCallback) -> Outcome:
        """Where a place looks, and the content with the place. Pictures of the last looks are not encoded again.

        Raises what `attention.see` and `attention.see_within` raise.
        """
        began = time.monotonic()
        options, kind = StylizeOptions(**task.values["options"]), task.values["format"]
        content, *uploaded = task.blobs
        styles = [*uploaded, *(Path(self._paths[name]).read_bytes() for name in task.values["styles"] if name)]
        key = *(hashlib.sha256(data).digest() for data in (content, *styles)), options
        sight = self._sights.get(
            key, lambda: self._sight(content, styles, options), keep=lambda made: made.num_bytes <= LARGEST_SIGHT
        )
        x, y = task.values["place"]
        shown = overlay(sight, f"{x}%,{y}%")
        files = tuple(_encoded(image.from_pil(one), kind) for one in (shown.seen, shown.content))
        return Outcome(files, time.monotonic() - began, self._counts())

    def sweep(self) -> None:
        """Let go of pictures that nobody has looked at for some time."""
        self._sights.forget(self._keep_seconds)

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

    def _stylizer(self, options: Options) -> Stylizer:
        weights = self._weights.get(options.weights_name)
        return self._models.get(
            options.method, lambda: api.load(options.method, device=str(self._torch_device), weights=weights)
        )

    def _named(self, name: str, options: Options, stylizer: Stylizer) -> Any:
        """One of the server's own."""
        file = Path(self._paths[name])
        if is_encoded(file):
            return self._styles.get((file, name), lambda: load_encoded(file, name, options))
        return self._style(file.read_bytes(), name, options, stylizer)

    def _style(self, data: bytes, name: str, options: Options, stylizer: Stylizer) -> Any:
        """Encoded, if that is all that is needed of it; else the picture."""
        if options.needs_pictures:
            return self._read(data, name)
        eye = options.method, *(getattr(options, name) for name in options.encoded_by)
        key = hashlib.sha256(data).digest(), *eye

        def encode() -> EncodedStyle:
            # Statistics take kilobytes, the picture megabytes, and nothing asks for it again.
            picture = style_pixels(self._read(data, name))
            return replace(stylizer.encode(picture, options, name=name), picture=None)  # type: ignore[attr-defined, no-any-return]

        return self._styles.get(key, encode)

    def _sight(self, content: bytes, styles: list[bytes], options: Options) -> Sight | SightWithin:
        photo, stylizer = self._read(content, "content"), self._stylizer(options)
        if options.looks_in == "content":
            return see_within(photo, cast(Any, options), stylizer=cast(Translator, stylizer))
        return see(photo, self._read(styles[0], "style 1"), options, stylizer=cast(Any, stylizer))

    def _counts(self) -> dict[str, list[int]]:
        return {
            "styles": [self._styles.hits, self._styles.misses],
            "models": [self._models.hits, self._models.misses],
            "sights": [self._sights.hits, self._sights.misses],
        }


def _encoded(picture: image.Picture, format: str, record: Record | None = None) -> bytes:  # noqa: A002
    return image.encode(picture, format, bits=depth(picture, Path(f"x.{format}")), record=record)

"""What stays from one job to the next: methods that are loaded, styles and masks that are read.

Of a picture that came as bytes only what was encoded is kept: nobody asks for it again, and a server would fill up.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from impasto import image
from impasto.engine.styles import Style as EncodedStyle
from impasto.jobs.job import BytesSource, FileSource, Mask, PictureSource
from impasto.masks import inverted, style_pixels
from impasto.methods import Stylizer, load_encoded
from impasto.options import Options

KEPT_METHODS = 4
"""Methods whose networks are kept."""
KEPT_STYLES = 256
"""Styles that are kept; encoded ones have a few kilobytes each."""
KEPT_MASKS = 16

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


class Session:
    """Methods, styles and masks for any number of jobs."""

    def __init__(
        self,
        load: Callable[[Options], Stylizer],
        *,
        pixel_limit: int = image.DEFAULT_PIXEL_LIMIT,
        encode_styles: bool = True,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """load: makes the method that the options name ready. encode_styles: False hands every painting the style's
        picture, so that encoding is a part of painting. note: told what there is to say about a picture that was read.
        """
        self.pixel_limit = pixel_limit
        self._load, self._encode_styles, self._note = load, encode_styles, note
        self.methods: Cache[Stylizer] = Cache(KEPT_METHODS)
        self.styles: Cache[EncodedStyle | image.Picture] = Cache(KEPT_STYLES)
        self._masks: Cache[image.Picture] = Cache(KEPT_MASKS)

    def method(self, options: Options) -> Stylizer:
        """Ready to paint. Raises OptionError and WeightsError."""
        return self.methods.get(options.method, lambda: self._load(options))

    def read(self, source: PictureSource) -> image.Picture:
        """Raises PictureError."""
        picture = source.read(self.pixel_limit)
        for note in picture.notes:
            self._note(f"{source.name}: {note}")
        return picture

    def style(self, source: PictureSource, options: Options) -> EncodedStyle | image.Picture:
        """Encoded, where these options need no more of it. Raises PictureError, WeightsError, OptionError."""
        method = self.method(options)
        encodes = self._encode_styles and options.encoded and options.colour != "match"
        needs_picture = bool(options.needs_pictures) or not encodes

        def make() -> EncodedStyle | image.Picture:
            if isinstance(source, FileSource) and source.is_encoded:
                return load_encoded(source.path, source.name, options)
            picture = self.read(source)
            if not encodes:
                return picture
            style: EncodedStyle = method.encode(style_pixels(picture), options, name=source.name)  # type: ignore[attr-defined]
            # Statistics take kilobytes, the picture megabytes.
            return style if needs_picture else replace(style, picture=None)

        if needs_picture and isinstance(source, BytesSource):
            return make()
        decisive = [options.method, *(getattr(options, name) for name in options.encoded_by)] if encodes else []
        return self.styles.get((source.key, needs_picture, *decisive), make)

    def mask(self, mask: Mask) -> image.Picture | None:
        """White where its style goes; None for what other masks leave. Raises PictureError."""
        source = mask.source
        if source is None:
            return None

        def make() -> image.Picture:
            picture = self.read(source)
            return inverted(picture) if mask.inverted else picture

        return make() if isinstance(source, BytesSource) else self._masks.get((source.key, mask.inverted), make)

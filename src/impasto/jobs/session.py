"""What stays from one job to the next: methods that are loaded, styles and masks that are read."""

from collections.abc import Callable
from dataclasses import replace

from impasto import image
from impasto.jobs.cache import Cache
from impasto.jobs.events import Listener, Noted
from impasto.jobs.sources import FileSource, Mask, PictureSource
from impasto.masks import inverted, style_pixels
from impasto.methods import Stylizer
from impasto.methods.adain.style import Style, load_style
from impasto.options import StylizeOptions

METHODS = 4
"""Methods whose networks are kept."""
STYLES = 256
"""Styles that are kept; encoded ones have a few kilobytes each."""
MASKS = 16


class Session:
    """Methods, styles and masks for any number of jobs."""

    def __init__(
        self,
        load: Callable[[StylizeOptions], Stylizer],
        *,
        pixel_limit: int = image.DEFAULT_PIXEL_LIMIT,
        keep_pictures: bool = True,
        encode_styles: bool = True,
    ) -> None:
        """load: makes the method that the options name ready. keep_pictures: keep styles and masks that are pictures,
        too, as a run over a folder does; a server has no room for them. encode_styles: False hands every painting the
        style's picture, so that encoding is a part of painting.
        """
        self._load = load
        self.pixel_limit = pixel_limit
        self._keep_pictures, self._encode_styles = keep_pictures, encode_styles
        self.methods: Cache[Stylizer] = Cache(METHODS)
        self.styles: Cache[Style | image.Picture] = Cache(STYLES)
        self._masks: Cache[image.Picture] = Cache(MASKS)

    def method(self, options: StylizeOptions) -> Stylizer:
        """Ready to paint. Raises OptionError and WeightsError."""
        return self.methods.get(options.method, lambda: self._load(options))

    def read(self, source: PictureSource, tell: Listener) -> image.Picture:
        """Raises PictureError."""
        picture = source.read(self.pixel_limit)
        for note in picture.notes:
            tell(Noted(source, note))
        return picture

    def style(self, source: PictureSource, options: StylizeOptions, tell: Listener) -> Style | image.Picture:
        """Encoded, where these options need no more of it. Raises PictureError, WeightsError, OptionError."""
        method = self.method(options)
        encodes = self._encode_styles and hasattr(method, "encode") and options.colour != "match"
        needs_picture = bool(options.refinement_steps) or not encodes

        def make() -> Style | image.Picture:
            if isinstance(source, FileSource) and source.is_encoded:
                return load_style(source.path, source.name)
            picture = self.read(source, tell)
            if not encodes:
                return picture
            style: Style = method.encode(style_pixels(picture), options, name=source.name)  # type: ignore[attr-defined]
            # Statistics take kilobytes, the picture megabytes.
            return style if needs_picture else replace(style, picture=None)

        if needs_picture and not self._keep_pictures:
            return make()
        decisive = getattr(method, "encoding_options", ()) if encodes else ()
        return self.styles.get((source.key, needs_picture, *(getattr(options, name) for name in decisive)), make)

    def mask(self, mask: Mask, tell: Listener) -> image.Picture | None:
        """White where its style goes; None for what other masks leave. Raises PictureError."""
        source = mask.source
        if source is None:
            return None

        def make() -> image.Picture:
            picture = self.read(source, tell)
            return inverted(picture) if mask.inverted else picture

        return self._masks.get((source.key, mask.inverted), make) if self._keep_pictures else make()

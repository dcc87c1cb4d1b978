"""What a user asks for, and what is checked of it before anything is decoded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from impasto.errors import OptionError, PictureError
from impasto.methods import StylizeOptions
from impasto.options import LOOK_SIZE, Options, choosable
from impasto.picture_file import TooManyPixelsError, UnknownFormatError
from impasto.record import Named, opened
from impasto.service.limits import MEGA, Limits
from impasto.service.offer import Offer
from impasto.service.refusals import NotAPictureError, TooLargeError
from impasto.sizes import fit, largest_side

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "tiff": "image/tiff"}
"""What a painting can be sent as: {format: media type}."""


class Styled(Protocol):
    """What is painted in some styles: a picture or a film."""

    @property
    def styles(self) -> tuple[str | bytes, ...]: ...

    @property
    def options(self) -> Options: ...

    @property
    def num_bytes(self) -> int: ...

    def uploads(self) -> dict[str, bytes]: ...


@dataclass(frozen=True, kw_only=True)
class PaintRequest:
    """A picture to paint, or to look at.

    content, and what is bytes of styles and masks: picture files as they were uploaded. What is text of styles: names
    of the server's own. masks: where each style goes; one per style, None for what the others leave. place: (x, y) in
    percent of the content's width and height; with one, no painting is asked for, but a picture of where this place
    looks, in the style or, with a method of trained generators, in the content itself.
    """

    content: bytes
    styles: tuple[str | bytes, ...] = ()
    masks: tuple[bytes | None, ...] = ()
    options: Options = StylizeOptions()
    format: str = "png"
    place: tuple[float, float] | None = None

    def uploads(self) -> dict[str, bytes]:
        """{what messages call it: file} of everything that the user sent."""
        styles = {f"style {k}": style for k, style in enumerate(self.styles, 1) if isinstance(style, bytes)}
        masks = {f"mask {k}": mask for k, mask in enumerate(self.masks, 1) if mask is not None}
        return {"content": self.content, **styles, **masks}

    @property
    def num_bytes(self) -> int:
        return sum(map(len, self.uploads().values()))

    @property
    def kind(self) -> str:
        """What the painting process is told to do."""
        return "paint" if self.place is None else "look"

    def task(self) -> dict[str, Any]:
        """For the painting process, beside the uploads."""
        return {
            "options": self.options.to_json(), "format": self.format, "place": self.place,
            "styles": [style if isinstance(style, str) else None for style in self.styles],
            "masks": [mask is not None for mask in self.masks],
        }  # fmt: skip

    @classmethod
    def restored(cls, task: Mapping[str, Any], uploads: Sequence[bytes]) -> "PaintRequest":
        """Of what `task` and `uploads` gave. Raises OptionError, LookupError and ValueError."""
        content, *files = uploads
        styles, rest = with_files(task["styles"], files)
        masks = tuple(rest.pop(0) if is_there else None for is_there in task["masks"])
        return cls(
            content=content, styles=styles, masks=masks, options=StylizeOptions(**task["options"]),
            format=task["format"], place=None if task["place"] is None else tuple(task["place"]),
        )  # fmt: skip


def with_files(styles: Sequence[str | None], files: Sequence[bytes]) -> tuple[tuple[str | bytes, ...], list[bytes]]:
    """Styles with files in the places of those that have no name, and the files that are left. Raises IndexError."""
    rest = list(files)
    return tuple(rest.pop(0) if name is None else name for name in styles), rest


def inspect(request: PaintRequest, limits: Limits, offer: Offer) -> int:
    """Pixels of the picture that is asked for. Reads no more than the headers of the uploads.

    Raises OptionError, TooLargeError, NotAPictureError, and PictureError for a damaged header.
    """
    if request.format not in FORMATS:
        raise OptionError(f"format is '{request.format[:80]}', but must be one of {', '.join(FORMATS)}")
    options = request.options
    check_styled(request, limits, offer, len(request.masks))
    _check_rest(request)
    if request.place is not None:
        _check_look(request, offer, *request.place)
    width, height = sizes_of(request, limits)["content"]
    longer = max(width, height)
    side = options.size or (longer if request.place is None else min(LOOK_SIZE, longer))
    pixels = math.prod(fit(height, width, side))
    if pixels > limits.result_megapixels * MEGA:
        fits = largest_side(height, width, limits.result_megapixels * MEGA)
        raise TooLargeError(
            f"size: the painting would have {pixels / MEGA:.1f} megapixels, but this server paints at most"
            f" {limits.result_megapixels:g}; a size of {fits} fits"
        )
    return pixels


def _check_rest(request: PaintRequest) -> None:
    """As `masks.regions` does when the masks are decoded."""
    is_one_less = bool(request.masks) and len(request.masks) < len(request.styles)
    if sum(mask is None for mask in request.masks) + is_one_less > 1:
        raise OptionError(
            f"masks are {len(request.masks)} for {len(request.styles)} styles, and leave the rest to several: only one"
            " style can be without a mask of its own, or have 'rest'"
        )


def check_styled(request: Styled, limits: Limits, offer: Offer, masks: int = 0) -> None:
    """Raises OptionError unless options, styles and so many masks go together here, and TooLargeError."""
    if request.num_bytes > limits.upload_mb * MEGA:
        raise TooLargeError(f"the pictures have more than {limits.upload_mb:g} MB, which is the limit of this server")
    if max(len(request.styles), masks) > limits.styles_each:
        raise OptionError(f"styles are more than {limits.styles_each}, which is the limit of this server")
    offer.check(request.options)
    count = len(request.styles)
    request.options.check_styles(count, masks=masks)
    for style in request.styles:
        if isinstance(style, str):
            offer.check_style(style, request.options)
    if masks and masks not in (count, count - 1):
        raise OptionError(f"masks are {masks} for {count} styles, but must be one for each, or one less")


def sizes_of(request: Styled, limits: Limits) -> dict[str, tuple[int, int]]:
    """{what messages call it: (width, height)} of the pictures that were sent. Raises what `size_of` raises."""
    return {name: size_of(data, name, limits) for name, data in request.uploads().items()}


def _check_look(request: PaintRequest, offer: Offer, x: float, y: float) -> None:
    options = request.options
    for name, value in (("x", x), ("y", y)):
        if not 0 <= value <= 100:
            raise OptionError(f"{name} of the place is {value:g}, but must be from 0 to 100 percent of the content")
    if not options.looks_in:
        raise OptionError(f"method is '{options.method}', but attention is shown of {', '.join(offer.looking())}")
    for item in choosable(options):
        if getattr(options, item.name) != item.default and item.name not in options.look_options:
            raise OptionError(f"{item.name} does not change what a look shows")
    if request.masks:
        raise OptionError("masks are for paintings; they do not change what a look shows")
    if len(request.styles) > 1:
        raise OptionError(f"styles are {len(request.styles)}, but a place looks in one painting")
    options.check_look()


def size_of(data: bytes, name: str, limits: Limits) -> tuple[int, int]:
    """(width, height) by the header.

    Raises TooLargeError, NotAPictureError, and PictureError for a damaged header.
    """
    try:
        with opened(Named(data, name), round(limits.megapixels * MEGA)) as file:
            return file.size
    except PictureError as error:
        if isinstance(error.__cause__, TooManyPixelsError):
            raise TooLargeError(
                f"{name}: it has more than {limits.megapixels:g} megapixels, which is the limit of this server"
            ) from error
        if isinstance(error.__cause__, UnknownFormatError):
            raise NotAPictureError(str(error)) from error
        raise

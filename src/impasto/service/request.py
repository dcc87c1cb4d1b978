"""What a user asks for, a picture or a film, and what is checked of it before anything is decoded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from impasto.errors import OptionError, PictureError
from impasto.methods import StylizeOptions
from impasto.options import LOOK_SIZE, Options, choosable
from impasto.picture_file import TooManyPixelsError, UnknownFormatError
from impasto.record import Named, opened
from impasto.service.limits import MEGA, Limits
from impasto.service.offer import Offer
from impasto.service.refusals import RefusedError
from impasto.sizes import fit, largest_side
from impasto.video.options import VideoOptions

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "tiff": "image/tiff"}
"""What a painting can be sent as: {format: media type}."""
VIDEO_FORMATS = {"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif", "webp": "image/webp"}
"""What a painted film can be: {format: media type}."""


@dataclass(frozen=True, kw_only=True)
class _Styled:
    """What is painted in some styles. styles: picture files as they were uploaded, and names of the server's own."""

    styles: tuple[str | bytes, ...] = ()
    options: Options = StylizeOptions()
    format: str

    def uploads(self) -> dict[str, bytes]:
        """{what messages call it: file} of every picture that the user sent."""
        return {f"style {k}": style for k, style in enumerate(self.styles, 1) if isinstance(style, bytes)}

    @property
    def num_bytes(self) -> int:
        return sum(map(len, self.uploads().values()))

    def task(self) -> dict[str, Any]:
        """For the painting process, beside the uploads."""
        return {
            "options": self.options.to_json(), "format": self.format,
            "styles": [style if isinstance(style, str) else None for style in self.styles],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PaintRequest(_Styled):
    """A picture to paint, or to look at.

    content, and what is bytes of masks: picture files as they were uploaded. masks: where each style goes; one per
    style, None for what the others leave. place: (x, y) in percent of the content's width and height; with one, no
    painting is asked for, but a picture of where this place looks, in the style or, with a method of trained
    generators, in the content itself.
    """

    content: bytes
    masks: tuple[bytes | None, ...] = ()
    format: str = "png"
    place: tuple[float, float] | None = None

    def uploads(self) -> dict[str, bytes]:
        masks = {f"mask {k}": mask for k, mask in enumerate(self.masks, 1) if mask is not None}
        return {"content": self.content, **super().uploads(), **masks}

    @property
    def kind(self) -> str:
        """What the painting process is told to do."""
        return "paint" if self.place is None else "look"

    def task(self) -> dict[str, Any]:
        return super().task() | {"place": self.place, "masks": [mask is not None for mask in self.masks]}


@dataclass(frozen=True, kw_only=True)
class VideoRequest(_Styled):
    """A film to paint. clip: id of one that was sent. video: which part, how steadily."""

    clip: str
    video: VideoOptions = VideoOptions()
    format: str = "mp4"

    kind = "video"

    def task(self) -> dict[str, Any]:
        return super().task() | {"video": asdict(self.video)}


@dataclass(frozen=True, kw_only=True)
class SentVideo:
    """A film that was sent. width, height: in pixels. seconds: until the last frame is over. fps: frames a second, on
    average."""

    id: str
    num_bytes: int
    width: int
    height: int
    seconds: float
    fps: float
    frames: int


def restored(kind: str, task: Mapping[str, Any], uploads: Sequence[bytes]) -> PaintRequest | VideoRequest:
    """Of what `task` and `uploads` gave; of a film, the job has the clip already.

    Raises OptionError, LookupError and ValueError.
    """
    files = list(uploads)
    content = None if kind == VideoRequest.kind else files.pop(0)
    styles = tuple(files.pop(0) if name is None else name for name in task["styles"])
    how: dict[str, Any] = {"options": StylizeOptions(**task["options"]), "format": task["format"], "styles": styles}
    if content is None:
        return VideoRequest(clip="", video=VideoOptions(**task["video"]), **how)
    masks = tuple(files.pop(0) if is_there else None for is_there in task["masks"])
    place = None if task["place"] is None else tuple(task["place"])
    return PaintRequest(content=content, masks=masks, place=place, **how)


def inspect(request: PaintRequest, limits: Limits, offer: Offer) -> int:
    """Pixels of the picture that is asked for. Reads no more than the headers of the uploads.

    Raises OptionError, PictureError for a damaged header, and RefusedError "too-large" and "not-a-picture".
    """
    _check_styled(request, FORMATS, limits, offer, len(request.masks))
    _check_rest(request)
    if request.place is not None:
        _check_look(request, offer, *request.place)
    width, height = _sizes_of(request, limits)["content"]
    longer, most = max(width, height), limits.result_megapixels
    side = request.options.size or (longer if request.place is None else min(LOOK_SIZE, longer))
    return _pixels("the painting", (height, width), side, most, largest_side(height, width, most * MEGA))


def inspect_video(request: VideoRequest, clip: SentVideo, limits: Limits, offer: Offer) -> int:
    """Pixels of all frames that are to be painted. Raises what `inspect` raises, and RefusedError "too-long"."""
    if request.options.start is not None:
        raise OptionError("init cannot be given: a film begins with its own frames")
    _check_styled(request, VIDEO_FORMATS, limits, offer)
    _sizes_of(request, limits)
    side, most = request.options.size or max(clip.width, clip.height), limits.video_result_megapixels
    pixels = _pixels("the film's frames", (clip.height, clip.width), side, most, largest_size(clip, limits))
    seconds = _seconds(request.video, clip)
    if seconds > limits.video_seconds:
        raise RefusedError(
            "too-long",
            f"the film has {seconds:.1f} s, but this server paints at most {limits.video_seconds:g};"
            " start and end say which part",
        )
    return pixels * max(1, round(seconds * (request.video.fps or clip.fps)))


def largest_size(clip: SentVideo, limits: Limits) -> int:
    """The longer side of the largest frames that are painted of it."""
    longer = max(clip.width, clip.height)
    return min(longer, largest_side(clip.height, clip.width, limits.video_result_megapixels * MEGA))


def size_of(data: bytes, name: str, limits: Limits) -> tuple[int, int]:
    """(width, height) by the header.

    Raises PictureError for a damaged header, and RefusedError "too-large" and "not-a-picture".
    """
    try:
        with opened(Named(data, name), round(limits.megapixels * MEGA)) as file:
            return file.size
    except PictureError as error:
        if isinstance(error.__cause__, TooManyPixelsError):
            raise RefusedError(
                "too-large",
                f"{name}: it has more than {limits.megapixels:g} megapixels, which is the limit of this server",
            ) from error
        if isinstance(error.__cause__, UnknownFormatError):
            raise RefusedError("not-a-picture", str(error)) from error
        raise


def _sizes_of(request: _Styled, limits: Limits) -> dict[str, tuple[int, int]]:
    """{what messages call it: (width, height)} of the pictures that were sent. Raises what `size_of` raises."""
    return {name: size_of(data, name, limits) for name, data in request.uploads().items()}


def _pixels(what: str, shape: tuple[int, int], side: int, megapixels: float, fits: int) -> int:
    """Of `shape`, (height, width), at a size. megapixels: that are painted at most. fits: size that is advised."""
    pixels = math.prod(fit(*shape, side))
    if pixels > megapixels * MEGA:
        raise RefusedError(
            "too-large",
            f"size: {what} would have {pixels / MEGA:.1f} megapixels, but this server paints at most {megapixels:g};"
            f" a size of {fits} fits",
        )
    return pixels


def _seconds(video: VideoOptions, clip: SentVideo) -> float:
    begin = float(video.seconds("start"))
    if begin >= clip.seconds:
        raise OptionError(f"start is {video.start}, but the film ends after {clip.seconds:g} s")
    return min(clip.seconds, float(video.seconds("end")) if video.end is not None else clip.seconds) - begin


def _check_styled(
    request: _Styled, formats: Mapping[str, str], limits: Limits, offer: Offer, masks: int = 0
) -> None:  # fmt: skip
    """Raises OptionError unless format, options, styles and so many masks go together here."""
    if request.format not in formats:
        raise OptionError(f"format is '{request.format[:80]}', but must be one of {', '.join(formats)}")
    if request.num_bytes > limits.upload_mb * MEGA:
        limit = f"{limits.upload_mb:g} MB, which is the limit of this server"
        raise RefusedError("too-large", f"the pictures have more than {limit}")
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


def _check_rest(request: PaintRequest) -> None:
    """As `masks.regions` does when the masks are decoded."""
    is_one_less = bool(request.masks) and len(request.masks) < len(request.styles)
    if sum(mask is None for mask in request.masks) + is_one_less > 1:
        raise OptionError(
            f"masks are {len(request.masks)} for {len(request.styles)} styles, and leave the rest to several: only one"
            " style can be without a mask of its own, or have 'rest'"
        )


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

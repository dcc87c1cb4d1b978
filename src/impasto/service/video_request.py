"""A film that a user wants painted, and what is checked of it before it waits."""

from dataclasses import dataclass, fields
from typing import Any

from impasto.errors import OptionError
from impasto.methods import StylizeOptions
from impasto.options import Options
from impasto.service.limits import MEGA, Limits
from impasto.service.offer import Offer
from impasto.service.refusals import TooLargeError, TooLongError
from impasto.service.request import check_styled, sizes_of
from impasto.sizes import fit, largest_side
from impasto.video.options import VideoOptions

VIDEO_FORMATS = {"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif", "webp": "image/webp"}
"""What a painted film can be: {format: media type}."""


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


@dataclass(frozen=True, kw_only=True)
class VideoRequest:
    """clip: id of a film that was sent. styles: as of `PaintRequest`. video: which part, how steadily."""

    clip: str
    styles: tuple[str | bytes, ...] = ()
    options: Options = StylizeOptions()
    video: VideoOptions = VideoOptions()
    format: str = "mp4"

    kind = "video"

    def uploads(self) -> dict[str, bytes]:
        """As of `PaintRequest`; the film itself is on the disk."""
        return {f"style {k}": style for k, style in enumerate(self.styles, 1) if isinstance(style, bytes)}

    @property
    def num_bytes(self) -> int:
        return sum(map(len, self.uploads().values()))

    def task(self) -> dict[str, Any]:
        """For the painting process, beside the uploads."""
        return {
            "options": self.options.to_json(), "format": self.format,
            "styles": [style if isinstance(style, str) else None for style in self.styles],
            "video": {item.name: getattr(self.video, item.name) for item in fields(self.video)},
        }  # fmt: skip


def inspect_video(request: VideoRequest, clip: SentVideo, limits: Limits, offer: Offer) -> int:
    """Pixels of all frames that are to be painted.

    Raises OptionError, TooLargeError, TooLongError, and for a style that was sent what `size_of` raises.
    """
    if request.format not in VIDEO_FORMATS:
        raise OptionError(f"format is '{request.format[:80]}', but must be one of {', '.join(VIDEO_FORMATS)}")
    if request.options.start is not None:
        raise OptionError("init cannot be given: a film begins with its own frames")
    check_styled(request, limits, offer)
    sizes_of(request, limits)
    pixels = _pixels(clip, request.options.size, limits)
    seconds = _seconds(request.video, clip)
    if seconds > limits.video_seconds:
        raise TooLongError(
            f"the film has {seconds:.1f} s, but this server paints at most {limits.video_seconds:g};"
            " start and end say which part"
        )
    return pixels * max(1, round(seconds * (request.video.fps or clip.fps)))


def largest_size(clip: SentVideo, limits: Limits) -> int:
    """The longer side of the largest frames that are painted of it."""
    longer = max(clip.width, clip.height)
    return min(longer, largest_side(clip.height, clip.width, limits.video_result_megapixels * MEGA))


def _pixels(clip: SentVideo, size: int | None, limits: Limits) -> int:
    height, width = fit(clip.height, clip.width, size or max(clip.height, clip.width))
    if height * width > limits.video_result_megapixels * MEGA:
        raise TooLargeError(
            f"size: the film's frames would have {height * width / MEGA:.1f} megapixels, but this server paints at"
            f" most {limits.video_result_megapixels:g}; a size of {largest_size(clip, limits)} fits"
        )
    return height * width


def _seconds(video: VideoOptions, clip: SentVideo) -> float:
    begin = float(video.seconds("start"))
    if begin >= clip.seconds:
        raise OptionError(f"start is {video.start}, but the film ends after {clip.seconds:g} s")
    return min(clip.seconds, float(video.seconds("end")) if video.end is not None else clip.seconds) - begin

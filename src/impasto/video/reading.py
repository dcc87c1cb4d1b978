"""Reading films: what a file is, and its frames one by one, upright, in sRGB, each at its own time."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from numpy.typing import NDArray

from impasto.errors import PictureError
from impasto.record import Record, from_description

Pixels = NDArray[Any]
"""(H, W, 3), or (H, W, 4) with opacity last, of uint8 or uint16."""

FORMS = {(8, False): "rgb24", (8, True): "rgba", (16, False): "rgb48le", (16, True): "rgba64le"}
"""{(bits, whether there is opacity): PyAV's name for such pixels}."""

SCALING = Interpolation.LANCZOS | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

# ITU-T H.273: matrix and primaries of BT.2020; transfer curves of HDR, perceptual quantiser and hybrid log-gamma.
UNSPECIFIED, BT2020, HDR = 2, 9, (16, 18)

# From this height on, a file that does not say so is meant in the colours of HDTV.
HD = 720

# Before the place that is looked for: an index may name the next key frame.
SEEK_MARGIN = 1

logger = logging.getLogger("impasto")


@dataclass(frozen=True)
class Frame:
    """pts, duration: in units of the clip's time base. pixels: None of a frame that cannot be read, as `problem` says.

    is_key: reading can begin here.
    """

    pts: int
    duration: int
    pixels: Pixels | None
    is_key: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Clip:
    """What a film is, as its frames come out: upright and of its own size.

    rate: frames a second on average. bits: 8 or 16 a channel. has_alpha: frames may be transparent. aspect: width over
    height of a pixel. count: of frames, estimated; None where the file does not say. origin: pts at which it begins.
    is_film: PyAV reads it, with whatever else there is in the file.
    """

    path: Path
    time_base: Fraction
    rate: Fraction
    height: int
    width: int
    bits: int
    has_alpha: bool
    aspect: Fraction = Fraction(1)
    count: int | None = None
    origin: int = 0
    is_film: bool = True


NO_FILM = "it is a picture, and no film; as a picture it can be painted"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what PyAV raises into one line about the file."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise PictureError(f"{path}: {_reason(error)}") from error


def _reason(error: "av.error.FFmpegError") -> str:
    if isinstance(error, av.error.InvalidDataError):
        return "it is no film, or is damaged or cut short"
    return (error.strerror or str(error)).lower()


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file for PyAV, and no other one that it may name, nor any network. Raises PictureError, also in its block.

    By its handle: whoever may open one file by its path may open all that a list of pieces names.
    """
    options = {"protocol_whitelist": "none"}
    with explained(path), path.open("rb") as file, av.open(file, options=options) as container:
        yield container


def open_film(path: Path) -> Clip:
    """Reads as much of a file as its first frame takes. Raises PictureError."""
    if path.stat().st_size == 0:
        raise PictureError(f"{path}: the file is empty")
    with opened(path) as container:
        if container.format.name.endswith("_pipe"):
            raise PictureError(f"{path}: {NO_FILM}")
        stream = _main_stream(container, path)
        first = next((frame for frame in _decoded(container, stream, None) if not isinstance(frame, Frame)), None)
        if first is None:
            raise PictureError(f"{path}: none of its frames can be decoded")
        assert stream.time_base is not None
        height, width = first.height, first.width
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        if _orientation(first)[0] % 2:
            height, width, aspect = width, height, 1 / aspect
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        depth = max(component.bits for component in first.format.components)
        return Clip(
            path, stream.time_base, rate, height, width, 16 if depth > 8 else 8, _has_alpha(first.format), aspect,
            _count(container, stream, rate), math.floor(Fraction(container.start_time or 0, 10**6) / stream.time_base),
        )  # fmt: skip


def describe(path: Path) -> str:
    """What a film is, in words. Raises PictureError if it is none."""
    clip = open_film(path)
    with opened(path) as container:
        return f"{container.format.name.partition(',')[0]}, {clip.width} x {clip.height} pixels"


def counted(clip: Clip) -> tuple[int, Fraction]:
    """Frames, and the seconds until the last one is over, by what lies in the file."""
    frames, last = 0, clip.origin
    with opened(clip.path) as container:
        for packet in container.demux(_main_stream(container, clip.path)):
            if packet.size:
                frames += 1
                last = last if packet.pts is None else max(last, packet.pts)
    # A stream without times is shown at its rate.
    is_timed = last > clip.origin
    length = (last - clip.origin) * clip.time_base + 1 / clip.rate if is_timed else max(1, frames) / clip.rate
    return max(1, frames), length


def read_record(path: Path) -> Record:
    """How a film was made. Raises PictureError if it does not say."""
    with opened(path) as container:
        comment = container.metadata.get("comment", "")
    try:
        return from_description(comment)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None


def _main_stream(container: Any, path: Path) -> Any:
    """The first stream that moves: covers of music are streams, too."""
    films = [one for one in container.streams.video if not one.disposition & av.stream.Disposition.attached_pic]
    if not films:
        kinds = " and ".join(sorted({stream.type for stream in container.streams}))
        raise PictureError(f"{path}: holds no film, only {kinds or 'nothing that is known'}")
    if films[0].codec_context is None:
        raise PictureError(f"{path}: its film is of a kind that cannot be decoded here")
    return films[0]


def _count(container: Any, stream: Any, rate: Fraction) -> int | None:
    if stream.frames:
        return int(stream.frames)
    if not stream.duration and not container.duration:
        return None
    seconds = stream.duration * stream.time_base if stream.duration else Fraction(container.duration, 10**6)
    return max(1, round(float(seconds * rate)))


def read_film(clip: Clip, size: tuple[int, int], begin: int | None = None) -> Iterator[Frame]:
    """Its frames of (height, width), in order. begin: the first pts that is wanted.

    Raises PictureError where reading has to stop.
    """
    last: Frame | None = None
    # Kept from frame to frame: tables for colours of HDR take it seconds to make.
    reformatter = VideoReformatter()
    for frame in _from(clip, begin):
        duration = int(frame.duration or 0) or max(1, round(1 / clip.rate / clip.time_base))
        after = None if last is None else last.pts + last.duration
        pts = frame.pts if frame.pts is not None else (after or 0)
        if last is not None and pts <= last.pts:
            # Nothing can be shown twice at one time; players take the next one.
            pts = last.pts + 1
        if isinstance(frame, Frame):
            last = replace(frame, pts=pts, duration=duration)
        else:
            last = Frame(pts, duration, _pixels(frame, clip, size, reformatter), bool(frame.key_frame))
        if begin is None or pts >= begin:
            yield last


def _from(clip: Clip, begin: int | None) -> Iterator[Any]:
    """Decoded frames from the key frame before `begin` on."""
    if begin is not None:
        with opened(clip.path) as container:
            stream = _main_stream(container, clip.path)
            wanted = begin - round(SEEK_MARGIN / clip.time_base)
            try:
                container.seek(wanted, stream=stream)
                frames = _decoded(container, stream, clip)
                first = next(frames, None)
            except av.error.FFmpegError:
                first = None
            if first is not None and first.pts is not None and first.pts <= begin:
                yield first
                yield from frames
                return
    # No index, or one that leads astray.
    with opened(clip.path) as container:
        yield from _decoded(container, _main_stream(container, clip.path), clip)


def _decoded(container: Any, stream: Any, clip: Clip | None) -> Iterator[Any]:
    """PyAV's frames, deinterlaced where they are interlaced, in the order of showing; a `Frame` where one is missing.

    clip: None to look at the first one only.
    """
    # Threads of slices, not of frames: an error is then raised with the packet that it is about.
    stream.thread_type = "SLICE"
    weave: _Deinterlacer | None = None
    bad: list[Frame] = []
    for packet in _packets(container, stream):
        try:
            frames = stream.decode(packet)
        except av.error.EOFError:
            break
        except av.error.FFmpegError as error:
            if packet.pts is not None and clip is not None:
                bad.append(Frame(packet.pts, 0, None, problem=_reason(error)))
            continue
        for frame in frames:
            if clip is not None and frame.interlaced_frame and weave is None:
                weave = _Deinterlacer(stream)
            for shown in weave(frame) if weave else [frame]:
                yield from _due(bad, shown.pts)
                yield _checked(shown)
    if weave:
        for shown in weave(None):
            yield from _due(bad, shown.pts)
            yield _checked(shown)
    yield from _due(bad, None)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Those of a file that is cut short, too, as far as it goes; the last one is empty."""
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError as error:
        logger.warning("%s: it is read no further: %s", container.name, _reason(error))
        yield av.Packet()


def _due(bad: list[Frame], pts: int | None) -> Iterator[Frame]:
    """Takes what comes before pts out of the list; all of it for None."""
    bad.sort(key=lambda one: one.pts)
    while bad and (pts is None or bad[0].pts <= pts):
        one = bad.pop(0)
        if one.pts != pts:
            yield one


def _checked(frame: Any) -> Any:
    if not frame.is_corrupt:
        return frame
    return Frame(frame.pts, int(frame.duration or 0), None, problem="parts of it are missing")


class _Deinterlacer:
    """Frames of two fields -> frames; each keeps its time, and those that are progressive all else."""

    def __init__(self, stream: Any) -> None:
        self.time_base = stream.time_base
        self.graph = av.filter.Graph()
        self.graph.link_nodes(
            self.graph.add_buffer(template=stream, time_base=stream.time_base),
            self.graph.add("bwdif", "mode=send_frame:deint=interlaced"),
            self.graph.add("buffersink"),
        ).configure()

    def __call__(self, frame: Any) -> Iterator[Any]:
        self.graph.push(frame)
        while True:
            try:
                shown = self.graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if shown.pts is not None:
                shown.pts = round(shown.pts * shown.time_base / self.time_base)
            yield shown


# --- pixels ----------------------------------------------------------------------------------------------------------


def _has_alpha(form: Any) -> bool:
    return any(component.is_alpha for component in form.components) or form.has_palette


def _pixels(frame: Any, clip: Clip, size: tuple[int, int], reformatter: Any) -> Pixels:
    """As RGB in sRGB, upright, of this (height, width)."""
    turns, is_mirrored = _orientation(frame)
    height, width = size[::-1] if turns % 2 else size
    # In one thread, as all that is done beside painting.
    how: dict[str, Any] = {"dst_color_range": ColorRange.JPEG, "interpolation": SCALING, "threads": 1}
    if not frame.format.is_rgb:
        how["src_color_range"] = frame.color_range or ColorRange.MPEG
        if frame.colorspace == UNSPECIFIED:
            how["src_colorspace"] = Colorspace.ITU709 if frame.height >= HD else Colorspace.ITU601
    if frame.color_trc in HDR or frame.color_primaries == BT2020:
        # White of HDR, 203 cd/m2, becomes white; what is brighter has nowhere to go.
        how["dst_color_trc"] = ColorTrc.IEC61966_2_1 if frame.color_trc in HDR else ColorTrc.BT709
        how["dst_color_primaries"] = ColorPrimaries.BT709
    shown = reformatter.reformat(frame, width, height, FORMS[clip.bits, clip.has_alpha], **how)
    pixels = np.rot90(shown.to_ndarray(), turns)
    return np.ascontiguousarray(pixels[:, ::-1] if is_mirrored else pixels)


def _orientation(frame: Any) -> tuple[int, bool]:
    """Quarter turns to the left, and then whether left and right change places."""
    for data in frame.side_data:
        if data.type == av.sidedata.sidedata.Type.DISPLAYMATRIX:
            a, b, c, d = np.frombuffer(bytes(data)[:36], np.int32)[[0, 1, 3, 4]].tolist()
            is_mirrored = a * d - b * c < 0
            if is_mirrored:
                a, c = -a, -c
            return round(float(np.degrees(np.arctan2(-b, a))) / 90) % 4, is_mirrored
    return 0, False

"""Films without a codec of films: GIF, animated WebP, APNG and folders of frames, made from lossless pieces."""

import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import Interpolation, VideoReformatter

from impasto import image
from impasto.files import replace_file
from impasto.record import Record
from impasto.video.clips import ClipPart
from impasto.video.options import VideoOptions
from impasto.video.reading import explained

WEBP_QUALITY = 90

# A pattern that stays where it is: dithering by diffusion flickers, and makes files large.
DITHER = "dither=bayer:bayer_scale=3:diff_mode=rectangle"

FORMS = {(8, False): "rgb24", (8, True): "rgba", (16, False): "rgb48le", (16, True): "rgba64le"}
EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


@dataclass(frozen=True)
class Animation:
    """codec, form: of PyAV, the form of the encoder's pixels. unit: of times. settings: of the encoder; looping: of the
    container, that it is shown over and over."""

    codec: str
    form: str
    unit: Fraction
    settings: dict[str, str] = field(default_factory=dict)
    looping: dict[str, str] = field(default_factory=dict)


def write_folder(
    pieces: Sequence[Path], folder: Path, part: ClipPart, *, bits: int, has_alpha: bool, record: Record
) -> int:
    """PNG files frame-000000.png and so on, in a folder that is there: how many. Raises OSError if one cannot be
    written."""
    number = -1
    for number, frame in enumerate(_frames(pieces, part.time_base)):
        picture = image.from_array(frame.to_ndarray(format=FORMS[bits, has_alpha]))
        replace_file(folder / frame_name(number), image.encode(picture, "png", bits=bits, record=record))
    return number + 1


def frame_name(number: int) -> str:
    """Of a file in a folder of frames, from 0."""
    return f"frame-{number:06}.png"


def write_animation(
    pieces: Sequence[Path], path: Path, suffix: str, part: ClipPart, options: VideoOptions, end: int, *, has_alpha: bool
) -> None:
    """A GIF of one palette for all frames, an animated WebP, or an APNG.

    path: the file to be written, whatever lies there. suffix: of the animation. end: when its last frame is over, in
    units of the part's time base. Raises PictureError if it cannot be written.
    """
    with explained(path):
        frames = _timed(_frames(pieces, part.time_base), end)
        if suffix == ".gif":
            animation = Animation("gif", "pal8", Fraction(1, 100), looping={"loop": "0"})
            palette = _palette(_frames(pieces, part.time_base), has_alpha)
            _encode(path, "gif", animation, _in_palette(frames, palette), part)
            return
        milliseconds = Fraction(1, 1000)
        if suffix == ".webp":
            quality = str(WEBP_QUALITY if options.video_quality is None else options.video_quality)
            form = "bgra" if has_alpha else "yuv420p"
            animation = Animation("libwebp_anim", form, milliseconds, {"quality": quality}, {"loop": "0"})
        else:
            looping = {"plays": "0", "final_delay": str(_last_duration(pieces, part.time_base, end))}
            animation = Animation("apng", "rgba" if has_alpha else "rgb24", milliseconds, looping=looping)
        reformatter = VideoReformatter()
        shown = (reformatter.reformat(frame, format=animation.form, interpolation=EXACT) for frame in frames)
        _encode(path, suffix[1:], animation, shown, part)
        if suffix == ".webp":
            _mend_webp(path, round(_last_duration(pieces, part.time_base, end) * 1000), has_alpha)


def _frames(pieces: Sequence[Path], time_base: Fraction) -> Iterator[Any]:
    """Of lossless pieces, with pts in units of the time base."""
    for piece in pieces:
        with av.open(str(piece)) as container:
            for frame in container.decode(video=0):
                frame.pts = round(frame.pts * frame.time_base / time_base)
                frame.time_base = time_base
                yield frame


def _timed(frames: Iterator[Any], end: int) -> Iterator[Any]:
    """Each lasts until the next one."""
    for frame, after in itertools.pairwise(itertools.chain(frames, [None])):
        frame.duration = (end if after is None else after.pts) - frame.pts
        yield frame


def _encode(path: Path, container: str, animation: Animation, frames: Iterator[Any], part: ClipPart) -> None:
    with av.open(str(path), "w", format=container, options=animation.looping) as out:
        stream: Any = None
        for frame in frames:
            begin, end = (
                round(pts * part.time_base / animation.unit) for pts in (frame.pts, frame.pts + frame.duration)
            )
            if stream is None:
                stream = out.add_stream(animation.codec, rate=part.clip.rate, options=dict(animation.settings))
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, animation.form
                stream.codec_context.time_base = stream.time_base = animation.unit
            frame.pts, frame.duration, frame.time_base = begin, max(1, end - begin), animation.unit
            for packet in stream.encode(frame):
                packet.duration = packet.duration or frame.duration
                out.mux(packet)
        out.mux(stream.encode(None))


def _last_duration(pieces: Sequence[Path], time_base: Fraction, end: int) -> Fraction:
    """Seconds of the last frame."""
    with av.open(str(pieces[-1])) as container:
        last = max(packet.pts * packet.time_base for packet in container.demux(video=0) if packet.pts is not None)
    return max(Fraction(1, 1000), end * time_base - Fraction(last))


def _mend_webp(path: Path, milliseconds: int, has_alpha: bool) -> None:
    """What FFmpeg's file does not say: that frames are transparent, and how long the last one lasts."""
    with path.open("r+b") as file:
        length = path.stat().st_size
        file.seek(20)
        flags = file.read(1)[0]
        file.seek(20)
        file.write(bytes([flags | 0x10 * has_alpha]))
        place, last = 12, None
        while place + 8 <= length:
            file.seek(place)
            name, size = struct.unpack("<4sI", file.read(8))
            last = place if name == b"ANMF" else last
            place += 8 + size + size % 2
        if last is not None:
            # After the frame's place and size, three bytes each.
            file.seek(last + 8 + 12)
            file.write(milliseconds.to_bytes(3, "little"))


# --- palettes --------------------------------------------------------------------------------------------------------


def _palette(frames: Iterator[Any], has_alpha: bool) -> Any:
    """The 256 colours that suit all frames best, as a frame."""
    graph = None
    for frame in frames:
        if graph is None:
            graph = av.filter.Graph()
            source = _buffer(graph, frame)
            palette = graph.add("palettegen", f"reserve_transparent={int(has_alpha)}")
            sink = graph.add("buffersink")
            source.link_to(palette)
            palette.link_to(sink)
            graph.configure()
        source.push(frame)
    assert graph is not None
    source.push(None)
    return sink.pull()


def _in_palette(frames: Iterator[Any], palette: Any) -> Iterator[Any]:
    graph = None
    for frame in frames:
        if graph is None:
            graph = av.filter.Graph()
            source, colours = _buffer(graph, frame), _buffer(graph, palette)
            use, sink = graph.add("paletteuse", DITHER), graph.add("buffersink")
            source.link_to(use, 0, 0)
            colours.link_to(use, 0, 1)
            use.link_to(sink)
            graph.configure()
            colours.push(palette)
            colours.push(None)
        pts, duration = frame.pts, frame.duration
        source.push(frame)
        shown: Any = sink.pull()
        shown.pts, shown.duration = pts, duration
        yield shown


def _buffer(graph: Any, frame: Any) -> Any:
    return graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )

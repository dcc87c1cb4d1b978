"""Pieces of a film put together: as a film with the sound and all else of its source, an animation or a folder."""

import heapq
import itertools
import logging
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import Interpolation, VideoReformatter

from impasto import image
from impasto.files import replace_file
from impasto.record import Record
from impasto.video.clips import ClipPart
from impasto.video.pieces import Pieces
from impasto.video.reading import FORMS, explained, opened

# Of a container, what is said of the file and not of the film.
OF_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")
# What has to be known to show it.
NEEDED = ("language",)

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}

FOREVER = Fraction(10**9)

WEBP_QUALITY = 90

# A pattern that stays where it is: dithering by diffusion flickers, and makes files large.
DITHER = "dither=bayer:bayer_scale=3:diff_mode=rectangle"

EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP

logger = logging.getLogger("impasto")


def join_film(
    pieces: Pieces, path: Path, suffix: str, about: Mapping[str, str], *, is_whole: bool, keep_metadata: bool
) -> None:
    """The pieces, as they are, with the sound, subtitles, chapters and, if wished, metadata of the part's clip.

    path: the file to be written, whatever lies there. suffix: of the film. about: metadata, where the clip has none of
    these names. is_whole: the sound may be longer than the pieces. Raises PictureError if it cannot be written.
    """
    part = pieces.part
    with ExitStack() as stack:
        container = stack.enter_context(opened(part.clip.path)) if part.clip.is_film else None
        stack.enter_context(explained(path))
        flags = {"movflags": "+faststart"} if suffix in (".mp4", ".m4v", ".mov") else {}
        out = stack.enter_context(av.open(str(path), "w", format=CONTAINERS[suffix], options=flags))
        first = stack.enter_context(av.open(str(pieces.files[0])))
        video = out.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base = part.time_base
        if video.codec_context.name == "hevc" and suffix != ".mkv":
            video.codec_context.codec_tag = "hvc1"  # what Apple's players ask for
        streams = [_video_packets(pieces, video)]
        if container is not None:
            until = None if is_whole else pieces.place.end * part.time_base
            source = _Source(container, out, part, until, keep_metadata=keep_metadata)
            video.metadata.update(source.kept(container.streams.video[0].metadata))
            streams.append(source.packets())
        for name, value in about.items():
            out.metadata.setdefault(name, value)
        for _, packet in heapq.merge(*streams, key=lambda one: one[0]):
            out.mux(packet)


def _video_packets(pieces: Pieces, video: Any) -> Iterator[tuple[Fraction, Any]]:
    for packet in _timed(pieces, "demux"):
        packet.dts, packet.stream = packet.pts, video
        yield packet.dts * packet.time_base, packet


def _timed(pieces: Pieces, what: str) -> Iterator[Any]:
    """What PyAV's `demux` or `decode` gives of all pieces, in units of the part's time base, until the next one."""
    items = itertools.chain(_items(pieces, what), [None])
    for item, after in itertools.pairwise(items):
        item.duration = max(1, (pieces.place.end if after is None else after.pts) - item.pts)
        yield item


def _items(pieces: Pieces, what: str) -> Iterator[Any]:
    time_base = pieces.part.time_base
    for file in pieces.files:
        with av.open(str(file)) as container:
            for item in getattr(container, what)(video=0):
                if item.pts is not None:
                    item.pts = round(item.pts * item.time_base / time_base)
                    item.time_base = time_base
                    yield item


class _Source:
    """What a film brings besides its pictures. until: seconds of the part; None is all that there is."""

    def __init__(
        self, container: Any, out: Any, part: ClipPart, until: Fraction | None, *, keep_metadata: bool
    ) -> None:  # fmt: skip
        self.container = container
        self.keep_metadata = keep_metadata
        self.begin = part.origin * part.clip.time_base
        # Sound may have a priming that is decoded before its first sample is heard.
        self.first = self.begin if part.has_start else -FOREVER
        self.end = self.begin + until if until is not None else FOREVER
        self.streams: dict[int, Any] = {}
        self.transcoders: dict[int, _Transcoder] = {}
        for stream in container.streams:
            if stream.type in ("audio", "subtitle"):
                self._take(stream, out, part.clip.path)
            elif stream.type == "attachment" and out.format.name == "matroska":
                out.add_stream_from_template(stream)  # a font of subtitles, for one
        out.metadata.update(self.kept(container.metadata))
        if chapters := list(self._chapters()):
            out.set_chapters(chapters)

    def kept(self, metadata: Mapping[str, str]) -> dict[str, str]:
        """What is said of the film, or of a stream of it, and stays so."""
        return {
            key: value
            for key, value in metadata.items()
            if (key not in OF_FILE if self.keep_metadata else key in NEEDED)
        }

    def _take(self, stream: Any, out: Any, path: Path) -> None:
        """A stream of its own for it, or a line in the log."""
        name = "" if stream.codec_context is None else stream.codec_context.codec.canonical_name
        if name and {name, stream.codec_context.name} & set(out.supported_codecs):
            output = out.add_stream_from_template(stream)
        elif name and stream.type == "audio":
            output = out.add_stream(out.default_audio_codec, rate=stream.codec_context.sample_rate)
            output.codec_context.layout = stream.codec_context.layout
            self.transcoders[stream.index] = _Transcoder(stream, output)
            logger.warning("%s: %s sound becomes %s, which the file can hold", path, name, out.default_audio_codec)
        else:
            logger.warning("%s: %s (%s) is left out, which the file cannot hold", path, stream.type, name or "unknown")
            return
        output.metadata.update(self.kept(stream.metadata))
        output.disposition = stream.disposition
        self.streams[stream.index] = output

    def _chapters(self) -> Iterator[Any]:
        for chapter in self.container.chapters():
            unit = chapter["time_base"]
            first, last = (max(self.begin, min(self.end, chapter[k] * unit)) for k in ("start", "end"))
            if first < last:
                times = {k: round((v - self.begin) / unit) for k, v in (("start", first), ("end", last))}
                yield {**chapter, **times}

    def packets(self) -> Iterator[tuple[Fraction, Any]]:
        """(seconds, packet) in the order of the file, for the streams of the new one."""
        wanted = [stream for stream in self.container.streams if stream.index in self.streams]
        if not wanted:
            return
        if self.begin > 1:
            self.container.seek(int((self.begin - 1) * 1_000_000))
        for packet in self.container.demux(wanted):
            if packet.pts is None or not self.first <= packet.pts * packet.time_base < self.end:
                continue
            shift = round(self.begin / packet.time_base)
            transcoder = self.transcoders.get(packet.stream.index)
            if transcoder is None:
                packet.pts -= shift
                packet.dts = packet.pts if packet.dts is None else packet.dts - shift
                packet.stream = self.streams[packet.stream.index]
                yield packet.dts * packet.time_base, packet
            else:
                yield from transcoder(packet, shift)
        for transcoder in self.transcoders.values():
            yield from transcoder(None, 0)


@dataclass
class _Transcoder:
    """Sound of a kind that the container does not hold, in the kind that it does."""

    source: Any
    encoder: Any
    resampler: Any = None

    def __call__(self, packet: Any, shift: int) -> Iterator[tuple[Fraction, Any]]:
        """packet: None at the end."""
        for frame in [None] if packet is None else self.source.decode(packet):
            if frame is not None and frame.pts is not None:
                frame.pts -= shift
            yield from self._encoded(frame)

    def _encoded(self, frame: Any) -> Iterator[tuple[Fraction, Any]]:
        context = self.encoder.codec_context
        if self.resampler is None:
            if frame is None:
                return
            context.open()
            self.resampler = av.AudioResampler(context.format, context.layout, context.rate, context.frame_size)
        for part in [*self.resampler.resample(frame), *([None] if frame is None else [])]:
            for packet in self.encoder.encode(part):
                yield packet.dts * packet.time_base, packet


# --- folders and animations ------------------------------------------------------------------------------------------


def write_folder(pieces: Pieces, folder: Path, record: Record) -> None:
    """PNG files frame-000000.png and so on, in a folder that is there. Raises OSError if one cannot be written."""
    form = FORMS[pieces.encoding.bits, pieces.encoding.has_alpha]
    names = (folder / f"frame-{number:06}.png" for number in itertools.count())
    for frame, name in zip(_timed(pieces, "decode"), names, strict=False):
        picture = image.from_array(frame.to_ndarray(format=form))
        replace_file(name, image.encode(picture, "png", bits=pieces.encoding.bits, record=record))
    # Of a longer film that was painted here before.
    for name in itertools.takewhile(Path.exists, names):
        name.unlink()


def write_animation(pieces: Pieces, path: Path, suffix: str, quality: int | None) -> None:
    """A GIF of one palette for all frames, an animated WebP, or an APNG.

    path: the file to be written, whatever lies there. suffix: of the animation. quality: of WebP, from 1 to 100. Raises
    PictureError if it cannot be written.
    """
    has_alpha = pieces.encoding.has_alpha
    with explained(path):
        last = _last_duration(pieces)
        unit, looping, settings = Fraction(1, 1000), {"loop": "0"}, {}
        match suffix:
            case ".gif":
                codec, form, unit = "gif", "pal8", Fraction(1, 100)
            case ".webp":
                codec, form = "libwebp_anim", "bgra" if has_alpha else "yuv420p"
                settings = {"quality": str(WEBP_QUALITY if quality is None else quality)}
            case _:
                codec, form, looping = "apng", FORMS[8, has_alpha], {"plays": "0", "final_delay": str(last)}
        with av.open(str(path), "w", format=suffix[1:], options=looping) as out:
            stream: Any = out.add_stream(codec, rate=pieces.part.clip.rate, options=settings)
            stream.height, stream.width = pieces.part.size
            stream.pix_fmt, stream.codec_context.time_base, stream.time_base = form, unit, unit
            for frame in _in_palette(pieces) if suffix == ".gif" else _converted(pieces, form):
                ends = frame.pts, frame.pts + frame.duration
                begin, end = (round(pts * pieces.part.time_base / unit) for pts in ends)
                frame.pts, frame.duration, frame.time_base = begin, max(1, end - begin), unit
                for packet in stream.encode(frame):
                    packet.duration = packet.duration or frame.duration
                    out.mux(packet)
            out.mux(stream.encode(None))
        if suffix == ".webp":
            _mend_webp(path, round(last * 1000), has_alpha)


def _converted(pieces: Pieces, form: str) -> Iterator[Any]:
    reformatter = VideoReformatter()
    for frame in _timed(pieces, "decode"):
        yield reformatter.reformat(frame, format=form, interpolation=EXACT)


def _last_duration(pieces: Pieces) -> Fraction:
    """Seconds of the last frame."""
    with av.open(str(pieces.files[-1])) as container:
        last = max(packet.pts * packet.time_base for packet in container.demux(video=0) if packet.pts is not None)
    return max(Fraction(1, 1000), pieces.place.end * pieces.part.time_base - Fraction(last))


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


def _palette(pieces: Pieces) -> Any:
    """The 256 colours that suit all frames best, as a frame."""
    frames, graph = _timed(pieces, "decode"), av.filter.Graph()
    first = next(frames)
    source, sink = _buffer(graph, first), graph.add("buffersink")
    reserve = f"reserve_transparent={int(pieces.encoding.has_alpha)}"
    graph.link_nodes(source, graph.add("palettegen", reserve), sink).configure()
    for frame in itertools.chain([first], frames, [None]):
        source.push(frame)
    return sink.pull()


def _in_palette(pieces: Pieces) -> Iterator[Any]:
    frames, graph, palette = _timed(pieces, "decode"), av.filter.Graph(), _palette(pieces)
    first = next(frames)
    source, colours = _buffer(graph, first), _buffer(graph, palette)
    use, sink = graph.add("paletteuse", DITHER), graph.add("buffersink")
    source.link_to(use, 0, 0)
    colours.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    colours.push(palette)
    colours.push(None)
    for frame in itertools.chain([first], frames):
        source.push(frame)
        shown: Any = sink.pull()
        shown.pts, shown.duration = frame.pts, frame.duration
        yield shown


def _buffer(graph: Any, frame: Any) -> Any:
    return graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )

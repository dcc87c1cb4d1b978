"""Pieces of a film put together, with the sound and all else of its source."""

import heapq
import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from impasto.video.clips import ClipPart
from impasto.video.reading import explained, opened

# Of a container, what is said of the file and not of the film.
OF_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")
# What has to be known to show it.
NEEDED = ("language",)

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}

FOREVER = Fraction(10**9)

logger = logging.getLogger("impasto")


class Source:
    """What a film brings besides its pictures. until: seconds of the part; None is all that there is. is_named: whether
    its metadata are kept."""

    def __init__(self, container: Any, out: Any, part: ClipPart, until: Fraction | None, *, is_named: bool) -> None:
        self.container = container
        self.is_named = is_named
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
        self._tell_about(out, part)

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
        output.metadata.update(kept(stream.metadata, is_named=self.is_named))
        output.disposition = stream.disposition
        self.streams[stream.index] = output

    def _tell_about(self, out: Any, part: ClipPart) -> None:
        out.metadata.update(kept(self.container.metadata, is_named=self.is_named))
        chapters = []
        for chapter in self.container.chapters():
            unit = chapter["time_base"]
            first, last = (max(self.begin, min(self.end, chapter[k] * unit)) for k in ("start", "end"))
            if first < last:
                times = {k: round((v - self.begin) / unit) for k, v in (("start", first), ("end", last))}
                chapters.append({**chapter, **times})
        if chapters:
            out.set_chapters(chapters)

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


class _Transcoder:
    """Sound of a kind that the container does not hold, in the kind that it does."""

    def __init__(self, source: Any, encoder: Any) -> None:
        self.source = source
        self.encoder = encoder
        self.resampler: Any = None

    def __call__(self, packet: Any, shift: int) -> Iterator[tuple[Fraction, Any]]:
        frames = self.source.decode(packet) if packet is not None else []
        for frame in frames:
            frame.pts = None if frame.pts is None else frame.pts - shift
        for frame in itertools.chain(frames, [None] if packet is None else []):
            yield from self._encoded(frame)

    def _encoded(self, frame: Any) -> Iterator[tuple[Fraction, Any]]:
        context = self.encoder.codec_context
        if self.resampler is None:
            if frame is None:
                return
            context.open()
            self.resampler = av.AudioResampler(context.format, context.layout, context.rate, context.frame_size)
        for part in self.resampler.resample(frame):
            for packet in self.encoder.encode(part):
                yield packet.dts * packet.time_base, packet
        if frame is None:
            for packet in self.encoder.encode(None):
                yield packet.dts * packet.time_base, packet


def join_film(
    pieces: Sequence[Path], path: Path, suffix: str, part: ClipPart, end: int, *, is_whole: bool, is_named: bool,
    about: Mapping[str, str],
) -> None:  # fmt: skip
    """The pieces, as they are, with the sound, subtitles, chapters and, if it `is_named`, metadata of the part's clip.

    path: the file to be written, whatever lies there. suffix: of the film. end: when its last frame is over, in units
    of the part's time base. is_whole: the sound may be longer than that. about: metadata, where the clip has none of
    these names. Raises PictureError if it cannot be written.
    """
    with ExitStack() as stack:
        stack.enter_context(explained(path))
        flags = {"movflags": "+faststart"} if suffix in (".mp4", ".m4v", ".mov") else {}
        out = stack.enter_context(av.open(str(path), "w", format=CONTAINERS[suffix], options=flags))
        first = stack.enter_context(av.open(str(pieces[0])))
        video = out.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base = part.time_base
        if video.codec_context.name == "hevc" and suffix != ".mkv":
            video.codec_context.codec_tag = "hvc1"  # what Apple's players ask for
        streams = [_video_packets(pieces, video, end, part.time_base)]
        if part.clip.is_film:
            container = stack.enter_context(opened(part.clip.path))
            source = Source(container, out, part, None if is_whole else end * part.time_base, is_named=is_named)
            video.metadata.update(kept(container.streams.video[0].metadata, is_named=is_named))
            streams.append(source.packets())
        for name, value in about.items():
            out.metadata.setdefault(name, value)
        for _, packet in heapq.merge(*streams, key=lambda one: one[0]):
            out.mux(packet)


def kept(metadata: Mapping[str, str], *, is_named: bool) -> dict[str, str]:
    """What is said of the film, or of a stream of it, and stays so."""
    return {key: value for key, value in metadata.items() if (key not in OF_FILE if is_named else key in NEEDED)}


def _video_packets(pieces: Sequence[Path], video: Any, end: int, time_base: Fraction) -> Iterator[tuple[Fraction, Any]]:
    """Each lasts until the next one."""
    before = None
    for packet in _packets(pieces):
        packet.pts = packet.dts = round(packet.pts * packet.time_base / time_base)
        packet.time_base = time_base
        packet.stream = video
        if before is not None:
            before.duration = packet.pts - before.pts
            yield before.dts * time_base, before
        before = packet
    if before is not None:
        before.duration = max(1, end - before.pts)
        yield before.dts * time_base, before


def _packets(pieces: Sequence[Path]) -> Iterator[Any]:
    for piece in pieces:
        with av.open(str(piece)) as container:
            yield from (packet for packet in container.demux(video=0) if packet.pts is not None)

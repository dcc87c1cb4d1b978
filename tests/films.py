"""Small films made for a test, and a stylizer that only inverts."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from fake_stylizer import FakeStylizer

from impasto import image, stylize_video
from impasto.options import Options

STYLE = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TICKS = Fraction(1, 12_800)


class Inverting(FakeStylizer):
    """Paints at once, and so that it can be told."""

    def __init__(self) -> None:
        self.painted = 0

    def __call__(self, content: np.ndarray, styles: Sequence[Any], options: Options, **_: Any) -> np.ndarray:
        self.painted += 1
        return 1 - content[:, :3]

    def encode(self, style: np.ndarray, options: Options) -> np.ndarray:
        return style

    def bytes_per_pixel(self, options: Options, *, regions: int = 0) -> float:
        return 100

    def weights_hashes(self, options: Options) -> dict[str, str]:
        return {"none": "0"}


def painted(clip: Path, name: str = "out.mp4", **choices: Any) -> Path:
    """A film beside the clip, each of its frames inverted by itself."""
    choices = {"steady": 0.0, "output": clip.with_name(name), "stylizer": Inverting()} | choices
    return stylize_video(clip, STYLE, **choices)


def level(number: int) -> int:
    """The grey of frame `number`, which survives a codec."""
    return 40 + number * 37 % 180


def plain(number: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A grey frame that says its number, with a darker left half."""
    frame = np.full((height, width, 3), level(number), np.uint8)
    frame[:, : width // 2] //= 2
    return frame


def write_film(
    path: Path,
    frames: Iterable[np.ndarray],
    times: Sequence[int] | None = None,
    *,
    time_base: Fraction = TICKS,
    codec: str = "libx264",
    form: str = "yuv420p",
    sound: bool = False,
    options: dict[str, str] | None = None,
    prepare: Any = None,
    change: Any = None,
    container: str | None = None,
) -> Path:
    """times: of the frames in units of the time base; 25 a second if None. prepare: called with the file and its
    stream, gives packets of others or None; change: called with each frame."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=25, options={"bf": "0", "g": "10"} | (options or {}))
        stream.pix_fmt = form
        stream.time_base = stream.codec_context.time_base = time_base
        voice = _sound(out) if sound else None
        others = prepare(out, stream) if prepare else None
        for number, pixels in enumerate(frames):
            if number == 0:
                stream.height, stream.width = pixels.shape[:2]
            deep = pixels.dtype == np.uint16
            kind = {(3, False): "rgb24", (4, False): "rgba", (3, True): "rgb48le"}[pixels.shape[2], deep]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
            if form not in ("bgra", "pal8"):
                frame = frame.reformat(format=form, dst_colorspace="itu601" if "yuv" in form else None)
            frame.pts = times[number] if times else round(number / 25 / time_base)
            frame.time_base = time_base
            if change:
                change(number, frame)
            out.mux(stream.encode(frame))
        if others:
            out.mux(others)
        out.mux(stream.encode(None))
        if voice:
            _speak(out, voice, number + 1)
    return path


def write_sound(path: Path) -> Path:
    """A file of nothing else."""
    with av.open(str(path), "w") as out:
        _speak(out, _sound(out), 1)
    return path


def write_frames(frames: Iterable[np.ndarray], folder: Path) -> Path:
    """As pictures, by their numbers, in a new folder."""
    folder.mkdir()
    for number, frame in enumerate(frames):
        image.write(image.from_array(frame), folder / f"{number:03}.png", bits=8 * frame.itemsize)
    return folder


def _sound(out: Any) -> Any:
    voice = out.add_stream("aac", rate=48_000, layout="mono")
    voice.metadata["language"] = "deu"
    return voice


def _speak(out: Any, voice: Any, frames: int) -> None:
    generator = np.random.default_rng(0)
    for place in range(0, frames * 1920, 1024):
        samples = generator.normal(0, 0.1, (1, 1024)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = place, 48_000, Fraction(1, 48_000)
        out.mux(voice.encode(frame))
    out.mux(voice.encode(None))


def times_of(path: Path) -> list[Fraction]:
    """Seconds at which frames are shown."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def greys_of(path: Path) -> list[int]:
    """Of the right halves of the frames, which an inversion left at 255 - level."""
    return [round(float(frame[4:-4, frame.shape[1] * 3 // 4].mean())) for frame in frames_of(path)]


def packets_of(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [bytes(packet) for packet in container.demux(streams) if packet.size]

r"""How steady painted films are, next to how much of the style they have.

    python benchmarks/video.py --teacher encoder.safetensors --style PAINTING... [--clip FILM...] [--photo PICTURE...] \
        [--frames 24] [--size 640] [--speed] [--strips FOLDER]

Each film is painted frame by frame (`plain`), so that every frame is blended with the last one where it stands
(`no flow`), and as `impasto video` does (`steady`). Printed for each, means over films and styles:

- warp 1, warp 7: warping error (Lai et al. 2018) of frames one and seven apart, times 10,000;
- seen 1, seen 7: relative squared distance in the features of `--teacher` (relu1_1 to relu4_1) between a frame and the
  one before, moved along the flow, where that could be seen;
- strength: 1 - d(painting) / d(film), d being the distance of Gram matrices (relu1_1 to relu5_1) to the style's.

The untouched film (`source`) wins the first four and has no strength: only all of them together say anything. Of
`--clip` the flow between source frames is DIS's; of each `--photo` three films are made whose motion, and what it
hides, is known exactly: a pan by 2.6 and 0.7 pixels a frame, a zoom by 2 %, and an ellipse cut out of the next photo
that moves by 5.3 pixels over this one. `--speed` times whole runs of 1280 x 720 with H.264, `plain` and `steady` in
turns: frames a second. `--strips` keeps frames of each way above each other.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

import impasto
from impasto import StylizeOptions, VideoOptions, image
from impasto.encoders.network import Encoder
from impasto.encoders.teacher import load_teacher
from impasto.metrics import content_distance, gram_distance, warping_error
from impasto.sizes import fit
from impasto.video.clips import ClipPart, open_clip
from impasto.video.motion import is_cut, motion_between, places, warped
from impasto.video.painters import ShownFrame, channels_first, frame_painter
from impasto.video.stylize import stylize_video

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
SIZE = (320, 448)
PAN, ZOOM, CUTOUT = (2.6, 0.7), 1.02, 5.3


@dataclass(frozen=True)
class Film:
    """frames: (H, W, 3) uint8. motion: (flow, visible) between frames k apart, of one shot."""

    name: str
    frames: list[np.ndarray]

    def motion(self, earlier: int, later: int) -> tuple[np.ndarray, np.ndarray]:
        found = motion_between(self.frames[earlier], self.frames[later])
        return found.flow, (found.seen > 0.5).astype(np.float32)


class Pan(Film):
    """By PAN pixels a frame."""

    def motion(self, earlier, later):
        flow = np.broadcast_to(np.array(PAN, np.float32) * (later - earlier), (*SIZE, 2))
        return flow, np.ones(SIZE, np.float32)


class Zoom(Film):
    """By the factor ZOOM a frame, towards the middle."""

    def motion(self, earlier, later):
        centre = np.array([SIZE[1] / 2, SIZE[0] / 2], np.float32)
        flow = (places(*SIZE) - centre) * (ZOOM ** (earlier - later) - 1)
        return flow.astype(np.float32), np.ones(SIZE, np.float32)


class Cutout(Film):
    """An ellipse moves by CUTOUT pixels a frame over what stands."""

    def motion(self, earlier, later):
        before, now = (ellipse(CUTOUT * step) > 0.5 for step in (earlier, later))
        flow = np.zeros((*SIZE, 2), np.float32)
        flow[now, 0] = -CUTOUT * (later - earlier)
        return flow, 1 - (before & ~now).astype(np.float32)


def ellipse(shift: float) -> np.ndarray:
    x, y = np.moveaxis(places(*SIZE), 2, 0)
    apart = ((x - shift - SIZE[1] * 0.3) / (SIZE[1] * 0.13)) ** 2 + ((y - SIZE[0] * 0.5) / (SIZE[0] * 0.3)) ** 2
    return np.clip((1 - np.sqrt(apart)) * SIZE[0] * 0.2 + 0.5, 0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--style", type=Path, nargs="+", required=True)
    parser.add_argument("--clip", type=Path, nargs="*", default=())
    parser.add_argument("--photo", type=Path, nargs="*", default=())
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--start", default=None, help="of the clips")
    parser.add_argument("--size", type=int, default=640, help="of the clips")
    parser.add_argument("--steady", type=float, default=VideoOptions.steady)
    parser.add_argument("--method", default="adain")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--strips", type=Path)
    arguments = parser.parse_args()
    judge = load_teacher(arguments.teacher)
    films = [*clips(arguments), *made(arguments.photo, arguments.frames)]
    stylizer, options = impasto.load(arguments.method), StylizeOptions(method=arguments.method)
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    for path in arguments.style:
        style = image.read(path).pixels
        wanted = judge(torch.from_numpy(shorter_side(style)), (*LAYERS, "relu5_1"))
        for film in films:
            strips = []
            for way in ("source", "plain", "no flow", "steady"):
                painted = paint(film, style, stylizer, options, way, arguments.steady)
                rows.setdefault((film.name, way), []).append(measured(film, painted, judge, wanted))
                strips.append(np.hstack(painted[:: max(1, len(painted) // 3)][:4]))
            if arguments.strips:
                arguments.strips.mkdir(parents=True, exist_ok=True)
                name = arguments.strips / f"{film.name}-{path.stem}.png"
                image.write(image.from_array(np.vstack(strips).clip(0, 1)), name, overwrite=True)
    report(rows)
    if arguments.speed:
        speed(arguments)


def clips(arguments: argparse.Namespace) -> Iterator[Film]:
    """The first frames of each, up to its first cut."""
    for path in arguments.clip:
        options = VideoOptions(start=arguments.start)
        clip = open_clip(path, options)
        frames: list[np.ndarray] = []
        for frame in ClipPart(clip, fit(clip.height, clip.width, arguments.size), options).frames():
            if len(frames) == arguments.frames or (frames and is_cut(frames[-1], frame.pixels)):
                break
            frames.append(frame.pixels)
        yield Film(path.stem, frames)


def made(photos: list[Path], count: int) -> Iterator[Film]:
    pictures = [image.to_array(image.read(path), np.float32)[..., :3] for path in photos]
    for number, (path, picture) in enumerate(zip(photos, pictures, strict=True)):
        behind, height, width = picture, *SIZE
        need = max((width + count * PAN[0] + 8) / picture.shape[1], (height + count * PAN[1] + 8) / picture.shape[0])
        large = cv2.resize(
            picture, None, fx=need, fy=need, interpolation=cv2.INTER_AREA if need < 1 else cv2.INTER_CUBIC
        )
        yield Pan(f"pan {path.stem}", [moved(large, 1, 4 + PAN[0] * t, 4 + PAN[1] * t) for t in range(count)])
        full = cv2.resize(picture, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
        scales = [2 / ZOOM**t for t in range(count)]
        yield Zoom(f"zoom {path.stem}", [moved(full, s, width * (1 - s / 2), height * (1 - s / 2)) for s in scales])
        fitted = cv2.resize(behind, (width, height), interpolation=cv2.INTER_AREA)
        over = cv2.resize(pictures[(number + 1) % len(pictures)], (width, height), interpolation=cv2.INTER_AREA)
        frames = []
        for step in range(count):
            share = ellipse(CUTOUT * step)[..., None]
            shift = np.array([[1, 0, -CUTOUT * step], [0, 1, 0]], np.float32)
            shown = cv2.warpAffine(over, shift, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
            frames.append(to_bytes(fitted + share * (shown - fitted)))
        yield Cutout(f"cutout {path.stem}", frames)


def moved(picture: np.ndarray, scale: float, x: float, y: float) -> np.ndarray:
    place = np.array([[scale, 0, x], [0, scale, y]], np.float32)
    return to_bytes(cv2.warpAffine(picture, place, SIZE[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP))


def to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture.clip(0, 1) * 255).astype(np.uint8)


def paint(film: Film, style: np.ndarray, stylizer, options, way: str, steady: float) -> list[np.ndarray]:
    if way == "source":
        return [frame.astype(np.float32) / 255 for frame in film.frames]
    painter = frame_painter(stylizer, [style], options, steady if way == "steady" else 0.0)
    painted: list[np.ndarray] = []
    for number, frame in enumerate(film.frames):
        motion = motion_between(film.frames[number - 1], frame) if number and way == "steady" else None
        shown = ShownFrame(frame, motion, 1 / 25)
        picture, _ = painter.settle(painter.paint(shown)[0], shown)
        if way == "no flow" and painted:
            picture = picture + steady * (painted[-1] - picture)
        painted.append(picture)
    return painted


def as_tensor(picture: np.ndarray) -> Tensor:
    """(H, W, C) -> (1, C, H, W)."""
    return torch.from_numpy(channels_first(picture))


@torch.inference_mode()
def measured(film: Film, painted: list[np.ndarray], judge: Encoder, wanted: dict[str, Tensor]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for apart in (1, 7):
        for later in range(apart, len(painted), max(2, apart)):
            flow, visible = film.motion(later - apart, later)
            now, before = painted[later].clip(0, 1), painted[later - apart].clip(0, 1)
            error = warping_error(
                torch.cat([as_tensor(before), as_tensor(now)]), as_tensor(flow), as_tensor(visible[..., None])
            )
            found.setdefault(f"warp {apart}", []).append(1e4 * float(error))
            carried = np.where(visible[..., None] > 0.5, warped(before, flow, cv2.INTER_CUBIC), now).clip(0, 1)
            seen = content_distance(judge(as_tensor(carried), LAYERS), judge(as_tensor(now), LAYERS))
            found.setdefault(f"seen {apart}", []).append(float(seen))
    for source, picture in list(zip(film.frames, painted, strict=True))[::4]:
        distances = [
            float(gram_distance(judge(as_tensor(one), (*LAYERS, "relu5_1")), wanted))
            for one in (picture.clip(0, 1), source.astype(np.float32) / 255)
        ]
        found.setdefault("strength", []).append(1 - distances[0] / distances[1])
    return {name: float(np.mean(values)) for name, values in found.items()}


def report(rows: dict[tuple[str, str], list[dict[str, float]]]) -> None:
    names = ("warp 1", "warp 7", "seen 1", "seen 7", "strength")
    print(f"{'film':22} {'way':8} " + " ".join(f"{name:>8}" for name in names))
    for (film, way), values in rows.items():
        means = [np.mean([one[name] for one in values]) for name in names]
        print(f"{film:22} {way:8} " + " ".join(f"{mean:8.3f}" for mean in means))
    for way in ("source", "plain", "no flow", "steady"):
        means = [
            np.mean([one[name] for (_, w), values in rows.items() if w == way for one in values]) for name in names
        ]
        print(f"{'all':22} {way:8} " + " ".join(f"{mean:8.3f}" for mean in means))


def speed(arguments: argparse.Namespace) -> None:
    """Of whole runs, decoding and encoding included, the two ways in turns; the best of three."""
    seconds: dict[float, list[float]] = {0.0: [], arguments.steady: []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3):
            for steady, times in seconds.items():
                marks: list[float] = []
                stylize_video(
                    arguments.clip[0], arguments.style[0], output=Path(folder) / "out.mp4", overwrite=True, size=1280,
                    steady=steady, end="1", progress=lambda _, marks=marks: marks.append(time.perf_counter()),
                )  # fmt: skip
                # Without loading, which a film of any length does once.
                times.append((time.perf_counter() - marks[2]) / (len(marks) - 3))
    plain, steady = (min(times) for times in seconds.values())
    print(f"1280 x 720: {1 / plain:.2f} frames a second plain, {1 / steady:.2f} steady: {plain / steady:.0%}")


def shorter_side(picture: np.ndarray, side: int = 512) -> np.ndarray:
    ratio = side / min(picture.shape[-2:])
    return image.resize(picture, *(round(length * ratio) for length in picture.shape[-2:]))


if __name__ == "__main__":
    main()

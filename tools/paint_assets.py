"""Make the package's own content photographs and style paintings from nothing but code.

    python tools/paint_assets.py [--only NAME] [--out DIR]

Every picture is procedural with fixed seeds, so a second run writes the same bytes. The two content
pictures are in `scenes.py` and `still_life.py`, the brush engine of the three style pictures in `brushes.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from brushes import (
    Array,
    Brush,
    Canvas,
    blend,
    blur,
    colour,
    fractal_noise,
    mix,
    paint_layer,
    palette_ramp,
    pixel_grid,
    smoothstep,
    to_image,
)
from PIL import Image
from scenes import mountains
from still_life import still_life

PICTURES = Path(__file__).resolve().parent.parent / "src" / "impasto" / "assets" / "pictures"
STYLE_SIZE = 768
PAPER, INDIGO, DEEP, VERMILION = colour("efe3c6"), colour("2c4a7c"), colour("17233f"), colour("d2402a")
SCALE = 2  # paintings are painted this much larger and shrunk at the end


def swirls() -> Image.Image:
    """Lanterns adrift on a night current: curling strokes, deep blues, yellow lights."""
    size = STYLE_SIZE * SCALE
    x, y = pixel_grid(size, size)
    eddies = [  # x, y, radius, turn
        (0.20, 0.24, 0.15, 1.0),
        (0.58, 0.13, 0.11, -0.8),
        (0.86, 0.34, 0.15, 0.9),
        (0.47, 0.48, 0.19, -1.2),
        (0.12, 0.66, 0.14, -0.8),
        (0.77, 0.72, 0.20, 1.2),
        (0.36, 0.88, 0.15, 0.9),
        (0.99, 0.98, 0.13, -0.7),
    ]
    stream = 0.55 * fractal_noise(x * 2.3 + 3.1, y * 2.3, 11, octaves=3) + 1.1 * (y + 0.25 * np.sin(4.0 * x))
    spiral, spiral_x, spiral_y = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for centre_x, centre_y, radius, turn in eddies:
        away_x, away_y = x - centre_x, y - centre_y
        square = away_x**2 + away_y**2
        stream = stream + turn * np.exp(-0.5 * square / radius**2)
        spiral = spiral + np.sign(turn) * np.arctan2(away_y, away_x)  # whole turns keep the sine below seamless
        spiral_x = spiral_x - np.sign(turn) * away_y / (square + 1e-4)
        spiral_y = spiral_y + np.sign(turn) * away_x / (square + 1e-4)
    pitch = 15.0
    slope_y, slope_x = (size * slope for slope in np.gradient(blur(stream, 3.0)))
    angle = np.arctan2(-(pitch * slope_x + spiral_x), pitch * slope_y + spiral_y)

    bands = 0.5 + 0.5 * np.sin(pitch * stream + spiral + 1.2 * fractal_noise(x * 4.0, y * 4.0, 23, octaves=3))
    depth = fractal_noise(x * 1.6, y * 1.6 + 9.0, 31, octaves=4)
    tone = np.clip(0.62 * bands + 0.35 * depth + 0.12, 0.0, 1.0)
    target = palette_ramp(["060b24", "0d1d4f", "153a86", "1f62b4", "4a9bcb", "a8d5d8"], tone)
    teal = smoothstep(0.05, 0.5, fractal_noise(x * 2.0 + 5.0, y * 2.0, 41, octaves=3))
    target = blend(target, palette_ramp(["071c2b", "0f4a5e", "2b8a8c", "a5d8b8"], tone), 0.8 * teal)

    lanterns = [  # x, y, radius of the flame
        (0.20, 0.24, 0.030),
        (0.86, 0.34, 0.034),
        (0.47, 0.48, 0.044),
        (0.12, 0.66, 0.026),
        (0.77, 0.72, 0.046),
        (0.58, 0.13, 0.024),
        (0.36, 0.88, 0.032),
        (0.66, 0.40, 0.014),
        (0.30, 0.60, 0.016),
        (0.93, 0.58, 0.017),
        (0.40, 0.23, 0.016),
        (0.56, 0.82, 0.017),
        (0.06, 0.40, 0.015),
        (0.78, 0.10, 0.017),
        (0.13, 0.90, 0.016),
    ]
    for centre_x, centre_y, radius in lanterns:
        distance = np.hypot(x - centre_x, y - centre_y) / radius
        rings = 0.72 + 0.28 * np.cos(distance * 5.2)
        halo = palette_ramp(["fff6c8", "ffe36a", "f6c42c", "b4cf76", "5fb7ad"], np.clip(distance / 3.6, 0.0, 1.0))
        glow = np.clip(1.2 * np.exp(-((distance / 2.5) ** 2)) * rings, 0.0, 1.0)
        screened = 1.0 - (1.0 - target) * (1.0 - halo)  # light on light: keeps the blue from going muddy
        target = blend(target, blend(halo, screened, 0.75 * smoothstep(1.3, 2.4, distance)), glow)
        target = blend(
            target,
            blend(colour("fffbe0"), colour("ffd22e"), smoothstep(0.1, 0.8, distance)),
            smoothstep(1.15, 0.75, distance),
        )
        ring_angle = np.arctan2(y - centre_y, x - centre_x) + np.pi / 2
        near = smoothstep(2.2, 1.4, distance)
        double = blend(
            np.stack([np.cos(2 * angle), np.sin(2 * angle)], -1),
            np.stack([np.cos(2 * ring_angle), np.sin(2 * ring_angle)], -1),
            near,
        )
        angle = np.arctan2(double[..., 1], double[..., 0]) / 2

    canvas = Canvas(np.broadcast_to(colour("0a1436"), (size, size, 3)).copy(), seed=101)
    paint_layer(canvas, target, angle, Brush(30.0, relief=0.7, dryness=0.3, jitter=0.10), 34.0, 260.0)
    paint_layer(canvas, target, angle, Brush(15.0, relief=1.1, jitter=0.14, streaks=0.12), 19.0, 170.0)
    detail = np.clip(0.25 + 9.0 * np.abs(target - blur(target, 14.0)).mean(-1), 0.0, 1.0)
    paint_layer(canvas, target, angle, Brush(8.0, relief=1.5, jitter=0.18, streaks=0.12), 12.0, 110.0, where=detail)
    bright = smoothstep(0.42, 0.8, target.mean(-1))
    lights = np.clip(target * 1.1, 0.0, 1.0)
    paint_layer(canvas, lights, angle, Brush(6.0, relief=2.0, jitter=0.10), 12.0, 70.0, where=bright)
    return to_image(canvas.lit(0.50, 0.18), (STYLE_SIZE, STYLE_SIZE))


def split_planes(size: int, random: np.random.Generator) -> tuple[Array, list[tuple[Array, float]]]:
    """Cut the square again and again into angular planes: a label map and the cuts (path, weight)."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    labels = np.zeros((size, size), dtype=np.int32)
    cuts: list[tuple[Array, float]] = []
    headings = np.radians([12.0, 38.0, 68.0, 97.0, 128.0, 156.0])
    queue, count = [0], 1
    turn = np.linspace(0.0, 2.0 * np.pi, 120)
    for centre_x, centre_y, radius in ((0.60, 0.40, 0.27), (0.27, 0.74, 0.19)):
        inside = np.hypot(x - centre_x, y - centre_y) < radius
        for label in list(queue):
            if (inside & (labels == label)).any():
                labels[inside & (labels == label)] = count
                queue.append(count)
                count += 1
        circle = np.stack([centre_x + radius * np.cos(turn), centre_y + radius * np.sin(turn)], axis=-1)
        cuts += [(circle[start : start + 41], 1.0) for start in (0, 40, 79)]
    while queue:
        label = queue.pop(0)
        rows, columns = np.nonzero(labels == label)
        area = len(rows) / size**2
        if area < 0.006 or (area < 0.026 and random.uniform() < 0.45):
            continue
        picked = random.integers(0, len(rows), 3)
        pivot_x = (0.6 * columns.mean() + 0.4 * columns[picked].mean()) / size
        pivot_y = (0.6 * rows.mean() + 0.4 * rows[picked].mean()) / size
        heading = random.choice(headings) + random.normal(0.0, 0.06)
        across_x, across_y = -np.sin(heading), np.cos(heading)
        offset = (columns / size - pivot_x) * across_x + (rows / size - pivot_y) * across_y
        beyond = offset > 0.0
        if min(beyond.mean(), 1.0 - beyond.mean()) < 0.15:
            queue.append(label)
            continue
        labels[rows[beyond], columns[beyond]] = count
        on_line = np.abs(offset) < 1.5 / size
        reach = (columns[on_line] / size - pivot_x) * np.cos(heading) + (rows[on_line] / size - pivot_y) * np.sin(
            heading
        )
        ends = np.linspace(reach.min(), reach.max(), 8)
        cut = np.stack([pivot_x + ends * np.cos(heading), pivot_y + ends * np.sin(heading)], axis=-1)
        cuts.append((cut, float(np.clip(area * 14.0, 0.45, 1.0))))
        queue += [label, count]
        count += 1
    return labels, cuts


def cubes() -> Image.Image:
    """Broken planes in ochre, teal and black: flat angular facets with dark contours."""
    size = STYLE_SIZE * SCALE
    random = np.random.default_rng(7)
    small, cuts = split_planes(384, random)
    labels = np.repeat(np.repeat(small, size // 384, axis=0), size // 384, axis=1)
    count = int(labels.max()) + 1
    x, y = pixel_grid(size, size)
    paints = ["d79a34", "b8651f", "e8c98a", "efe0bd", "1f6b70", "4a9c93", "124049", "15191c", "8a3d1e", "c2b088"]
    odds = np.array([0.14, 0.11, 0.11, 0.10, 0.15, 0.11, 0.11, 0.07, 0.06, 0.04])
    table = np.stack([colour(code) for code in paints])
    flats = table[random.choice(len(paints), count, p=odds)]
    shading_turn = random.choice(np.radians([35.0, 125.0, 80.0, 215.0]), count)
    angles = random.choice(np.radians([12.0, 38.0, 68.0, 97.0, 128.0, 156.0]), count)
    area = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    middle_x = np.bincount(labels.ravel(), x.ravel(), count) / area
    middle_y = np.bincount(labels.ravel(), y.ravel(), count) / area
    ramp = (x - middle_x[labels]) * np.cos(shading_turn)[labels] + (y - middle_y[labels]) * np.sin(shading_turn)[labels]
    ramp = np.clip(ramp / np.sqrt(area / size**2)[labels], -1.0, 1.0)
    target = flats[labels] * (1.0 + 0.42 * ramp)[..., None]
    target = np.clip(blend(target, colour("f2dca6"), 0.25 * np.clip(ramp, 0.0, 1.0)), 0.0, 1.0).astype(np.float32)

    edge = np.zeros((size, size), dtype=np.float32)
    edge[:, 1:] += labels[:, 1:] != labels[:, :-1]
    edge[1:] += labels[1:] != labels[:-1]
    rim = blur(np.clip(edge, 0, 1), 11.0)
    inner = (rim < 0.002).astype(np.float32)
    canvas = Canvas(target * 0.85, seed=202)
    angle = angles[labels].astype(np.float32)
    broad = Brush(20.0, relief=0.9, tip=0.8, taper=0.1, dryness=0.3, jitter=0.07, partner=0.1)
    narrow = Brush(8.0, relief=1.0, tip=0.7, taper=0.15, jitter=0.08, partner=0.12)
    paint_layer(canvas, target, angle, broad, 17.0, 90.0, where=inner)
    paint_layer(canvas, target, angle, narrow, 9.0, 40.0, where=(rim < 0.01).astype(np.float32))
    paint_layer(
        canvas,
        np.clip(target * 1.18, 0, 1),
        angle + np.pi / 2,
        Brush(5.0, relief=1.3, dryness=0.8, jitter=0.12),
        20.0,
        46.0,
        where=0.7 * inner * (np.arange(count) % 3 == 0)[labels],
    )
    black = colour("14110f")
    for cut, weight in cuts:
        wobble = random.normal(0.0, 0.004, cut.shape) * np.ptp(cut, axis=0).max() * (8.0 / len(cut)) ** 2
        canvas.stroke(
            (cut + wobble) * size,
            Brush(4.0 + 9.0 * weight, dryness=0.35, relief=1.2, taper=0.2, tip=0.5, second_paint=0.3),
            black,
            colour("2d3b40"),
        )
    return to_image(canvas.lit(0.38, 0.12), (STYLE_SIZE, STYLE_SIZE))


def ink() -> Image.Image:
    """A bay under a red sun in the manner of a woodblock print: bold contours, indigo washes, cream paper."""
    size = STYLE_SIZE * SCALE
    x, y = pixel_grid(size, size)
    fibres = blur(np.random.default_rng(5).normal(size=(size, size)), 7.0, axes=(1,))
    fibres /= fibres.std()
    grain = fractal_noise(x * 3.0, y * 90.0, 61, octaves=3)
    worn = smoothstep(-0.55, 0.1, fractal_noise(x * 26.0, y * 26.0, 67, octaves=3) + 0.5 * grain)
    picture = PAPER * (1.0 + 0.03 * fibres + 0.035 * grain)[..., None]
    picture = blend(picture, colour("5f86a6"), 0.75 * smoothstep(0.30, -0.02, y + 0.02 * grain))
    sun = np.hypot(x - 0.66, y - 0.27)
    picture = blend(picture, VERMILION, smoothstep(0.152, 0.149, sun) * (0.80 + 0.2 * worn))

    canvas = Canvas(picture, seed=303)
    pen = Pen(canvas)
    paint_clouds(pen)
    paint_ridges(pen, x, y, 0.05 * grain, 0.93 + 0.07 * worn)
    paint_waves(pen, x, y, 0.93 + 0.07 * worn)
    paint_boats(pen)
    paint_branch(pen)
    return to_image(canvas.lit(0.20, 0.0, softness=1.0) * (1.0 + 0.02 * fibres)[..., None], (STYLE_SIZE, STYLE_SIZE))


@dataclass
class Pen:
    """Draws ink lines on a canvas in coordinates 0..1."""

    canvas: Canvas

    def draw(self, points: Array, half_width: float, paint: Array, dryness: float = 0.5, tip: float = 0.2) -> None:
        """One brush line through `points`."""
        brush = Brush(half_width, dryness=dryness, relief=0.35, streaks=0.05, taper=0.4, tip=tip, second_paint=0.3)
        self.canvas.stroke(points * len(self.canvas.colours), brush, paint, mix(paint, PAPER, 0.35))


def paint_clouds(pen: Pen) -> None:
    """Bands of mist with double contours."""
    for height, start, end in (
        (0.10, 0.02, 0.50),
        (0.15, 0.24, 0.62),
        (0.205, 0.72, 1.03),
        (0.245, -0.03, 0.30),
        (0.31, 0.46, 0.97),
    ):
        reach = np.linspace(start, end, 30)
        drift = height + 0.006 * np.sin(reach * 17.0 + height * 40.0)
        pen.draw(np.stack([reach, drift], -1), 19.0, colour("f3ead2"), dryness=0.2, tip=0.6)
        pen.draw(np.stack([reach, drift + 0.013], -1), 3.0, DEEP)
        pen.draw(np.stack([reach[4:-6], drift[4:-6] - 0.013], -1), 2.2, DEEP)


def paint_ridges(pen: Pen, x: Array, y: Array, unevenness: Array, wear: Array) -> None:
    """Three mountain ranges: a wash that fades downwards, hatched flanks and a bold outline."""
    line, random = np.linspace(-0.03, 1.03, 90), pen.canvas.random
    ridges = [  # base height, swing, seed, wash colour
        (0.44, 0.20, 71, "7f9cb0"),
        (0.53, 0.17, 73, "4f7396"),
        (0.62, 0.13, 79, "2c4a7c"),
    ]
    for level, (base, swing, seed, code) in enumerate(ridges):

        def crest(place: Array, base: float = base, swing: float = swing, seed: int = seed) -> Array:
            rough = fractal_noise(place * 2.1 + seed, np.full_like(place, 0.37), seed, octaves=4, gain=0.42)
            return base - swing * np.abs(rough) * 2.0 - 0.05 * np.cos(place * 5.0 + seed)

        top = crest(x[0])[None, :]
        below = (y - top) / (0.24 - 0.03 * level)
        inside = smoothstep(-0.004, 0.004, below)
        wash = blend(colour(code), PAPER, smoothstep(0.0, 1.0, below + unevenness))
        pen.canvas.colours = blend(pen.canvas.colours, wash * wear[..., None], inside)
        for regular in np.arange(0.01, 1.0, 0.017):
            place = regular + random.uniform(-0.006, 0.006)
            summit = float(crest(np.array([place], dtype=np.float32))[0])
            lean = float(crest(np.array([place + 0.02], dtype=np.float32))[0]) - summit
            run = np.linspace(0.0, random.uniform(0.04, 0.13), 8)
            flank = np.stack([place + np.sign(lean) * run * 0.45 + 0.15 * run**2, summit + 0.012 + run], -1)
            pen.draw(flank, random.uniform(1.6, 4.0) + level, mix(DEEP, colour(code), 0.35), dryness=1.0)
        outline = np.stack([line, crest(line.astype(np.float32))], -1)
        for start in (0, 29, 58):
            pen.draw(outline[start : start + 33], 5.5 + 2.0 * level, DEEP, dryness=0.35, tip=0.35)


def paint_waves(pen: Pen, x: Array, y: Array, wear: Array) -> None:
    """Rows of overlapping wave scales that grow and darken towards the viewer."""
    shore = 0.685
    depth = np.clip((y - shore) / (1.0 - shore), 0.0, 1.0)
    water = blend(colour("dfe0cd"), INDIGO, smoothstep(0.0, 1.0, depth) * 0.92)
    pen.canvas.colours = blend(pen.canvas.colours, water * wear[..., None], smoothstep(shore, shore + 0.004, y))
    for row in range(9):
        base = shore + 0.02 + 0.034 * row + 0.002 * row**1.35
        width = 0.045 + 0.012 * row
        for number in range(int(1.2 / (2.0 * width)) + 2):
            centre = (number * 2.0 + row % 2) * width - 0.04
            swell = np.hypot((x - centre) / width, (y - base - 0.055) / (0.85 * width))
            crown = mix(colour("e6dfc6"), INDIGO, row / 9.0)
            wash = blend(mix(crown, INDIGO, 0.55), crown, smoothstep(0.25, 1.0, swell)) * wear[..., None]
            pen.canvas.colours = np.where(((swell < 1.0) & (y < base + 0.06))[..., None], wash, pen.canvas.colours)
            for ring in range(4):
                radius = width * (1.0 - 0.24 * ring)
                turn = np.linspace(np.pi * 1.03, np.pi * 1.97, 24)
                arc = np.stack([centre + radius * np.cos(turn), base + 0.055 + 0.85 * radius * np.sin(turn)], -1)
                paint = DEEP if ring == 0 else mix(PAPER, INDIGO, 0.1 if row > 3 else 0.75)
                pen.draw(arc, (3.2 if ring == 0 else 2.0) + 0.35 * row, paint, dryness=0.6)


def paint_boats(pen: Pen) -> None:
    """Three small boats with vermilion sails on the bay."""
    for left, base, length in ((0.50, 0.735, 0.085), (0.72, 0.80, 0.13), (0.33, 0.83, 0.10)):
        run = np.linspace(0.0, 1.0, 12)
        for row in range(6):
            share = row / 5.0
            ribbon = np.stack(
                [
                    left + length * (0.30 + 0.42 * run * (0.35 + 0.65 * share)),
                    base - length * (0.95 - 0.72 * share) + 0.04 * length * np.sin(3.0 * run),
                ],
                -1,
            )
            pen.draw(ribbon, length * 110.0, VERMILION, dryness=0.2, tip=0.8)
        hull = np.stack([left + length * run, base - 0.28 * length * (2.0 * run - 1.0) ** 2 + 0.06 * length], -1)
        pen.draw(hull, length * 95.0, DEEP, dryness=0.1, tip=0.3)
        pen.draw(np.array([[0.29, 0.0], [0.285, -0.5], [0.29, -1.08]]) * length + [left, base], 2.6, DEEP, dryness=0.1)


def paint_branch(pen: Pen) -> None:
    """A plum branch in black ink that reaches in from the left, with red blossoms."""
    limbs = [
        (np.array([[-0.03, 0.30], [0.07, 0.335], [0.15, 0.40], [0.25, 0.42], [0.35, 0.47], [0.44, 0.46]]), 15.0),
        (np.array([[0.13, 0.385], [0.19, 0.33], [0.22, 0.26], [0.29, 0.21], [0.32, 0.13]]), 10.0),
        (np.array([[0.24, 0.42], [0.30, 0.37], [0.38, 0.36], [0.43, 0.31]]), 8.0),
        (np.array([[0.05, 0.33], [0.06, 0.42], [0.11, 0.49], [0.12, 0.57]]), 9.0),
        (np.array([[0.21, 0.28], [0.17, 0.22], [0.17, 0.15]]), 6.0),
    ]
    for path, half_width in limbs:
        pen.draw(path, half_width, DEEP, dryness=0.3, tip=0.3)
    for path, _ in limbs:
        for knot in path[1:]:
            centre = knot + pen.canvas.random.normal(0.0, 0.012, 2)
            radius = pen.canvas.random.uniform(0.011, 0.019)
            for petal in range(5):
                turn = petal * 2.0 * np.pi / 5.0 + pen.canvas.random.uniform(0.0, 0.3)
                heading = np.array([np.cos(turn), np.sin(turn)])
                reach = np.linspace(0.35, 1.25, 6)[:, None] * radius
                pen.draw(centre + heading * reach, radius * 780.0, VERMILION, dryness=0.2, tip=0.6)
            heart = np.linspace(-0.25, 0.25, 4)[:, None] * radius * np.array([1.0, 0.3])
            pen.draw(centre + heart, 6.0, colour("f0c65a"))


PAINTERS: dict[str, Callable[[], Image.Image]] = {
    "mountains": mountains,
    "still_life": still_life,
    "swirls": swirls,
    "cubes": cubes,
    "ink": ink,
}
SIZE_LIMITS = {"mountains": 200_000, "still_life": 200_000}


def save(image: Image.Image, path: Path, limit: int) -> int:
    """Write a JPEG of the best quality up to 92 that stays under `limit` bytes; return its size."""
    for quality in range(92, 60, -2):
        image.save(path, quality=quality, optimize=True, subsampling=0 if quality > 84 else 2)
        if path.stat().st_size < limit:
            break
    return path.stat().st_size


def main() -> None:
    """Paint all pictures, or the one named by --only."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=sorted(PAINTERS), help="paint this one picture")
    parser.add_argument("--out", type=Path, default=PICTURES, help="folder for the JPEG files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else PAINTERS:
        began = time.perf_counter()
        path = options.out / f"{name}.jpg"
        size = save(PAINTERS[name](), path, SIZE_LIMITS.get(name, 250_000))
        print(f"{path}: {size / 1000:.0f} kB, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()

"""Noise, blur and a bristle-brush engine with impasto lighting, in plain numpy.

A `Canvas` keeps a colour map and a paint-height map. Every stroke is a strip of samples along a curved path
that is scattered onto both maps; `Canvas.lit` shades the accumulated relief with a lamp at the upper left.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

Array = np.ndarray


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Cubic ramp from 0 at `low` to 1 at `high` (`low` may be the larger one)."""
    ramp = np.clip((value - low) / (high - low), 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)


def mix(first: Array, second: Array, weight: Array | float) -> Array:
    """Blend numbers from `first` (weight 0) to `second` (weight 1)."""
    return first + (second - first) * weight


def blend(first: Array, second: Array, weight: Array) -> Array:
    """Blend colours: one weight for each colour triple."""
    return first + (second - first) * np.asarray(weight)[..., None]


def colour(code: str) -> Array:
    """An RGB triple in 0..1 from 'rrggbb'."""
    return np.array([int(code[start : start + 2], 16) / 255.0 for start in (0, 2, 4)], dtype=np.float32)


def palette_ramp(codes: list[str], position: Array) -> Array:
    """Piecewise linear palette: `position` 0..1 runs over the colours of `codes`."""
    stops = np.linspace(0.0, 1.0, len(codes))
    table = np.stack([colour(code) for code in codes])
    channels = [np.interp(position, stops, table[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def gradient_noise(x: Array, y: Array, seed: int) -> Array:
    """Perlin noise, about -1..1, at any coordinates; its lattice repeats every 256 units."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, 2.0 * np.pi, (256, 256)).astype(np.float32)
    slope_x, slope_y = np.cos(angle).ravel(), np.sin(angle).ravel()
    cell_x, cell_y = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    part_x, part_y = (x - cell_x).astype(np.float32), (y - cell_y).astype(np.float32)

    def corner(step_x: int, step_y: int) -> Array:
        index = ((cell_y + step_y) & 255) * 256 + ((cell_x + step_x) & 255)
        return slope_x[index] * (part_x - step_x) + slope_y[index] * (part_y - step_y)

    fade_x = part_x**3 * (part_x * (part_x * 6.0 - 15.0) + 10.0)
    fade_y = part_y**3 * (part_y * (part_y * 6.0 - 15.0) + 10.0)
    upper, lower = mix(corner(0, 0), corner(1, 0), fade_x), mix(corner(0, 1), corner(1, 1), fade_x)
    return 1.5 * mix(upper, lower, fade_y)


def fractal_noise(x: Array, y: Array, seed: int, octaves: int = 5, gain: float = 0.5) -> Array:
    """Sum of `octaves` Perlin noises, each twice as fine and `gain` times as strong, about -1..1."""
    total, strength, reach = np.zeros(np.broadcast(x, y).shape, dtype=np.float32), 1.0, 0.0
    for octave in range(octaves):
        total += strength * gradient_noise(x * 2.0**octave + 17.3 * octave, y * 2.0**octave, seed + octave)
        reach += strength
        strength *= gain
    return total / reach


def blur(picture: Array, radius: float, axes: tuple[int, ...] = (0, 1)) -> Array:
    """Three box blurs, close to a Gaussian of standard deviation `radius`; borders repeat."""
    half = max(1, round((np.sqrt(4.0 * radius * radius + 1.0) - 1.0) / 2.0))
    result = np.asarray(picture, dtype=np.float64)
    for axis in axes:
        for _ in range(3):
            margin = [(0, 0)] * result.ndim
            margin[axis] = (half + 1, half)
            running = np.cumsum(np.pad(result, margin, mode="edge"), axis=axis)
            count = result.shape[axis]
            high = np.take(running, np.arange(2 * half + 1, 2 * half + 1 + count), axis=axis)
            low = np.take(running, np.arange(count), axis=axis)
            result = (high - low) / (2 * half + 1)
    return result.astype(np.float32)


def to_image(picture: Array, size: tuple[int, int]) -> Image.Image:
    """Quantise 0..1 colours and shrink to `size` (width, height)."""
    image = Image.fromarray((np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))
    return image.resize(size, Image.Resampling.LANCZOS)


def pixel_grid(width: int, height: int) -> tuple[Array, Array]:
    """Coordinates x, y of every pixel centre, in units of the picture's height."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return (x + 0.5) / height, (y + 0.5) / height


def trace_paths(angle: Array, starts: Array, length: float, points: int = 14) -> Array:
    """Follow the angle field both ways from each start: (strokes, points, 2) positions x, y in pixels."""
    height, width = angle.shape
    step = length / (points - 1)
    halves = []
    for sign in (-1.0, 1.0):
        position, heading, trail = starts.astype(np.float32), None, []
        for _ in range(points // 2):
            column = np.clip(position[:, 0], 0, width - 1).astype(np.int32)
            row = np.clip(position[:, 1], 0, height - 1).astype(np.int32)
            turn = angle[row, column]
            direction = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
            if heading is not None:
                flip = np.sign((direction * heading).sum(-1, keepdims=True))
                direction = direction * np.where(flip == 0.0, 1.0, flip)
            else:
                direction = direction * sign
            heading = direction
            position = position + direction * step
            trail.append(position)
        halves.append(trail)
    return np.stack(halves[0][::-1] + [starts.astype(np.float32)] + halves[1], axis=1)


@dataclass(frozen=True)
class Brush:
    """How a stroke is laid down; lengths in canvas pixels."""

    half_width: float
    opacity: float = 1.0
    streaks: float = 0.08  # lightness change from bristle to bristle
    second_paint: float = 0.5  # share of the second colour that is not mixed in
    dryness: float = 0.5  # how far the paint runs out towards the end
    relief: float = 1.0  # thickness of the paint
    taper: float = 0.35  # part of the length over which the ends narrow
    softness: float = 1.5  # width of the soft rim
    tip: float = 0.25  # relative width at the very ends
    jitter: float = 0.05  # change of lightness and tint from stroke to stroke
    partner: float = 0.25  # how far the second paint moves to the colour beside the stroke


@dataclass
class Canvas:
    """Wet paint: colours (height, width, 3) and paint thickness (height, width)."""

    colours: Array
    seed: int
    thickness: Array = field(init=False)
    bristles: Array = field(init=False)
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.colours = np.ascontiguousarray(self.colours, dtype=np.float32)
        self.thickness = np.zeros(self.colours.shape[:2], dtype=np.float32)
        self.random = np.random.default_rng(self.seed)
        raw = np.tile(self.random.normal(size=(1024, 256)), (2, 1))
        streaks = blur(blur(raw, 60.0, axes=(0,)), 1.1, axes=(1,))[512:1536]
        fine = blur(raw, 9.0, axes=(0,))[512:1536]
        self.bristles = (streaks / streaks.std() + 0.35 * fine / fine.std()).astype(np.float32)

    def stroke(self, path: Array, brush: Brush, paint: Array, second: Array | None = None) -> None:
        """Lay one stroke along `path` (points, 2); `second` is a colour that streaks through the first."""
        height, width = self.thickness.shape
        legs = np.hypot(*np.diff(path, axis=0).T)
        travelled = np.concatenate([[0.0], np.cumsum(legs)])
        if travelled[-1] < 2.0:
            return
        samples = max(8, int(travelled[-1] / 0.55))
        along = np.linspace(0.0, 1.0, samples, dtype=np.float32)
        knots = travelled / travelled[-1]
        centre = np.stack([np.interp(along, knots, path[:, axis]) for axis in (0, 1)], axis=-1)
        smoothing = max(3, samples // (len(path) * 2)) | 1
        padded = np.pad(centre, ((smoothing // 2, smoothing // 2), (0, 0)), mode="edge")
        running = np.cumsum(np.concatenate([np.zeros((1, 2)), padded]), axis=0)
        centre = (running[smoothing:] - running[:-smoothing]) / smoothing
        tangent = np.gradient(centre, axis=0)
        tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-6)[:, None]
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)

        lanes = max(5, int(2.0 * brush.half_width / 0.65))
        across = np.linspace(-1.0, 1.0, lanes, dtype=np.float32)
        ends = np.minimum(along, 1.0 - along) / max(brush.taper, 1e-3)
        profile = brush.tip + (1.0 - brush.tip) * np.sqrt(np.clip(ends * (2.0 - np.minimum(ends, 1.0)), 0.0, 1.0))
        spread = across[None, :] * (brush.half_width * profile)[:, None]
        shift_along, shift_across = self.random.integers(0, 1024), self.random.integers(0, 256)
        lane_index = (np.arange(lanes) * 0.65 / 1.2 + shift_across).astype(np.int32) % 256
        row_index = (np.arange(samples) * 0.55 + shift_along).astype(np.int32) % 1024
        bristle = self.bristles[row_index[:, None], lane_index[None, :]]

        ragged = bristle[0][None, :] * 0.02 + bristle[-1][None, :] * 0.02
        column = np.rint(centre[:, None, 0] + normal[:, None, 0] * spread).astype(np.int32)
        row = np.rint(centre[:, None, 1] + normal[:, None, 1] * spread).astype(np.int32)
        rim = np.clip((1.0 - np.abs(across))[None, :] * (brush.half_width * profile)[:, None] / brush.softness, 0, 1)
        load = 1.25 - brush.dryness * (along[:, None] + ragged) ** 2
        cover = brush.opacity * rim * smoothstep(-0.25, 0.25, load - 0.35 + 0.35 * bristle)
        keep = (cover > 0.02) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = row[keep].astype(np.int64) * width + column[keep]
        cover, bristle = cover[keep], bristle[keep]
        edge = np.broadcast_to(across**4, keep.shape)[keep]

        tint = (
            paint[None, :]
            if second is None
            else blend(paint[None, :], second[None, :], np.clip(0.35 * bristle, 0.0, 1.0) * brush.second_paint)
        )
        tint = tint * (1.0 + brush.streaks * bristle)[:, None]
        pixels, thickness = self.colours.reshape(-1, 3), self.thickness.reshape(-1)
        pixels[place] = blend(pixels[place], tint, cover)
        body = brush.relief * (0.55 + 0.28 * bristle + 0.5 * edge)
        thickness[place] = mix(thickness[place], 0.45 * thickness[place] + body, cover)

    def lit(self, strength: float = 0.35, gloss: float = 0.12, softness: float = 0.8) -> Array:
        """Colours under a lamp at the upper left that grazes the relief."""
        relief = blur(self.thickness, softness)
        slope_y, slope_x = np.gradient(relief)
        facing = np.tanh(1.6 * (slope_x + slope_y))
        shade = 1.0 + strength * facing
        glint = smoothstep(0.45, 1.0, facing) * gloss
        hollow = np.clip(blur(self.thickness, 6.0) - relief, 0.0, 1.0) * 0.18
        return np.clip(self.colours * (shade - hollow)[..., None] + glint[..., None], 0.0, 1.0)


def paint_layer(
    canvas: Canvas, target: Array, angle: Array, brush: Brush, spacing: float, length: float, where: Array | None = None
) -> None:
    """Cover the canvas with strokes along `angle` in the colours of `target`, in random order.

    `where` is the chance (0..1 per pixel) that a stroke which starts there is painted. Each stroke carries a
    second paint, the target's colour a few stroke widths to the side, which streaks through the first.
    """
    height, width = angle.shape
    random = canvas.random
    grid_y, grid_x = np.mgrid[0 : height / spacing, 0 : width / spacing]
    starts = np.stack([grid_x.ravel(), grid_y.ravel()], axis=-1) * spacing
    starts = starts + random.uniform(0.0, spacing, starts.shape)
    starts = np.clip(starts[random.permutation(len(starts))], 0, [width - 1, height - 1])
    columns, rows = starts.astype(np.int32).T
    if where is not None:
        chosen = random.uniform(size=len(starts)) < where[rows, columns]
        starts, columns, rows = starts[chosen], columns[chosen], rows[chosen]
    paths = trace_paths(angle, starts, length)
    aside = starts + random.normal(0.0, 2.0 * brush.half_width, starts.shape)
    side_columns, side_rows = np.clip(aside, 0, [width - 1, height - 1]).astype(np.int32).T
    paints, seconds = target[rows, columns], target[side_rows, side_columns]
    lightness = random.normal(0.0, brush.jitter, (len(starts), 1))
    tint = random.normal(0.0, 0.5 * brush.jitter, (len(starts), 3))
    paints = np.clip(paints * (1.0 + lightness) + 0.4 * tint, 0.0, 1.0).astype(np.float32)
    seconds = mix(paints, seconds, 0.5 + brush.partner) * (1.0 + 0.5 * brush.partner)
    seconds = np.clip(seconds, 0.0, 1.0).astype(np.float32)
    widths = brush.half_width * random.uniform(0.65, 1.25, len(starts))
    for path, paint, second, half_width in zip(paths, paints, seconds, widths, strict=True):
        canvas.stroke(path, replace(brush, half_width=float(half_width)), paint, second)

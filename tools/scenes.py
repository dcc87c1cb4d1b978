"""The mountain lake: ray-cast terrain, cloud ceiling, drawn pines and boat, and their reflection in the water."""

from __future__ import annotations

import numpy as np
from brushes import Array, blend, blur, colour, fractal_noise, gradient_noise, mix, palette_ramp, smoothstep, to_image
from PIL import Image, ImageDraw

WIDTH, HEIGHT, SCALE = 960, 640, 2
WIDE, TALL = WIDTH * SCALE, HEIGHT * SCALE
FOCAL = 1.15 * TALL


def finish(picture: Array, seed: int) -> Image.Image:
    """Filmic tone curve, glow, vignette and grain, then shrink to the final size."""
    picture = picture + 0.10 * np.clip(blur(np.clip(picture - 0.75, 0.0, 2.0), 18.0), 0.0, 1.0)
    picture = picture * (2.51 * picture + 0.03) / (picture * (2.43 * picture + 0.59) + 0.14)
    y, x = np.mgrid[-1.0 : 1.0 : TALL * 1j, -1.0 : 1.0 : WIDE * 1j].astype(np.float32)
    picture = picture * (1.0 - 0.16 * smoothstep(0.5, 1.6, x * x + y * y))[..., None]
    picture = np.clip(picture, 0.0, 1.0) ** (1.0 / 2.2)
    return to_image(picture + np.random.default_rng(seed).normal(0.0, 0.012, (TALL, WIDE, 1)), (WIDTH, HEIGHT))


def linear(code: str) -> Array:
    """The colour 'rrggbb' in linear light."""
    return colour(code) ** 2.2


def terrain_height(x: Array, z: Array) -> Array:
    """Ridged multifractal mountains (kilometres) that rise behind the lake."""
    bend_x, bend_z = (0.22 * gradient_noise(x * 0.7 + move, z * 0.7, 4 + move) for move in (0, 1))
    total, weight, strength = np.zeros_like(x), np.ones_like(x), 1.0
    for octave in range(8):
        zoom = 0.30 * 2.03**octave
        wave = gradient_noise((x + bend_x) * zoom + 7.7 * octave + 2.4, (z + bend_z) * zoom, 40 + octave)
        ridge = (1.0 - np.abs(wave)) ** 2 * weight
        total += strength * ridge
        weight = np.clip(ridge * 1.7, 0.0, 1.0)
        strength *= 0.46
    rise = smoothstep(2.5, 9.0, z + 0.5 * gradient_noise(x * 0.8, z * 0.3, 90))
    valley = 0.35 + 0.65 * smoothstep(0.1, 1.6, np.abs(x - 0.10 * z))
    return (total - 0.42) * 1.85 * rise * valley + 0.05 * smoothstep(2.5, 3.2, z)


def sky_colours(slope_x: Array, slope_up: Array) -> Array:
    """Evening sky with lit clouds on a flat ceiling."""
    up = np.clip(slope_up / 0.55, 0.0, 1.0)
    sky = palette_ramp(["f6d3a0", "eccdb4", "b3c4d6", "6f9ac6", "3f70aa"], up**0.8) ** 2.2
    sun_side = np.exp(-(((slope_x + 0.95) / 0.7) ** 2) - (slope_up / 0.30) ** 2)
    sky = sky + sun_side[..., None] * linear("ffb45e") * 0.8
    ceiling = 1.0 / (np.maximum(slope_up, 0.0) + 0.16)
    across, along = slope_x * ceiling * 1.1 + 3.0, ceiling * 1.3

    def density(shift: float) -> Array:
        return fractal_noise(across - shift, along - 0.5 * shift, 130, octaves=7, gain=0.52)

    body = density(0.0)
    cover = smoothstep(0.0, 0.34, body + 0.10 * gradient_noise(across * 0.5, along * 0.5, 150) - 0.02)
    cover = cover * smoothstep(0.0, 0.10, slope_up)
    light = smoothstep(-0.12, 0.22, body - density(0.14))
    cloud = blend(linear("8d8fa9"), linear("ffe3c2") * 1.15, light)
    return blend(sky, cloud, 0.85 * cover)


def mountain_view() -> Array:
    """Sky and lit terrain above the water line, in linear light; the last row is the shore."""
    rows = int(TALL * 0.60)
    margin = WIDE // 2
    columns = np.arange(-margin, WIDE)
    slope = ((columns - WIDE / 2) / FOCAL).astype(np.float32)
    depth = np.geomspace(2.3, 14.0, 900).astype(np.float32)
    x, z = depth[:, None] * slope[None, :], np.broadcast_to(depth[:, None], (900, len(slope)))
    height = terrain_height(x, z).astype(np.float32)
    along, across = np.gradient(height, depth, slope)
    rise_x = across / z
    rise_z = along - slope[None, :] * rise_x
    length = np.sqrt(1.0 + rise_x**2 + rise_z**2)
    sun = np.array([-0.80, 0.42, -0.42]) / np.linalg.norm([-0.80, 0.42, -0.42])
    facing = np.clip((-rise_x * sun[0] + sun[1] - rise_z * sun[2]) / length, 0.0, 1.0)
    beam = height + 0.40 * x
    shadow = smoothstep(0.10, 0.0, np.maximum.accumulate(beam, axis=1) - beam)
    steep = 1.0 / length
    grain = fractal_noise(x * 9.0, z * 9.0, 60, octaves=5, gain=0.65)
    rock = blend(linear("6b5d55"), linear("9a8878"), np.clip(0.5 + grain, 0.0, 1.0))
    rock = rock * (0.9 + 0.14 * np.sin(height * 45.0 + 9.0 * grain))[..., None]
    crowns = np.clip(0.4 + 1.2 * fractal_noise(x * 30.0, z * 30.0, 70, octaves=3), 0.0, 1.0)
    forest = blend(linear("1d2f1e"), linear("4a5a2c"), crowns)
    ground = blend(rock, forest, smoothstep(0.62, 0.38, height + 0.18 * grain) * smoothstep(0.45, 0.7, steep))
    snow = smoothstep(0.62, 0.95, height + 0.45 * grain) * smoothstep(0.40, 0.55, steep + 0.22 * grain)
    ground = blend(ground, np.broadcast_to(linear("eef2f8"), ground.shape), snow)
    light = (facing * shadow)[..., None] * linear("ffc37c") * 3.3
    light = light + (0.30 + 0.15 * steep)[..., None] * linear("9db8e0")
    lit = ground * light
    haze = 1.0 - np.exp(-np.clip(z - 2.0, 0, None) * 0.085 * (0.35 + np.exp(-np.clip(height, 0, None) * 1.3)))
    haze_colour = blend(linear("f2bd86"), linear("9fb4d2"), np.clip(0.5 + slope * 0.9, 0.0, 1.0))[None]
    lit = blend(lit, haze_colour, np.clip(haze, 0.0, 0.92))

    up = ((rows - 0.5 - np.arange(rows)) / FOCAL).astype(np.float32)
    grid_x, grid_up = np.meshgrid(slope[margin:], up)
    picture = sky_colours(grid_x, grid_up)
    horizon = np.maximum.accumulate(height / z, axis=0)
    for column in range(WIDE):
        edge = horizon[:, column + margin]
        first = np.searchsorted(edge, up)
        land = (first < len(edge)) & (first > 0)
        near = first[land]
        share = (up[land] - edge[near - 1]) / np.maximum(edge[near] - edge[near - 1], 1e-6)
        shades = lit[:, column + margin]
        picture[land, column] = blend(shades[near - 1], shades[near], np.clip(share, 0.0, 1.0))
        picture[first == 0, column] = shades[0]
    return picture


def draw_pine(
    draw: ImageDraw.ImageDraw,
    foot: tuple[float, float],
    tall: float,
    random: np.random.Generator,
    dark: Array,
    bright: Array,
) -> None:
    """A conifer of drooping, uneven boughs, lit from the left; large ones get sprays of needles."""
    boughs = int(np.clip(tall / 3.0, 8, 110))
    sprays = int(np.clip(tall / 28.0, 1, 16))
    trunk = tall / 110.0
    wedge = [(foot[0] - trunk, foot[1]), (foot[0] + trunk, foot[1]), (foot[0], foot[1] - tall)]
    draw.polygon(wedge, fill=to_bytes(dark))
    for bough in range(boughs):
        share = 1.0 - bough / boughs
        level = foot[1] - tall * (1.0 - 0.90 * share)
        for _ in range(5):
            side = random.uniform(-1.0, 1.0)
            reach = tall * 0.20 * (share**0.9 + 0.012) * random.uniform(0.55, 1.15) * np.sign(side) * abs(side) ** 0.4
            fall = abs(reach) * random.uniform(0.18, 0.5)
            for spray in range(sprays):
                out = (spray + random.uniform(0.4, 1.0)) / sprays
                tone = np.clip((0.45 - 0.55 * side) * (0.25 + out) * random.uniform(0.1, 1.0), 0.0, 1.0)
                drop = level + fall * out**1.4
                root = (foot[0] + reach * out * 0.75, drop)
                tip = (foot[0] + reach * (out + 0.06), drop + abs(reach) * random.uniform(0.02, 0.16))
                thick = 2 if tall < 60 else max(1, int(tall / 260))
                draw.line([root, tip], fill=to_bytes(mix(dark, bright, tone)), width=thick)
            if sprays > 1:
                end = (foot[0] + reach * 0.8, level + 0.75 * fall)
                draw.line([(foot[0], level), end], fill=to_bytes(dark), width=3)


def to_bytes(paint: Array) -> tuple[int, int, int]:
    """A 0..1 colour triple as Pillow wants it."""
    red, green, blue = (int(channel) for channel in np.clip(paint, 0.0, 1.0) * 255.0)
    return red, green, blue


def draw_house(draw: ImageDraw.ImageDraw, left: float, floor: float, size: float) -> None:
    """A red cabin with a white-trimmed door and lit windows; `size` is the length of its front."""

    def shape(points: list[tuple[float, float]], code: str) -> None:
        draw.polygon([(left + size * px, floor - size * py) for px, py in points], fill=f"#{code}")

    shape([(0.0, 0.0), (0.36, 0.0), (0.36, 0.36), (0.18, 0.58), (0.0, 0.36)], "d4563a")
    shape([(0.36, 0.0), (1.0, 0.0), (1.0, 0.36), (0.36, 0.36)], "7d2a22")
    shape([(0.82, 0.45), (0.90, 0.45), (0.90, 0.74), (0.82, 0.74)], "7a6a62")
    shape([(0.15, 0.62), (0.84, 0.60), (1.06, 0.32), (0.39, 0.32)], "4b474b")
    shape([(-0.05, 0.32), (0.16, 0.60), (0.20, 0.62), (0.0, 0.32)], "e8d9c6")
    shape([(0.16, 0.62), (0.21, 0.62), (0.43, 0.31), (0.37, 0.31)], "b7a79a")
    for start in np.arange(1, 6) * 0.06:
        shape([(start, 0.0), (start + 0.008, 0.0), (start + 0.008, 0.40), (start, 0.40)], "b8452e")
    shape([(0.12, 0.0), (0.24, 0.0), (0.24, 0.26), (0.12, 0.26)], "f3e6d4")
    shape([(0.14, 0.0), (0.22, 0.0), (0.22, 0.24), (0.14, 0.24)], "5d4434")
    for start in (0.46, 0.72):
        shape([(start, 0.10), (start + 0.17, 0.10), (start + 0.17, 0.27), (start, 0.27)], "e6d8c4")
        shape([(start + 0.02, 0.12), (start + 0.15, 0.12), (start + 0.15, 0.25), (start + 0.02, 0.25)], "ffce6a")
        shape([(start + 0.08, 0.12), (start + 0.09, 0.12), (start + 0.09, 0.25), (start + 0.08, 0.25)], "e6d8c4")


def draw_shore(picture: Array) -> Array:
    """Add the wooded banks, the cabin and the sailing boat above the water line (gamma 2.2 colours)."""
    rows = picture.shape[0]
    image = Image.fromarray((np.clip(picture, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
    draw, random = ImageDraw.Draw(image), np.random.default_rng(12)
    for haze, low, high, count, reach in ((0.45, 18, 40, 900, 16), (0.2, 32, 72, 520, 6), (0.0, 50, 120, 190, 0)):
        dark, bright = mix(colour("16241b"), colour("a9a9a0"), haze), mix(colour("7c7434"), colour("c8b48c"), haze)
        for place in np.sort(random.uniform(0, WIDE, count)):
            bank = 0.5 + 0.5 * np.cos(place / WIDE * 2.0 * np.pi * 1.1 - 0.35 + 2.5 * haze)
            if haze == 0.0 and (bank < 0.62 or 1330 < place < 1620):
                continue
            tall = (low + (high - low) * random.uniform() ** 1.5) * (0.5 + 0.7 * bank)
            draw_pine(draw, (place, rows - random.uniform(0, 3) - reach * 0.3), tall, random, dark, bright)
    for place in np.arange(0, WIDE, 3):
        bank = 5.0 + 5.0 * gradient_noise(np.array([place / 60.0]), np.array([0.5]), 77)[0]
        lawn = smoothstep(1240, 1330, np.array(float(place))) * smoothstep(1800, 1640, np.array(float(place)))
        paint = mix(colour("3b3a26"), colour("8f8a3e"), float(lawn) * random.uniform(0.6, 1.0))
        shade = to_bytes(paint * random.uniform(0.8, 1.1))
        draw.rectangle([place, rows - bank - 9 * lawn, place + 3, rows], fill=shade)
    draw_house(draw, 1400.0, rows - 12.0, 150.0)
    for place, tall in ((1368, 120), (1576, 165), (1602, 120), (1345, 84)):
        draw_pine(draw, (place, rows - 8), tall, random, colour("14211a"), colour("8a7c36"))
    mast = 640.0
    draw.polygon([(mast + 3, rows - 150), (mast + 3, rows - 22), (mast + 62, rows - 24)], fill="#d9c3b0")
    draw.polygon([(mast - 3, rows - 142), (mast - 3, rows - 24), (mast - 46, rows - 26)], fill="#fff3df")
    draw.line([(mast, rows - 156), (mast, rows - 14)], fill="#4a342a", width=4)
    draw.polygon([(mast - 58, rows - 18), (mast + 72, rows - 20), (mast + 50, rows), (mast - 40, rows)], fill="#7d3b26")
    draw.line([(mast - 58, rows - 18), (mast + 72, rows - 20)], fill="#f2d9b4", width=4)
    return (np.asarray(image, dtype=np.float32) / 255.0) ** 2.2


def mountains() -> Image.Image:
    """A mountain lake at golden hour with a cabin, a sailing boat and framing pines."""
    upper = draw_shore(mountain_view())
    rows = upper.shape[0]
    picture = np.zeros((TALL, WIDE, 3), dtype=np.float32)
    picture[:rows] = upper
    line, column = np.mgrid[0 : TALL - rows, 0:WIDE].astype(np.float32)
    distance = 1.0 / (line + 6.0)
    lateral = (column - WIDE / 2) * distance
    ripple = fractal_noise(lateral * 2.2 + 40.0, distance * 900.0, 200, octaves=4)
    swell = fractal_noise(lateral * 7.0 + 9.0, distance * 2600.0, 210, octaves=3)
    calm = smoothstep(-0.35, 0.3, fractal_noise(lateral * 0.5, distance * 120.0 + 3.0, 220, octaves=3))
    push = (ripple + 0.5 * swell) * (7.0 + 0.16 * line) * (0.25 + 0.75 * calm)
    source = np.clip(rows - 1 - line * 1.02 - push, 0, rows - 1)
    shift = np.clip(column + 0.25 * push, 0, WIDE - 1).astype(np.int32)
    mirror = blur(upper, 1.5)[source.astype(np.int32), shift]
    share = line / (TALL - rows)
    picture[rows:] = blend(mirror * 0.80, np.broadcast_to(linear("1f4652"), mirror.shape), 0.10 + 0.42 * share)
    glitter = smoothstep(0.35, 0.8, ripple + 0.6 * swell) * (0.4 + 0.6 * calm) * (1.0 - 0.6 * share)
    picture[rows:] += glitter[..., None] * linear("ffd9a0") * 0.22
    picture[rows - 1 : rows + 2] *= 0.6
    image = Image.fromarray((np.clip(picture, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
    draw, random = ImageDraw.Draw(image), np.random.default_rng(31)
    for place in np.arange(0, 620, 2.0):
        bank = TALL + 4.0 - 190.0 * (1.0 - place / 620.0) ** 1.6 + random.normal(0, 3)
        draw.rectangle([place, bank, place + 2, TALL + 20], fill=to_bytes(colour("1a2015") * random.uniform(0.8, 1.15)))
        for _ in range(3):
            blade = random.uniform(12, 46) * (1.0 - place / 720.0)
            root = bank + random.uniform(0, 60)
            tone = mix(colour("20281a"), colour("8a7a3a"), random.uniform() ** 2)
            draw.line([(place, root), (place + random.normal(0, 9), root - blade)], fill=to_bytes(tone), width=2)
    for place, foot, tall in ((196, 1190, 700), (30, 1150, 1010), (330, 1232, 430), (112, 1215, 860)):
        draw_pine(draw, (place, foot), tall, random, colour("0d1712"), colour("5a5a2c"))
    return finish((np.asarray(image, dtype=np.float32) / 255.0) ** 2.2 * 1.05, 1)

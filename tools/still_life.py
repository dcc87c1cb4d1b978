"""The still life: fruit, a painted jug and flowers as signed distance fields, ray-marched in window light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from brushes import Array, blend, blur, fractal_noise, gradient_noise, mix, palette_ramp, smoothstep
from PIL import Image
from scenes import TALL, WIDE, finish, linear


@dataclass(frozen=True)
class Thing:
    """A solid: its bounding sphere, its signed distance and its paint, both in coordinates around the centre."""

    centre: tuple[float, float, float]
    reach: float
    distance: Callable[[Array], Array]
    paint: Callable[[Array], Array]
    gloss: float = 0.5

    def local(self, points: Array) -> Array:
        """Coordinates around the centre."""
        return points - np.array(self.centre, dtype=np.float32)

    def crossing(self, start: Array, heading: Array, margin: float) -> tuple[Array, Array, Array]:
        """Which rays meet the bounding sphere, where they enter and where they leave."""
        towards = -self.local(start)
        middle = (towards * heading).sum(-1)
        reach = self.reach + margin
        gap = reach**2 - ((towards * towards).sum(-1) - middle**2)
        half = np.sqrt(np.maximum(gap, 0.0))
        return np.nonzero((gap > 0.0) & (middle + half > 0.0))[0], np.maximum(middle - half, 0.0), middle + half


def tilted(points: Array, lean: float, turn: float = 0.0) -> Array:
    """Turn about the upright axis by `turn` and then lean sideways by `lean`."""
    cos_turn, sin_turn, cos_lean, sin_lean = np.cos(turn), np.sin(turn), np.cos(lean), np.sin(lean)
    x, y, z = points.T
    x, z = cos_turn * x - sin_turn * z, sin_turn * x + cos_turn * z
    return np.stack([cos_lean * x - sin_lean * y, sin_lean * x + cos_lean * y, z], axis=-1)


def apple(centre: tuple[float, float, float], lean: float, turn: float, codes: list[str], seed: int) -> Thing:
    """An apple: a spindle torus that narrows downwards, with a stalk; `codes` run from shade side to blush."""

    def distance(points: Array) -> Array:
        x, y, z = tilted(points, lean, turn).T
        radius = np.hypot(x, z) / (1.0 + 0.30 * np.clip(y, -0.5, 0.5)) * (1.0 + 0.02 * np.cos(5.0 * np.arctan2(z, x)))
        body = np.hypot(radius - 0.17, 0.84 * y) - 0.36
        rung = np.clip(y, 0.2, 0.56)
        stalk = np.sqrt((x - 0.25 * (rung - 0.2) ** 2 * 3.0) ** 2 + (y - rung) ** 2 + z**2) - 0.022
        return 0.75 * np.minimum(body, stalk)

    def paint(points: Array) -> Array:
        x, y, z = tilted(points, lean, turn).T
        around, radius = np.arctan2(z, x), np.hypot(x, z)
        streak = fractal_noise(around * 14.0, y * 1.3 + radius, seed, octaves=4, gain=0.7)
        patch = fractal_noise(2.0 * x + 5.0, 2.0 * z + 2.0 * y, seed + 9, octaves=3)
        blush = np.clip(0.62 + 0.55 * patch + 0.35 * streak - 0.9 * smoothstep(0.22, 0.05, radius), 0.0, 1.0)
        skin = palette_ramp(codes, blush) ** 2.2
        dots = smoothstep(0.52, 0.68, gradient_noise(around * 11.0, y * 26.0, seed + 5))
        skin = blend(skin, np.broadcast_to(linear("f0d9a0"), skin.shape), 0.35 * dots)
        wood = (y > 0.45) | (y > 0.33) & (radius < 0.05)
        return np.where(wood[:, None], linear("4a331f"), skin)

    return Thing(centre, 0.68, distance, paint, 0.8)


def pear(centre: tuple[float, float, float], lean: float, turn: float) -> Thing:
    """A ripe pear: two blended balls with a stalk."""

    def distance(points: Array) -> Array:
        x, y, z = tilted(points, lean, turn).T
        low = np.sqrt(x * x + (y + 0.12) ** 2 + z * z) - 0.46
        high = np.sqrt((x - 0.03) ** 2 + (y - 0.50) ** 2 + z * z) - 0.20
        share = np.clip(0.5 + 0.5 * (high - low) / 0.42, 0.0, 1.0)
        body = mix(high, low, share) - 0.42 * share * (1.0 - share)
        rung = np.clip(y, 0.6, 0.98)
        return 0.9 * np.minimum(body, np.sqrt((x - 0.4 * (rung - 0.6) ** 2) ** 2 + (y - rung) ** 2 + z * z) - 0.024)

    def paint(points: Array) -> Array:
        x, y, z = tilted(points, lean, turn).T
        freckles = smoothstep(0.25, 0.6, gradient_noise(x * 34.0 + 9.0 * z, y * 34.0, 320))
        tone = np.clip(0.45 + 0.5 * fractal_noise(x * 2.0 + z, y * 2.0, 321, 4) + 0.35 * x, 0.0, 1.0)
        skin = palette_ramp(["8f9a35", "c9b544", "dca83c", "c8752f"], tone) ** 2.2 * (1.0 - 0.28 * freckles)[:, None]
        return np.where((y > 0.70)[:, None] & (np.hypot(x, z) < 0.2)[:, None], linear("4f3822"), skin)

    return Thing(centre, 1.05, distance, paint, 0.45)


def lemon(centre: tuple[float, float, float], turn: float) -> Thing:
    """A lemon on its side, with dimpled peel."""

    def distance(points: Array) -> Array:
        x, y, z = tilted(points, 0.12, turn).T
        waist = np.sqrt(y * y + z * z)
        nipple = 0.085 * np.exp(-(((np.abs(x) - 0.47) / 0.09) ** 2))
        profile = 0.34 * np.sqrt(np.clip(1.0 - (x / 0.50) ** 2, 0.0, 1.0)) + nipple
        body = np.maximum(waist - profile, np.abs(x) - 0.56)
        pores = gradient_noise(x * 22.0 + 60.0, np.arctan2(z, y) * 7.0 + 30.0, 330)
        return 0.55 * (body + 0.0016 * pores)

    def paint(points: Array) -> Array:
        x, y, z = points.T
        tone = np.clip(0.5 + 0.6 * fractal_noise(x * 3.0, y * 3.0 + z, 331, octaves=3), 0.0, 1.0)
        return palette_ramp(["cf9410", "e2b01e", "ecc63a"], tone) ** 2.2

    return Thing(centre, 0.66, distance, paint, 0.5)


def vase(centre: tuple[float, float, float]) -> Thing:
    """A glazed jug of revolution with blue bands and leaves on white."""

    def outline(y: Array) -> Array:
        return (
            0.16
            + 0.43 * np.exp(-(((y - 0.62) / 0.42) ** 2))
            + 0.13 * smoothstep(1.25, 1.66, y)
            + 0.14 * smoothstep(0.2, 0.0, y)
        )

    def distance(points: Array) -> Array:
        x, y, z = points.T
        radius = np.hypot(x, z)
        wall = np.abs(radius - outline(y) + 0.025) - 0.03
        return 0.6 * np.maximum(np.maximum(np.where(y < 0.1, radius - outline(y), wall), y - 1.66), -y)

    def paint(points: Array) -> Array:
        x, y, z = points.T
        around = np.arctan2(z, x)
        petals = np.cos(8.0 * around + 1.0) * 0.12
        leaves = smoothstep(0.02, 0.0, np.abs(np.abs(y - 0.66) - 0.06 - petals) - 0.016)
        dots = smoothstep(0.1, 0.0, np.hypot(np.sin(4.0 * around + 0.5), (y - 0.66) * 7.0) - 0.32)
        bands = sum(
            smoothstep(0.012, 0.0, np.abs(y - place) - half)
            for place, half in (
                (0.12, 0.04),
                (0.22, 0.008),
                (0.38, 0.012),
                (0.94, 0.012),
                (1.10, 0.008),
                (1.30, 0.022),
                (1.60, 0.03),
            )
        )
        scallops = smoothstep(0.02, 0.0, np.abs(y - 1.02 - 0.035 * np.abs(np.sin(8.0 * around))) - 0.010)
        uneven = 0.82 + 0.18 * gradient_noise(around * 9.0, y * 9.0, 340)
        blue = np.clip(leaves + dots + bands + scallops, 0.0, 1.0) * uneven
        return blend(np.broadcast_to(linear("ece6d8"), points.shape), linear("2a4b93"), blue)

    return Thing(centre, 1.95, distance, paint, 0.9)


def ball(centre: tuple[float, float, float], radius: float, codes: list[str], seed: int, bumps: float = 0.0) -> Thing:
    """A grape or, with bumps, a flower head of many florets."""

    def florets(points: Array) -> Array:
        unit = points / np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-6)
        return np.sin(unit[:, 0] * 19.0 + seed) * np.sin(unit[:, 1] * 19.0) * np.sin(unit[:, 2] * 19.0 + 0.5 * seed)

    def distance(points: Array) -> Array:
        size = np.linalg.norm(points, axis=-1) - radius
        return 0.7 * (size - bumps * radius * florets(points)) if bumps else size

    def paint(points: Array) -> Array:
        cloud = 0.5 + 0.6 * fractal_noise(points[:, 0] * 5.0 + seed, points[:, 1] * 5.0 + points[:, 2] * 3.0, seed, 3)
        return palette_ramp(codes, np.clip(cloud + (0.8 * florets(points) if bumps else 0.0), 0.0, 1.0)) ** 2.2

    return Thing(centre, radius * (1.0 + bumps), distance, paint, 0.15 if bumps else 0.4)


def stem(start: tuple[float, float, float], end: tuple[float, float, float]) -> Thing:
    """A green flower stem between two points."""
    low, high = np.array(start, dtype=np.float32), np.array(end, dtype=np.float32)
    middle, leg = (low + high) / 2.0, (high - low) / 2.0

    def distance(points: Array) -> Array:
        share = np.clip(points @ leg / (leg @ leg), -1.0, 1.0)
        return np.linalg.norm(points - share[:, None] * leg, axis=-1) - 0.022

    return Thing(
        (float(middle[0]), float(middle[1]), float(middle[2])),
        float(np.linalg.norm(leg)) + 0.03,
        distance,
        lambda points: np.broadcast_to(linear("6f7f3a"), points.shape),
        0.2,
    )


def still_life_things() -> list[Thing]:
    """Everything that stands on the table (y = 0), in decimetres."""
    things = [
        vase((-0.95, 0.0, 0.65)),
        apple((0.10, 0.39, -0.35), 0.12, 0.6, ["d9b84a", "d8813a", "c22f26", "8e1420"], 300),
        apple((0.98, 0.40, 0.35), -0.25, 2.2, ["6d8a2c", "93a63c", "b3b04a", "c46f3c"], 310),
        apple((-1.95, 0.39, -0.10), 0.22, 4.0, ["d8b048", "cf5a30", "b3222a", "7c0f1c"], 315),
        pear((0.42, 0.55, 0.95), -0.08, 0.5),
        lemon((-0.70, 0.34, -1.0), 0.30),
        lemon((1.72, 0.34, 0.75), -0.7),
    ]
    random = np.random.default_rng(8)
    purple = ["140a1e", "261028", "3d1730", "54283f"]
    spots = [(x, 0.0, z) for x in range(5) for z in range(3)]
    spots += [(x + 0.5, 1.0, z + 0.5) for x in range(4) for z in range(2)] + [(1.5, 2.0, 1.0), (2.4, 1.9, 0.9)]
    for column, level, line in spots:
        wobble = random.normal(0.0, 0.018, 3)
        across, back = 1.05 + 0.29 * column + 0.10 * line + wobble[0], -0.92 + 0.29 * line + wobble[2]
        seed = int(400 + 10 * column + line)
        things.append(ball((across, 0.165 + 0.24 * level, back), 0.165 + 0.4 * wobble[1], purple, seed))
    flowers = [
        (-1.62, 2.62, 0.75),
        (-1.15, 2.98, 0.9),
        (-0.62, 2.76, 0.55),
        (-0.18, 2.42, 0.8),
        (-1.05, 2.36, 0.35),
        (-1.98, 2.16, 0.5),
        (-0.42, 3.12, 0.95),
    ]
    for number, (x, y, z) in enumerate(flowers):
        codes = ["b8780f", "e8b01a", "f8d648"] if number % 3 else ["c2541c", "e8862c", "f6b458"]
        things.append(ball((x, y, z), 0.215, codes, 350 + number, bumps=0.09))
        things.append(stem((-0.95 + 0.12 * (x + 0.95), 1.3, 0.65), (x, y - 0.1, z)))
    return things


def march(thing: Thing, start: Array, heading: Array, far: Array) -> tuple[Array, Array]:
    """Rays (indices, distances) that hit `thing` before `far`."""
    rays, enter, leave = thing.crossing(start, heading, 0.01)
    travel, leave = enter[rays], np.minimum(leave, far)[rays]
    hits, depths = [], []
    for _ in range(70):
        gap = thing.distance(thing.local(start[rays] + heading[rays] * travel[:, None]))
        arrived = gap < 0.0015
        hits.append(rays[arrived])
        depths.append(travel[arrived])
        travel = travel + gap
        alive = ~arrived & (travel < leave)
        rays, travel, leave = rays[alive], travel[alive], leave[alive]
    return np.concatenate(hits), np.concatenate(depths)


def shadowed(things: list[Thing], points: Array, lamp: Array) -> tuple[Array, Array]:
    """Soft light from `lamp` (0 in shadow, 1 free) and contact shading of the sky light."""
    light, sky = np.ones(len(points), dtype=np.float32), np.ones(len(points), dtype=np.float32)
    heading = np.broadcast_to(lamp, points.shape)
    for thing in things:
        rays, enter, leave = thing.crossing(points, heading, 0.5)
        travel, leave = np.maximum(enter[rays], 0.02), leave[rays]
        for _ in range(26):
            gap = thing.distance(thing.local(points[rays] + heading[rays] * travel[:, None]))
            light[rays] = np.minimum(light[rays], np.clip(0.5 + 4.5 * gap / travel, 0.0, 1.0))
            travel = travel + np.clip(gap, 0.025, 0.25)
            alive = (travel < leave) & (light[rays] > 0.01)
            rays, travel, leave = rays[alive], travel[alive], leave[alive]
        near = np.nonzero((thing.local(points) ** 2).sum(-1) < (thing.reach + 0.6) ** 2)[0]
        for lift in (0.12, 0.35):
            above = points[near] + np.array([-0.2, 0.9, -0.3], dtype=np.float32) * lift
            blocked = np.clip(1.0 - thing.distance(thing.local(above)) / lift, 0.0, 1.0)
            sky[near] *= 1.0 - 0.38 * blocked
    return smoothstep(0.0, 1.0, light), sky


def room(points: Array, on_table: Array) -> tuple[Array, Array]:
    """Paint and normals of the table, with its linen cloth, and of the plaster wall."""
    x, y, z = points.T
    grain = fractal_noise(x * 1.1 + 50.0, z * 13.0 + 60.0, 370, octaves=5, gain=0.6)
    plank = np.abs((z + 20.0) / 0.7 % 1.0 - 0.5)
    wood = palette_ramp(["3f2415", "6b4126", "8d5c36"], np.clip(0.5 + 0.8 * grain, 0.0, 1.0)) ** 2.2
    wood = wood * (0.35 + 0.65 * smoothstep(0.5, 0.485, plank))[:, None]
    hem = z - 0.30 + 0.55 * x - 0.10 * np.sin(2.2 * x) - 0.05 * gradient_noise(x * 2.0 + 9.0, z * 0.3 + 4.0, 371)
    weave = 0.93 + 0.05 * np.sin(x * 150.0) * np.sin(z * 150.0) + 0.05 * fractal_noise(x * 9.0, z * 9.0, 372, 3)
    stripe = smoothstep(0.015, 0.0, np.abs(hem + 0.20) - 0.045) + smoothstep(0.012, 0.0, np.abs(hem + 0.33) - 0.012)
    linen = blend(np.broadcast_to(linear("ddd2bd"), points.shape), linear("6f7fa0"), 0.85 * np.clip(stripe, 0, 1))
    cloth = smoothstep(0.0, -0.012, hem)
    table = blend(wood * (0.45 + 0.55 * smoothstep(0.0, 0.10, hem))[:, None], linen * weave[:, None], cloth)
    plaster = fractal_noise(x * 1.3 + 20.0, y * 1.3 + 20.0, 373, octaves=6, gain=0.6)
    wall = palette_ramp(["4c5650", "66716a", "828a7e"], np.clip(0.5 + 0.6 * plaster, 0.0, 1.0)) ** 2.2

    def folds(px: Array, pz: Array) -> Array:
        warp = gradient_noise(px * 0.9 + 31.0, pz * 0.9 + 31.0, 374)
        sweep = 0.8 * px - 0.5 * pz + 0.9 * warp
        creases = gradient_noise(sweep * 1.5 + 40.0, (0.4 * px + 0.8 * pz) * 0.4 + 40.0, 375)
        second = gradient_noise((px + 0.7 * pz + 0.5 * warp) * 1.3 + 70.0, (pz - 0.4 * px) * 0.5 + 70.0, 377)
        rumple = 0.02 * gradient_noise(px * 4.0 + 50.0, pz * 4.0 + 50.0, 376)
        return 0.12 * np.exp(-((creases / 0.28) ** 2)) + 0.09 * np.exp(-((second / 0.25) ** 2)) + rumple

    step, height = 0.01, folds(x, z)
    slope_x, slope_z = ((folds(x + step * (1 - move), z + step * move) - height) / step * cloth for move in (0, 1))
    upward = np.stack([-slope_x, np.ones_like(x), -slope_z], axis=-1)
    upward /= np.linalg.norm(upward, axis=-1, keepdims=True)
    forward = np.broadcast_to(np.array([0.0, 0.0, -1.0], dtype=np.float32), points.shape)
    return np.where(on_table[:, None], table, wall), np.where(on_table[:, None], upward, forward)


def window_glint(normal: Array, heading: Array) -> Array:
    """Reflection of a window with four panes at the upper left, on a glossy surface."""
    mirror = heading - 2.0 * (heading * normal).sum(-1, keepdims=True) * normal
    across = mirror @ np.array([0.45, 0.20, -0.87], dtype=np.float32)
    upright = mirror @ np.array([0.35, -0.93, -0.03], dtype=np.float32)
    ahead = mirror @ np.array([-0.82, 0.31, -0.48], dtype=np.float32)
    across, upright = across / np.maximum(ahead, 0.05), upright / np.maximum(ahead, 0.05)
    pane = smoothstep(0.40, 0.34, np.abs(across)) * smoothstep(0.55, 0.48, np.abs(upright)) * (ahead > 0.05)
    bars = smoothstep(0.02, 0.05, np.abs(across)) * smoothstep(0.02, 0.05, np.abs(upright))
    return pane * bars


def still_life() -> Image.Image:
    """Fruit, a painted jug with yellow flowers and a linen cloth in window light."""
    things = still_life_things()
    y, x = np.mgrid[0:TALL, 0:WIDE].astype(np.float32)
    eye, aim = np.array([0.1, 2.15, -6.6], dtype=np.float32), np.array([-0.05, 1.22, 0.0], dtype=np.float32)
    forward = (aim - eye) / np.linalg.norm(aim - eye)
    right = np.cross(np.array([0.0, 1.0, 0.0]), forward)
    right /= np.linalg.norm(right)
    lens = 0.63 / TALL
    heading = (
        (
            forward
            + ((x - WIDE / 2) * lens)[..., None] * right
            - ((y - TALL / 2) * lens)[..., None] * np.cross(forward, right)
        )
        .reshape(-1, 3)
        .astype(np.float32)
    )
    heading /= np.linalg.norm(heading, axis=-1, keepdims=True)
    start = np.broadcast_to(eye, heading.shape)

    to_table = np.where(heading[:, 1] < -1e-4, -eye[1] / np.minimum(heading[:, 1], -1e-4), 1e9)
    to_wall = (2.6 - eye[2]) / heading[:, 2]
    on_table = to_table < to_wall
    depth = np.minimum(to_table, to_wall).astype(np.float32)
    owner = np.full(len(depth), -1)
    for number, thing in enumerate(things):
        rays, travel = march(thing, start, heading, depth)
        depth[rays], owner[rays] = travel, number
    points = start + heading * depth[:, None]
    paint, normal = room(points, on_table)
    gloss = np.where(on_table, 0.04, 0.0).astype(np.float32)
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], dtype=np.float32)
    for number, thing in enumerate(things):
        mine = np.nonzero(owner == number)[0]
        place = thing.local(points[mine])
        slope = sum(corner * thing.distance(place + 0.003 * corner)[:, None] for corner in corners)
        normal[mine] = slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-9)
        paint[mine], gloss[mine] = thing.paint(place), thing.gloss

    lamp = np.array([-0.72, 0.56, -0.42], dtype=np.float32) / np.linalg.norm([-0.72, 0.56, -0.42])
    light, sky = shadowed(things, points + 0.006 * normal, lamp.astype(np.float32))
    facing = np.clip((normal @ lamp + 0.12) / 1.12, 0.0, 1.0) * light
    beam = 0.25 + 0.75 * np.exp(-(((points[:, 0] + 0.9 - 0.35 * (points[:, 1] - 1.5)) / 2.6) ** 2))
    beam = np.where(owner >= 0, 0.85 + 0.15 * beam, beam)
    shade = (facing * beam)[:, None] * linear("ffe2b4") * 2.6
    shade = shade + (sky * (0.55 + 0.45 * normal[:, 1]))[:, None] * linear("93a3be") * 0.62
    bounce = np.clip(-normal[:, 1], 0.0, 1.0) * np.exp(-np.clip(points[:, 1], 0.0, None) * 1.5)
    shade = shade + (sky * bounce)[:, None] * linear("d8b892") * 0.45
    picture = paint * shade
    fresnel = 0.04 + 0.5 * (1.0 - np.clip(-(normal * heading).sum(-1), 0.0, 1.0)) ** 5
    picture += (gloss * window_glint(normal, heading) * (0.3 + 0.7 * light) * 0.85)[:, None] * linear("fff4e2")
    picture += (gloss * fresnel * sky * np.clip(0.5 + 0.6 * normal[:, 1], 0.1, 1.0))[:, None] * linear("b9c4d6") * 0.6
    picture = picture.reshape(TALL, WIDE, 3)
    backdrop = (owner < 0).reshape(TALL, WIDE) & ~on_table.reshape(TALL, WIDE)
    picture = blend(picture, blur(picture, 3.0), (blur(backdrop.astype(np.float32), 6.0) > 0.999).astype(np.float32))
    return finish(picture, 2)

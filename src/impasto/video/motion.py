"""What moved between two frames of a film, whether there was a cut, and painted frames that hold still by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from impasto.video.reading import Pixels

Floats = NDArray[np.float32]

# Longer side of the frames that flow is found between.
FLOW_SIDE = 640
SMALLEST = 16

# Sundaram et al. 2010, equation 5: flow there and back may miss its beginning by a share of its length, and by pixels.
MISS_SHARE, MISS = 0.01, 0.5

# Smaller eigenvalue of a place's structure tensor (Shi and Tomasi 1994), of lightness from 0 to 1, below which nothing
# there can be told apart, so that flow is what it happens to be; the side in pixels of such a place; and how much of
# its strokes stays: all of them would be combed by that flow.
PLAIN, PLACE, STAYS = 3e-4, 7, 0.75

# Levels of 255 by which a place may look different and still be mostly the same one.
ALIKE = 12.0

# A cut: the share of colours that are others, times the levels of 255 by which the picture changed where it is. Fast
# motion of a film with 25 frames a second reaches 3, cuts begin with 14; those of dark scenes are lower.
CUT = 5.0
THUMBNAIL = (64, 36)

# Side of the squares within which strokes keep their contrast, as a share of the frame's shorter side and at least so
# many pixels, and the most that it is raised by.
AROUND, LEAST_AROUND, MOST_GAIN = 0.025, 9, 1.6

# Variance that is no stroke.
FLAT = 1e-5


@dataclass(frozen=True)
class Motion:
    """From one frame to the next, at the frames' size.

    flow: (H, W, 2) in pixels, x before y; what stands at p stood at p + flow(p) in the frame before. seen: (H, W), from
    0 where that was hidden, or looks different now, to 1 where only motion happened.
    """

    flow: Floats
    seen: Floats


@contextmanager
def one_thread() -> Iterator[None]:
    """For OpenCV: others would only take processors from painting, and frames do not depend on how many there are."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def motion_between(before: Pixels, now: Pixels) -> Motion:
    """Of two frames of one size: DIS (Kroeger et al. 2016) there and back, at FLOW_SIDE pixels or less."""
    height, width = now.shape[:2]
    share = min(1.0, FLOW_SIDE / max(height, width))
    small = max(SMALLEST, round(width * share)), max(SMALLEST, round(height * share))
    first, second = (_reduced(frame, small) for frame in (before, now))
    light = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back = search.calc(light[1], light[0], None)
    there = search.calc(light[0], light[1], None)
    alike = _likeness(warped(first.astype(np.float32), back, cv2.INTER_LINEAR), second)
    # Where there is nothing to tell apart, as in motion blur, strokes may come from whatever looks the same.
    seen = alike * _inside(back) * np.maximum(_agreement(back, there), _plainness(light[1]))
    # Beside what was hidden, filters have mixed the two.
    seen = cv2.GaussianBlur(cv2.erode(seen, np.ones((3, 3), np.uint8)), (0, 0), 1.5)
    flow = cv2.resize(back, (width, height), interpolation=cv2.INTER_LINEAR)
    flow *= np.array([width / small[0], height / small[1]], np.float32)
    return Motion(flow, cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR))


def _reduced(frame: Pixels, size: tuple[int, int]) -> NDArray[np.uint8]:
    colours = frame[..., :3]
    if colours.dtype == np.uint16:
        colours = (colours >> 8).astype(np.uint8)
    return np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA))


def _agreement(back: Floats, there: Floats) -> Floats:
    """1 where the flow back, and from there forth again, ends where it began; 0 elsewhere."""
    forth = warped(there, back, cv2.INTER_LINEAR)
    missed = np.square(forth + back).sum(2)
    return np.asarray(
        missed < MISS_SHARE * (np.square(forth).sum(2) + np.square(back).sum(2)) + MISS, np.float32
    )  # fmt: skip


def _inside(back: Floats) -> Floats:
    """1 where the flow back stays in the frame."""
    height, width = back.shape[:2]
    x, y = np.moveaxis(places(height, width) + back, 2, 0)
    return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1), np.float32)


def _plainness(light: NDArray[np.uint8]) -> Floats:
    """From STAYS, where nothing can be told apart, to 0."""
    corners = cv2.cornerMinEigenVal(light.astype(np.float32) / 255, PLACE, 3)
    return np.asarray(STAYS * np.exp(-np.square(corners / PLAIN)), np.float32)


def _likeness(moved: Floats, now: NDArray[np.uint8]) -> Floats:
    apart = cv2.blur(np.abs(moved - now).mean(2), (3, 3))
    return np.asarray(np.exp(-np.square(apart / ALIKE)), np.float32)


def warped(picture: Floats, flow: Floats, interpolation: int = cv2.INTER_CUBIC) -> Floats:
    """(H, W, C) as it looks after the motion."""
    height, width = flow.shape[:2]
    target = places(height, width) + flow
    moved = cv2.remap(picture, target[..., 0], target[..., 1], interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def places(height: int, width: int) -> Floats:
    """(height, width, 2): x and y of every pixel."""
    return np.stack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), 2)


def is_cut(before: Pixels, now: Pixels) -> bool:
    """Whether another shot begins: other colours, and elsewhere. Motion changes the second alone, light the first."""
    first, second = (_reduced(frame, THUMBNAIL) for frame in (before, now))
    apart = float(np.abs(_histogram(first) - _histogram(second)).sum() / 2)
    elsewhere = float(np.abs(first.astype(np.float32) - second).mean())
    return apart * elsewhere > CUT


def _histogram(frame: NDArray[np.uint8]) -> Floats:
    counts = cv2.calcHist([frame], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3)
    return np.asarray(counts / counts.sum(), np.float32)


# --- frames that hold still -----------------------------------------------------------------------------------------


def blended(painted: Floats, before: Floats, motion: Motion, steady: float) -> Floats:
    """(H, W, 3) in [0, 1]: the new frame, and in the share `steady` the last one where nothing but motion happened.

    The mean of two strokes that do not match is no stroke: the contrast is brought back to that of the new frame,
    without which a long shot fades to a blur.
    """
    share = (steady * motion.seen)[..., None]
    mixed = painted + share * (warped(before, motion.flow) - painted)
    side = max(LEAST_AROUND, round(AROUND * min(painted.shape[:2]))) | 1
    gain = np.sqrt((_variance(painted, side) + FLAT) / (_variance(mixed, side) + FLAT)).clip(1, MOST_GAIN)
    around = cv2.blur(mixed, (side, side))
    return np.asarray((around + gain[..., None] * (mixed - around)).clip(0, 1), np.float32)


def _variance(picture: Floats, side: int) -> Floats:
    """Of lightness, in a square around every place."""
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    mean = cv2.blur(light, (side, side))
    return np.asarray(np.maximum(cv2.blur(light * light, (side, side)) - mean * mean, 0), np.float32)


def moved_canvas(canvas: Floats, motion: Motion) -> Floats:
    """(H, W, 2): where each pixel of the next frame lies on the canvas that strokes are on; it goes on beyond the
    frame, so that what enters finds a canvas of its own."""
    height, width = canvas.shape[:2]
    target = places(height, width) + motion.flow
    beyond = target - target.clip(0, np.array([width - 1, height - 1], np.float32))
    return np.asarray(warped(canvas, motion.flow, cv2.INTER_LINEAR) + beyond, np.float32)

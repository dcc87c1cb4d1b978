"""Painted frames that hold still: the last one, moved as the film moved, under the new one."""

import cv2
import numpy as np

from impasto.video.motion import Floats, Motion, places, warped

# Side of the squares within which strokes keep their contrast, as a share of the frame's shorter side and at least so
# many pixels, and the most that it is raised by.
AROUND, SMALLEST, MOST = 0.025, 9, 1.6

# Variance that is no stroke.
FLAT = 1e-5


def blended(painted: Floats, before: Floats, motion: Motion, steady: float) -> Floats:
    """(H, W, 3) in [0, 1]: the new frame, and in the share `steady` the last one where nothing but motion happened.

    The mean of two strokes that do not match is no stroke: the contrast is brought back to that of the new frame,
    without which a long shot fades to a blur.
    """
    share = (steady * motion.seen)[..., None]
    mixed = painted + share * (warped(before, motion.flow) - painted)
    side = max(SMALLEST, round(AROUND * min(painted.shape[:2]))) | 1
    gain = np.sqrt((_variance(painted, side) + FLAT) / (_variance(mixed, side) + FLAT)).clip(1, MOST)
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

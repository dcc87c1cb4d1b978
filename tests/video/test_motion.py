"""Flow, what is hidden, cuts, and frames that hold still, on motion that is known."""

import cv2
import numpy as np
import pytest
from films import plain
from PIL import Image

from impasto.gallery import packaged
from impasto.video.motion import blended, is_cut, motion_between, moved_canvas, places, warped


@pytest.fixture(scope="module")
def photo():
    return np.array(Image.open(packaged()["mountains"]).convert("RGB").resize((420, 300)))


def panned(photo, x, y=0.0, size=(200, 300)):
    shift = np.array([[1, 0, 40 + x], [0, 1, 40 + y]], np.float32)
    return cv2.warpAffine(photo, shift, size[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)


def test_flow_of_a_pan(photo):
    motion = motion_between(panned(photo, 0), panned(photo, 5.5, -2.25))
    inner = motion.flow[20:-20, 20:-20]
    assert np.abs(inner - [5.5, -2.25]).mean() < 0.25
    assert motion.seen[20:-20, 20:-20].mean() > 0.8
    # What has just come in from the right was never seen.
    assert motion.seen[:, -3:].max() < 0.05


def test_flow_of_frames_larger_than_it_is_found_at(photo):
    large = [cv2.resize(panned(photo, x), (1280, 852), interpolation=cv2.INTER_CUBIC) for x in (0, 4)]
    motion = motion_between(*large)
    scale = 1280 / 300
    assert motion.flow.shape == (852, 1280, 2)
    assert np.abs(motion.flow[80:-80, 80:-80] - [4 * scale, 0]).mean() < 0.25 * scale


def test_what_was_hidden_is_not_seen(photo):
    """A square that moves uncovers what is behind it."""

    def frame(x):
        shown = panned(photo, 0)
        shown[60:140, x : x + 80] = (
            np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8).repeat(4, 0).repeat(4, 1)
        )
        return shown

    motion = motion_between(frame(60), frame(72))
    assert motion.seen[70:130, 61:71].mean() < 0.15
    assert motion.seen[70:130, 85:140].mean() > 0.6
    assert motion.seen[:40].mean() > 0.9


def test_where_nothing_can_be_told_apart_strokes_stay():
    """Flow of a plain wall is noise, and agrees with nothing; whichever it is, the wall looks the same."""

    def wall(number):
        noise = np.random.default_rng(number).normal(0, 2, (200, 300, 3))
        shown = (140 + noise).clip(0, 255).astype(np.uint8)
        # Something that is there to be told apart, and moves over it.
        shown[60:140, 100 + 9 * number : 160 + 9 * number] = np.random.default_rng(9).integers(0, 90, (80, 60, 3))
        return shown

    motion = motion_between(wall(0), wall(1))
    assert motion.seen[10:50, 10:-10].mean() > 0.6
    assert motion.seen[70:130, 120:150].mean() > 0.5


def test_other_light_is_not_motion(photo):
    before = panned(photo, 0)
    motion = motion_between(before, np.clip(before * 0.6, 0, 255).astype(np.uint8))
    assert motion.seen.mean() < 0.2


def test_sixteen_bits(photo):
    eight = [panned(photo, x) for x in (0, 3)]
    sixteen = [frame.astype(np.uint16) * 257 for frame in eight]
    assert np.abs(motion_between(*eight).flow - motion_between(*sixteen).flow).mean() < 0.1
    assert not is_cut(*sixteen)


def test_cuts(photo):
    other = np.array(Image.open(packaged()["still_life"]).convert("RGB").resize((300, 200)))
    assert is_cut(panned(photo, 0), other)
    assert not is_cut(panned(photo, 0), panned(photo, 25))
    assert not is_cut(plain(0), plain(0) + 5)
    dark = [(frame // 4) for frame in (panned(photo, 0), other)]
    assert is_cut(*dark)


def test_the_smallest_frames():
    frames = [np.full((1, 2, 3), value, np.uint8) for value in (10, 12)]
    motion = motion_between(*frames)
    assert motion.flow.shape == (1, 2, 2)
    assert blended(np.full((1, 2, 3), 0.5, np.float32), np.zeros((1, 2, 3), np.float32), motion, 0.5).shape == (1, 2, 3)


def strokes(seed, height=200, width=300):
    noise = np.random.default_rng(seed).normal(0, 1, (height // 2, width // 2, 1)).astype(np.float32)
    lines = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.repeat((0.5 + 0.1 * lines)[..., None], 3, 2).clip(0, 1)


def test_a_blend_is_between_the_two_and_keeps_contrast(photo):
    frames = panned(photo, 0), panned(photo, 4)
    motion = motion_between(*frames)
    before, now = strokes(0), strokes(1)
    moved = warped(before, motion.flow)
    mixed = blended(now, before, motion, 0.7)
    seen = motion.seen > 0.95
    assert np.corrcoef(mixed[seen].ravel(), moved[seen].ravel())[0, 1] > 0.85
    assert np.corrcoef(mixed[seen].ravel(), now[seen].ravel())[0, 1] > 0.2
    # The plain mean has 0.76 of the deviation.
    assert mixed[seen].std() == pytest.approx(now[seen].std(), rel=0.1)
    assert mixed[:, -3:] == pytest.approx(now[:, -3:], abs=0.06)
    assert blended(now, before, motion, 0.0) == pytest.approx(now, abs=1e-6)


def test_the_canvas_moves_with_what_is_on_it(photo):
    canvas = places(200, 300)
    for step in range(4):
        canvas = moved_canvas(canvas, motion_between(panned(photo, 5 * step), panned(photo, 5 * step + 5)))
    apart = np.abs(canvas - (places(200, 300) + np.array([20, 0])))
    # What came in lies beyond the first frame, and not on top of it.
    assert apart[30:-30, 30:].mean() < 1.5
    assert canvas[100, -1, 0] == pytest.approx(319, abs=2.5)

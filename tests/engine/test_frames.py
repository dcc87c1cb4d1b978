"""What a film needs of the engine: grounds that move, and statistics that follow."""

import numpy as np
import pytest

from impasto import StylizeOptions, load
from impasto.engine.given import ground, ground_on
from impasto.engine.raster import Window, resized
from impasto.engine.statistics import Following

OPTIONS = StylizeOptions(precision="fp32")


@pytest.fixture(scope="module")
def painter():
    return load("adain")


def places(height, width):
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)))[None].astype(np.float32)


def pictures(height=93, width=130):
    small = np.random.default_rng(0).random((2, 3, 12, 16), np.float32)
    return np.split(resized(small, height, width), 2)


@pytest.mark.parametrize("size", [(93, 130), (40, 56)])
@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_a_canvas_that_does_not_move_is_the_usual_ground(block, size):
    """At whatever size the picture is painted, and in each of its tiles."""
    step = 2 ** (block - 1)
    height, width = (-(-(side - 8) // step) for side in size)
    found = ground_on(places(93, 130), size, Window(8, 8, *size), block)
    np.testing.assert_array_equal(found, ground(height, width, block, 8 // step, 8 // step))


@pytest.mark.parametrize("block", [2, 4])
def test_the_ground_moves_with_the_canvas(block):
    step = 2 ** (block - 1)
    canvas = places(96, 128) + np.array([2 * step, -3 * step], np.float32).reshape(1, 2, 1, 1)
    moved = ground_on(canvas, (96, 128), Window(0, 0, 96, 128), block)
    still = ground(96 // step, 128 // step + 2, block)
    np.testing.assert_array_equal(moved[..., 3:, :], still[..., :-3, 2:])


def test_a_frame_that_follows_nothing_is_a_picture(painter):
    photo, style = pictures()
    alone = painter(photo, [style], OPTIONS)
    frame = painter.paint_frame(photo, [style], OPTIONS, following=Following(), canvas=places(93, 130))
    np.testing.assert_allclose(frame, alone, atol=2e-4)


def test_statistics_follow_in_the_share(painter):
    photo, style = pictures()
    lighter = (photo * np.float32(0.5) + np.float32(0.4)).clip(0, 1)
    first, own = Following(), Following()
    painter.paint_frame(photo, [style], OPTIONS, following=first)
    painter.paint_frame(lighter, [style], OPTIONS, following=own)
    between = Following(first.used, 0.25)
    painted = painter.paint_frame(lighter, [style], OPTIONS, following=between)
    # The colours come first: what the network sees depends on those that were followed.
    for kind in (0, 1):
        seen = [following.used[0]["colours"][kind] for following in (first, own, between)]
        np.testing.assert_allclose(seen[2], 0.75 * seen[0] + 0.25 * seen[1], rtol=1e-5)
    assert np.abs(painted - painter(lighter, [style], OPTIONS)).mean() > 0.005


def test_large_frames_follow_in_every_octave(painter):
    photo, style = pictures(200, 260)
    options = StylizeOptions(stroke=0.1, precision="fp32")
    following = Following()
    painter.paint_frame(photo, [style], options, following=following)
    again = Following(following.used, 0.0)
    painter.paint_frame(photo * np.float32(0.5), [style], options, following=again)
    assert len(following.used) == 3
    for before, after in zip(following.used, again.used, strict=True):
        for name in before:
            np.testing.assert_array_equal(before[name][0], after[name][0])


def test_strokes_move_with_the_canvas(painter):
    """In a plain picture nothing but the ground decides."""
    _, style = pictures()
    plain = np.full((1, 3, 96, 128), 0.5, np.float32)
    still, moved = (
        painter.paint_frame(plain, [style], OPTIONS, following=Following(), canvas=places(96, 128) + np.float32(shift))
        for shift in (0, 16)
    )
    inner, shifted = np.s_[..., 24:56, 24:88], still[..., 40:72, 40:104]
    assert np.abs(moved[inner] - shifted).mean() < 0.2 * np.abs(moved[inner] - still[inner]).mean()

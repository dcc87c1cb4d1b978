"""What a film needs of the method adain: grounds that move, and statistics that follow."""

import pytest
import torch

from impasto import StylizeOptions, load
from impasto.losses.feature_statistics import mean_std
from impasto.methods import Following, FrameStylizer
from impasto.methods.adain.network import ground, ground_on, own_statistics

CPU = torch.device("cpu")
OPTIONS = StylizeOptions(precision="fp32")


@pytest.fixture(scope="module")
def painter():
    return load("adain")


def places(height, width):
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([columns, rows])[None].float()


def pictures():
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(2, 3, 12, 16, generator=generator)
    photo, style = torch.nn.functional.interpolate(small, (93, 130), mode="bicubic").clamp(0, 1).split(1)
    return photo, style


@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_a_canvas_that_does_not_move_is_the_usual_ground(block):
    size = -(-93 >> (block - 1)), -(-130 >> (block - 1))
    assert torch.equal(ground_on(places(93, 130), size, block), ground(*size, block, CPU))


@pytest.mark.parametrize("block", [2, 4])
def test_the_ground_moves_with_the_canvas(block):
    step = 2 ** (block - 1)
    moved = ground_on(
        places(96, 128) + torch.tensor([2.0 * step, 3.0 * step]).view(1, 2, 1, 1), (96 // step, 128 // step), block
    )
    still = ground(96 // step + 3, 128 // step + 2, block, CPU)
    assert torch.equal(moved, still[..., 3:, 2:])


def test_a_frame_that_follows_nothing_is_a_picture(painter):
    assert isinstance(painter, FrameStylizer)
    photo, style = pictures()
    alone = painter(photo, [style], OPTIONS)
    frame = painter.paint_frame(photo, [style], OPTIONS, following=Following(), canvas=places(93, 130))
    torch.testing.assert_close(frame, alone, atol=1e-4, rtol=0)


def test_statistics_by_one_kernel():
    features = torch.rand(1, 5, 7, 9, generator=torch.Generator().manual_seed(0)) * 3 - 1
    for found, wanted in zip(own_statistics(features), mean_std(features), strict=True):
        torch.testing.assert_close(found, wanted)


def test_statistics_follow_in_the_share(painter):
    photo, style = pictures()
    lighter = (photo * 0.5 + 0.4).clamp(0, 1)
    first, own = Following(), Following()
    painter.paint_frame(photo, [style], OPTIONS, following=first)
    painter.paint_frame(lighter, [style], OPTIONS, following=own)
    between = Following(first.used, 0.25)
    painted = painter.paint_frame(lighter, [style], OPTIONS, following=between)
    for number, seen in enumerate(between.used):
        for name, pair in seen.items():
            for k in (0, 1):
                wanted = 0.75 * first.used[number][name][k] + 0.25 * own.used[number][name][k]
                torch.testing.assert_close(pair[k], wanted)
        # The colours come first: what the network sees depends on those that were followed.
        if number == 0:
            break
    assert (painted - painter(lighter, [style], OPTIONS)).abs().mean() > 0.005


def test_large_frames_follow_in_every_octave(painter):
    photo, style = pictures()
    photo = torch.nn.functional.interpolate(photo, (200, 260), mode="bicubic").clamp(0, 1)
    following = Following()
    painter.paint_frame(photo, [style], StylizeOptions(stroke=0.1, precision="fp32"), following=following)
    again = Following(following.used, 0.0)
    painter.paint_frame(photo * 0.5, [style], StylizeOptions(stroke=0.1, precision="fp32"), following=again)
    assert len(following.used) == 3
    for before, after in zip(following.used, again.used, strict=True):
        for name in before:
            assert torch.equal(before[name][0], after[name][0])


def test_strokes_move_with_the_canvas(painter):
    """In a plain picture nothing but the ground decides."""
    _, style = pictures()
    plain = torch.full((1, 3, 96, 128), 0.5)
    still, moved = (
        painter.paint_frame(plain, [style], OPTIONS, following=Following(), canvas=places(96, 128) + shift)
        for shift in (0.0, 16.0)
    )
    inner = (slice(None), slice(None), slice(24, 56), slice(24, 88))
    shifted = still[..., 40:72, 40:104]
    assert (moved[inner] - shifted).abs().mean() < 0.2 * (moved[inner] - still[inner]).abs().mean()

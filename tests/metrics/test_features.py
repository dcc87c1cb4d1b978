"""Distances in features, of colours, along a flow, and of held-out pictures: closed forms and traps."""

import math

import pytest
import torch

from impasto.errors import DataError, OptionError
from impasto.metrics import (
    colour_histogram_distance,
    content_distance,
    gram_distance,
    held_out,
    is_better,
    larger_is_better,
    lpips,
    psnr,
    ssim,
    style_distance,
    warping_error,
)
from impasto.metrics.held_out import rounded


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_content_distance_is_relative():
    target = {"a": random(2, 3, 4, 5), "b": random(2, 6, 2, 2, seed=1)}
    assert content_distance(target, target).tolist() == [0, 0]
    nothing = {name: torch.zeros_like(value) for name, value in target.items()}
    assert content_distance(nothing, target) == pytest.approx(torch.ones(2, dtype=torch.float64))
    found = {"a": target["a"] * 1.5, "b": target["b"]}
    assert content_distance(found, target) == pytest.approx(torch.full((2,), 0.125, dtype=torch.float64))


def test_style_distances_see_no_places_and_no_sizes():
    target = {"a": random(1, 3, 4, 6)}
    mixed = {"a": target["a"].flatten(2)[:, :, torch.randperm(24)].view(1, 3, 4, 6)}
    twice = {"a": target["a"].repeat(1, 1, 2, 1)}
    for measure in (style_distance, gram_distance):
        assert float(measure(mixed, target)) == pytest.approx(0, abs=1e-12)
        assert float(measure(twice, target)) == pytest.approx(0, abs=1e-12)
    assert float(content_distance(mixed, target)) > 0.01


def test_style_distance_from_its_definition():
    x, y = random(1, 3, 4, 6), random(1, 3, 5, 5, seed=1)
    s, t = (torch.cat([v.mean((2, 3)), v.std((2, 3), correction=0)], 1) for v in (x, y))
    assert float(style_distance({"a": x}, {"a": y})) == pytest.approx(float(((s - t) ** 2).sum() / (t**2).sum()))


def test_gram_distance_from_its_definition():
    x, y = random(1, 3, 4, 6), random(1, 3, 5, 5, seed=1)
    g, t = (torch.einsum("nchw,ndhw->cd", v, v) / (v.shape[2] * v.shape[3]) for v in (x, y))
    assert float(gram_distance({"a": x}, {"a": y})) == pytest.approx(float(((g - t) ** 2).sum() / (t**2).sum()))


def test_layers_that_do_not_compare_are_refused():
    with pytest.raises(OptionError, match="same layers"):
        content_distance({"a": random(1, 2, 3, 3)}, {"b": random(1, 2, 3, 3)})
    with pytest.raises(OptionError, match="do not compare"):
        content_distance({"a": random(1, 2, 3, 3)}, {"a": random(1, 2, 4, 3)})
    with pytest.raises(OptionError, match="same layers"):
        content_distance({}, {})


@pytest.mark.parametrize("measure", [content_distance, style_distance, gram_distance])
def test_features_that_say_nothing_are_refused(measure):
    with pytest.raises(OptionError, match="not numbers"):
        measure({"a": random(1, 2, 3, 3)}, {"a": random(1, 2, 3, 3) * float("nan")})
    with pytest.raises(OptionError, match=r"\(N, C, H, W\), not \(2, 3\)"):
        measure({"a": random(2, 3)}, {"a": random(2, 3)})


def test_pictures_that_say_nothing_are_refused():
    x, broken = random(1, 3, 4, 4), torch.full((1, 3, 4, 4), float("nan"))
    with pytest.raises(OptionError, match="not nan"):
        colour_histogram_distance(x, broken)
    with pytest.raises(OptionError, match="not numbers"):
        lpips({"a": x}, {"a": broken}, {"a": torch.ones(3)})
    with pytest.raises(OptionError, match="not nan"):
        warping_error(torch.cat([x, broken]), torch.zeros(1, 2, 4, 4))
    with pytest.raises(OptionError, match="not numbers"):
        warping_error(torch.cat([x, x]), torch.full((1, 2, 4, 4), float("nan")))


def test_lpips_from_its_definition():
    x, y, head = random(2, 3, 4, 5), random(2, 3, 4, 5, seed=1), torch.tensor([0.5, 0.0, 2.0])
    expected = []
    for one, other in zip(x, y, strict=True):
        total = 0.0
        for row in range(4):
            for column in range(5):
                u, v = one[:, row, column], other[:, row, column]
                total += float((head * (u / u.norm() - v / v.norm()) ** 2).sum()) / 20
        expected.append(total)
    assert lpips({"a": x}, {"a": y}, {"a": head}).tolist() == pytest.approx(expected, rel=1e-5)
    both = lpips({"a": x, "b": x}, {"a": y, "b": y}, {"a": head, "b": head})
    assert both.tolist() == pytest.approx([2 * value for value in expected], rel=1e-5)
    assert lpips({"a": x}, {"a": 3 * x}, {"a": head}).tolist() == pytest.approx([0, 0], abs=1e-9)
    with pytest.raises(OptionError, match="the layer b"):
        lpips({"a": x}, {"a": y}, {"b": head})


def test_colours_in_other_places_are_the_same_colours():
    a = random(2, 3, 8, 8)
    assert colour_histogram_distance(a, a.flip(3)).tolist() == [0, 0]
    assert colour_histogram_distance(a, a.repeat(1, 1, 1, 2)).tolist() == [0, 0]


def test_colour_distances_of_known_shares():
    black, white = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    half = torch.cat([black, white], 3)
    assert float(colour_histogram_distance(black, white)) == 1
    assert float(colour_histogram_distance(black, half)) == pytest.approx(math.sqrt(1 - math.sqrt(0.5)))
    # A joint histogram: the three channels of red and of cyan taken singly would be half of each other's.
    red, green = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    red[:, 0], green[:, 1] = 1, 1
    assert float(colour_histogram_distance(red, green)) == 1


def test_a_video_that_only_moves_does_not_flicker():
    wide = random(1, 3, 12, 40)
    frames = torch.cat([wide[..., 3 * t : 3 * t + 20] for t in range(4)])
    flow = torch.zeros(3, 2, 12, 20)
    flow[:, 0] = 3  # what is at x now was three pixels further right
    assert warping_error(frames, flow) == pytest.approx(torch.zeros(3), abs=1e-9)
    assert float(warping_error(frames, torch.zeros_like(flow)).min()) > 0.05
    down = torch.cat([wide[..., 2 * t : 2 * t + 6, :20] for t in range(3)])
    flow = torch.zeros(2, 2, 6, 20)
    flow[:, 1] = 2
    assert warping_error(down, flow) == pytest.approx(torch.zeros(2), abs=1e-9)


def test_flicker_is_measured_where_it_can_be_seen():
    frames = torch.full((3, 3, 6, 8), 0.5)
    frames[1, :, :, :4] += 0.2
    flow, visible = torch.zeros(2, 2, 6, 8), torch.ones(2, 1, 6, 8)
    assert warping_error(frames, flow) == pytest.approx(torch.full((2,), 0.02))
    visible[0, :, :, :4] = 0
    assert warping_error(frames, flow, visible) == pytest.approx(torch.tensor([0.0, 0.02]))
    outside = torch.full_like(flow, 100.0)
    assert warping_error(frames, outside).isnan().all()
    with pytest.raises(OptionError, match="do not belong together"):
        warping_error(frames, flow[:1])
    with pytest.raises(OptionError, match="visible is of"):
        warping_error(frames, flow, visible[:1])


def test_held_out_measures_are_means_of_what_there_and_back_make():
    pictures = [random(1, 3, 16, 16, seed=seed) for seed in range(3)]
    found = held_out(pictures, lambda x: 1 - x, lambda x: 1 - x * 0.9)
    painted = [rounded(1 - x) for x in pictures]
    again = [rounded(1 - x * 0.9) for x in painted]
    assert found == {
        "cycle PSNR": pytest.approx(sum(float(psnr(a, b)) for a, b in zip(again, pictures, strict=True)) / 3),
        "cycle SSIM": pytest.approx(sum(float(ssim(a, b)) for a, b in zip(again, pictures, strict=True)) / 3),
        "structure SSIM": pytest.approx(sum(float(ssim(a, b)) for a, b in zip(painted, pictures, strict=True)) / 3),
    }


def test_what_a_generator_hides_below_8_bits_does_not_count():
    picture = rounded(random(1, 3, 16, 16))
    hidden = held_out([picture], lambda x: 0.5 + (x - 0.5) * 1e-3, lambda x: (x - 0.5) * 1e3 + 0.5)
    assert hidden["cycle PSNR"] < 15


def test_held_out_pictures_of_a_few_pixels_have_no_ssim():
    assert set(held_out([random(1, 3, 8, 8)], lambda x: 1 - x, lambda x: x)) == {"cycle PSNR"}
    with pytest.raises(DataError, match="no held-out pictures"):
        held_out([], lambda x: x, lambda x: x)


def test_rounding_is_to_the_nearest_level():
    assert (rounded(torch.tensor([0.4999, 0.5, 1.2, -0.1])) * 255).tolist() == pytest.approx([127, 128, 255, 0])


@pytest.mark.parametrize(
    ("measure", "larger"), [("PSNR", True), ("held out A/cycle SSIM", True), ("LPIPS", False), ("FID-lite", False)]
)
def test_which_way_is_better(measure, larger):
    assert larger_is_better(measure) is larger
    assert (is_better(measure, 2.0, 1.0), is_better(measure, 1.0, 2.0)) == (larger, not larger)
    assert not is_better(measure, 1.0, 1.0)

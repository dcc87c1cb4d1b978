"""Distances in features, and of held-out pictures: closed forms and traps."""

import pytest
import torch

from impasto.errors import DataError, OptionError
from impasto.metrics import (
    content_distance,
    gram_distance,
    held_out,
    is_better,
    larger_is_better,
    lpips,
    psnr,
    ssim,
    style_distance,
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


def statistics(x):
    return torch.cat([x.mean((2, 3)), x.std((2, 3), correction=0)], 1)


def gram(x):
    return torch.einsum("nchw,ndhw->cd", x, x) / (x.shape[2] * x.shape[3])


@pytest.mark.parametrize(("measure", "seen"), [(style_distance, statistics), (gram_distance, gram)])
def test_style_distances_from_their_definitions_see_no_places_and_no_sizes(measure, seen):
    x, y = random(1, 3, 4, 6), random(1, 3, 5, 5, seed=1)
    expected = float((seen(x) - seen(y)).square().sum() / seen(y).square().sum())
    assert float(measure({"a": x}, {"a": y})) == pytest.approx(expected)
    mixed = x.flatten(2)[:, :, torch.randperm(24)].view(1, 3, 4, 6)
    for same in (mixed, x.repeat(1, 1, 2, 1)):
        assert float(measure({"a": same}, {"a": x})) == pytest.approx(0, abs=1e-12)
    assert float(content_distance({"a": mixed}, {"a": x})) > 0.01


X = random(1, 3, 4, 4)


@pytest.mark.parametrize("measure", [content_distance, style_distance, gram_distance])
@pytest.mark.parametrize(
    ("found", "target", "said"),
    [
        ({"a": X}, {"b": X}, "same layers"),
        ({}, {}, "same layers"),
        ({"a": X}, {"a": random(1, 2, 3, 3)}, "do not compare"),
        ({"a": X}, {"a": X * float("nan")}, "not numbers"),
        ({"a": random(2, 3)}, {"a": random(2, 3)}, r"\(N, C, H, W\), not \(2, 3\)"),
    ],
)
def test_features_that_say_nothing_are_refused(measure, found, target, said):
    with pytest.raises(OptionError, match=said):
        measure(found, target)


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
    with pytest.raises(OptionError, match="not numbers"):
        lpips({"a": x}, {"a": x * float("nan")}, {"a": head})


def test_held_out_measures_are_means_of_what_there_and_back_make():
    pictures = [random(1, 3, 16, 16, seed=seed) for seed in range(3)]
    found = held_out(pictures, lambda x: 1 - x, lambda x: 1 - x * 0.9)
    painted = [rounded(1 - x) for x in pictures]
    again = [rounded(1 - x * 0.9) for x in painted]
    expected = {
        name: sum(float(measure(a, b)) for a, b in zip(made, pictures, strict=True)) / 3
        for name, measure, made in (
            ("cycle PSNR", psnr, again), ("cycle SSIM", ssim, again), ("structure SSIM", ssim, painted)
        )
    }  # fmt: skip
    assert found == pytest.approx(expected)


def test_what_a_generator_hides_below_8_bits_does_not_count():
    picture = rounded(random(1, 3, 16, 16))
    hidden = held_out([picture], lambda x: 0.5 + (x - 0.5) * 1e-3, lambda x: (x - 0.5) * 1e3 + 0.5)
    assert hidden["cycle PSNR"] < 15
    levels = rounded(torch.tensor([0.4999, 0.5, 1.2, -0.1])) * 255
    assert levels.tolist() == pytest.approx([127, 128, 255, 0]), "the nearest, not the next lower one"


def test_held_out_pictures_of_a_few_pixels_have_no_ssim():
    assert set(held_out([random(1, 3, 8, 8)], lambda x: 1 - x, lambda x: x)) == {"cycle PSNR"}
    with pytest.raises(DataError, match="no held-out pictures"):
        held_out([], lambda x: x, lambda x: x)


@pytest.mark.parametrize(
    ("measure", "larger"), [("PSNR", True), ("held out A/cycle SSIM", True), ("LPIPS", False), ("FID-lite", False)]
)
def test_which_way_is_better(measure, larger):
    assert larger_is_better(measure) is larger
    assert (is_better(measure, 2.0, 1.0), is_better(measure, 1.0, 2.0)) == (larger, not larger)
    assert not is_better(measure, 1.0, 1.0)

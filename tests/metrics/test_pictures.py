"""Measures of pictures against their definitions, and the ways in which other programs get them wrong."""

import math

import numpy as np
import pytest
import torch

from impasto.errors import OptionError
from impasto.metrics import colour_histogram_distance, ms_ssim, psnr, ssim, warping_error


def pictures(count=3, height=24, width=31, seed=0):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def naive_similarities(x, y):
    """Means of (SSIM, its contrast and structure) over windows: the Gaussian of Wang et al., 11 x 11, deviation 1.5."""
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(line, line) / line.sum() ** 2

    def smooth(v):
        return np.einsum("chwij,ij->chw", np.lib.stride_tricks.sliding_window_view(v, (11, 11), (1, 2)), window)

    mx, my = smooth(x), smooth(y)
    vx, vy, covariance = smooth(x * x) - mx**2, smooth(y * y) - my**2, smooth(x * y) - mx * my
    contrast = (2 * covariance + 0.03**2) / (vx + vy + 0.03**2)
    return (contrast * (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)).mean(), contrast.mean()


def naive_ssim(a, b):
    return float(naive_similarities(a.double().numpy(), b.double().numpy())[0])


def naive_ms_ssim(a, b):
    """Wang et al. 2003, eq. 7, in numpy: contrast and structure of the four finer scales, all of the coarsest."""
    x, y = a.double().numpy(), b.double().numpy()
    result = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            x, y = (v.reshape(3, v.shape[1] // 2, 2, v.shape[2] // 2, 2).mean((2, 4)) for v in (x, y))
        whole, contrast = naive_similarities(x, y)
        result *= (whole if scale == 4 else contrast) ** weight
    return float(result)


def test_psnr_of_known_differences():
    a = torch.full((2, 3, 8, 8), 0.5)
    assert psnr(a, a + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)) == pytest.approx(
        torch.tensor([20.0, 40.0]), abs=1e-4
    )
    assert psnr(pictures(), pictures()).tolist() == [math.inf] * 3


def test_the_peak_does_not_depend_on_the_pictures():
    a, b = pictures(seed=1), pictures(seed=2)
    dark = psnr(a / 4, b / 4) - psnr(a, b)
    assert dark == pytest.approx(torch.full((3,), 20 * math.log10(4)), abs=1e-4)


def test_ssim_against_its_definition():
    a = pictures(2, 14, 15, seed=1)
    b = (0.7 * a + 0.3 * pictures(2, 14, 15, seed=2)).clamp(0, 1)
    # Of dark ones as well: the range is not read off the pictures.
    for x, y in ((a, b), (a / 10, b / 10)):
        expected = [naive_ssim(one, other) for one, other in zip(x, y, strict=True)]
        assert ssim(x, y).tolist() == pytest.approx(expected, abs=1e-6)


def test_ms_ssim_against_its_definition():
    a = pictures(2, 176, 192, seed=1)
    b = (0.6 * a + 0.4 * pictures(2, 176, 192, seed=2)).clamp(0, 1)
    values = ms_ssim(a, b).tolist()
    assert values == pytest.approx([naive_ms_ssim(x, y) for x, y in zip(a, b, strict=True)], abs=1e-5)
    assert max(values) < 0.95


@pytest.mark.parametrize(("measure", "side"), [(ssim, 10), (ms_ssim, 175)])
def test_too_small_pictures_are_refused(measure, side):
    with pytest.raises(OptionError, match=f"at least {side + 1} pixels a side, not {side} x 200"):
        measure(pictures(1, side, 200), pictures(1, side, 200))


A = pictures(1, 180, 180)


@pytest.mark.parametrize("measure", [psnr, ssim, ms_ssim])
@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (A * 255, A * 255, r"in \[0, 1\], not"),
        (A * 2 - 1, A, r"in \[0, 1\], not -"),
        (A, A * float("nan"), "not nan"),
        (A, A[:, :, :179], "one shape"),
        ((A * 255).byte(), (A * 255).byte(), r"floats \(N, 3, H, W\)"),
        (A[0], A[0], r"floats \(N, 3, H, W\)"),
        (A[:0], A[:0], r"floats \(N, 3, H, W\)"),
        (A.numpy(), A.numpy(), "are tensors, not ndarray"),
    ],
)
def test_what_is_no_pair_of_pictures_is_refused(measure, a, b, said):
    with pytest.raises(OptionError, match=said):
        measure(a, b)


def test_colours_in_other_places_are_the_same_colours():
    a = pictures(2, 8, 8)
    assert colour_histogram_distance(a, a.flip(3)).tolist() == [0, 0]
    assert colour_histogram_distance(a, a.repeat(1, 1, 1, 2)).tolist() == [0, 0]
    with pytest.raises(OptionError, match="not nan"):
        colour_histogram_distance(a, a * float("nan"))


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
    wide = pictures(1, 12, 40)
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
    assert warping_error(frames, torch.full_like(flow, 100.0)).isnan().all(), "all from outside"
    nan = float("nan")
    for arguments, said in (
        ((frames, flow[:1]), "do not belong together"), ((frames, flow, visible[:1]), "visible is of"),
        ((frames * nan, flow), "not nan"), ((frames, flow * nan), "not numbers"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=said):
            warping_error(*arguments)

"""PSNR, SSIM and MS-SSIM against their definitions, and the ways in which other programs get them wrong."""

import math

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio

from impasto.errors import OptionError
from impasto.metrics import ms_ssim, psnr, ssim


def pictures(count=3, height=24, width=31, seed=0):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def windows():
    """The Gaussian of Wang et al.: 11 x 11, deviation 1.5, sum 1."""
    x = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    return np.outer(x, x) / x.sum() ** 2


def naive_ssim(a, b):
    """Window by window, in float64."""
    a, b, weights = a.double().numpy(), b.double().numpy(), windows()
    c1, c2 = 0.01**2, 0.03**2
    values = []
    for top in range(a.shape[1] - 10):
        for left in range(a.shape[2] - 10):
            for channel in range(3):
                x = a[channel, top : top + 11, left : left + 11]
                y = b[channel, top : top + 11, left : left + 11]
                mx, my = (weights * x).sum(), (weights * y).sum()
                vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
                cov = (weights * (x - mx) * (y - my)).sum()
                values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(values))


def test_psnr_of_a_constant_difference():
    a = torch.full((2, 3, 8, 8), 0.5)
    b = a + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    assert psnr(a, b) == pytest.approx(torch.tensor([20.0, 40.0]), abs=1e-4)


def test_psnr_of_equal_pictures_is_infinite():
    assert psnr(pictures(), pictures()).tolist() == [math.inf] * 3


def test_psnr_against_torchmetrics_told_its_range():
    a, b = pictures(seed=1) / 3, pictures(seed=2) / 3
    expected = peak_signal_noise_ratio(a, b, data_range=1.0, dim=(1, 2, 3), reduction="none")
    assert psnr(a, b) == pytest.approx(expected, abs=1e-4)


def test_psnr_is_per_picture_and_not_of_the_pooled_error():
    a = torch.zeros(2, 3, 8, 8)
    b = torch.stack([torch.full((3, 8, 8), 0.001), torch.full((3, 8, 8), 0.1)])
    assert float(psnr(a, b).mean()) == pytest.approx((60 + 20) / 2, abs=1e-3)
    pooled = -10 * math.log10(float((a - b).square().mean()))
    assert pooled == pytest.approx(23.0, abs=0.02)


def test_the_peak_does_not_depend_on_the_pictures():
    a, b = pictures(seed=1), pictures(seed=2)
    dark = psnr(a / 4, b / 4) - psnr(a, b)
    assert dark == pytest.approx(torch.full((3,), 20 * math.log10(4)), abs=1e-4)


def test_truncation_instead_of_rounding_costs_decibels():
    a = pictures(1, 64, 64)
    rounded, truncated = (a * 255).round() / 255, (a * 255).floor() / 255
    # Uniform errors: of variance 1/12, and with a mean of 1/2 besides, together 1/3.
    assert float(psnr(a, rounded)) == pytest.approx(10 * math.log10(12 * 255**2), abs=0.1)
    assert float(psnr(a, truncated)) == pytest.approx(10 * math.log10(3 * 255**2), abs=0.1)


def test_ssim_against_its_definition():
    a = pictures(2, 14, 15, seed=1)
    b = (0.7 * a + 0.3 * pictures(2, 14, 15, seed=2)).clamp(0, 1)
    assert ssim(a, b).tolist() == pytest.approx([naive_ssim(x, y) for x, y in zip(a, b, strict=True)], abs=1e-6)


def test_ssim_does_not_read_its_range_off_the_pictures():
    a, b = pictures(1, seed=1) / 10, pictures(1, seed=2) / 10
    assert float(ssim(a, b)) == pytest.approx(naive_ssim(a[0], b[0]), abs=1e-6)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_symmetry_mirroring_and_independence_of_the_batch(measure):
    a, b = pictures(seed=1), pictures(seed=2)
    values = measure(a, b)
    assert measure(b, a) == pytest.approx(values, abs=1e-6)
    assert measure(a.flip(3), b.flip(3)) == pytest.approx(values, abs=1e-5)
    assert torch.cat([measure(x[None], y[None]) for x, y in zip(a, b, strict=True)]) == pytest.approx(values, abs=1e-6)
    assert values.shape == (3,)


def test_equal_pictures_are_1():
    a = pictures(1, 176, 176)
    assert float(ssim(a, a)) == pytest.approx(1)
    assert float(ms_ssim(a, a)) == pytest.approx(1)


def naive_ms_ssim(a, b):
    """Wang et al. 2003, eq. 7, in numpy: contrast and structure of the four finer scales, all of the coarsest."""
    x, y = a.double().numpy(), b.double().numpy()
    result = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            x, y = (v.reshape(3, v.shape[1] // 2, 2, v.shape[2] // 2, 2).mean((2, 4)) for v in (x, y))

        def smooth(v):
            return np.einsum("chwij,ij->chw", np.lib.stride_tricks.sliding_window_view(v, (11, 11), (1, 2)), windows())

        mx, my = smooth(x), smooth(y)
        vx, vy, cov = smooth(x * x) - mx**2, smooth(y * y) - my**2, smooth(x * y) - mx * my
        part = (2 * cov + 0.03**2) / (vx + vy + 0.03**2)
        if scale == 4:
            part = part * (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)
        result *= part.mean() ** weight
    return float(result)


def test_ms_ssim_against_its_definition():
    a = pictures(2, 176, 192, seed=1)
    b = (0.6 * a + 0.4 * pictures(2, 176, 192, seed=2)).clamp(0, 1)
    values = ms_ssim(a, b).tolist()
    assert values == pytest.approx([naive_ms_ssim(x, y) for x, y in zip(a, b, strict=True)], abs=1e-5)
    assert max(values) < 0.95


def test_ms_ssim_of_flat_pictures_is_the_last_scales_luminance():
    a, b = torch.full((1, 3, 176, 176), 0.4), torch.full((1, 3, 176, 176), 0.6)
    luminance = (2 * 0.24 + 1e-4) / (0.16 + 0.36 + 1e-4)
    assert float(ms_ssim(a, b)) == pytest.approx(luminance**0.1333, abs=1e-6)


@pytest.mark.parametrize(("measure", "side"), [(ssim, 10), (ms_ssim, 175)])
def test_too_small_pictures_are_refused(measure, side):
    with pytest.raises(OptionError, match=f"at least {side + 1} pixels a side, not {side} x 200"):
        measure(pictures(1, side, 200), pictures(1, side, 200))


@pytest.mark.parametrize("measure", [psnr, ssim, ms_ssim])
def test_what_is_no_pair_of_pictures_is_refused(measure):
    a = pictures(1, 180, 180)
    with pytest.raises(OptionError, match=r"in \[0, 1\], not"):
        measure(a * 255, a * 255)
    with pytest.raises(OptionError, match=r"in \[0, 1\], not -"):
        measure(a * 2 - 1, a)
    with pytest.raises(OptionError, match="one shape"):
        measure(a, a[:, :, :179])
    with pytest.raises(OptionError, match=r"floats \(N, 3, H, W\)"):
        measure((a * 255).byte(), (a * 255).byte())
    with pytest.raises(OptionError, match=r"floats \(N, 3, H, W\)"):
        measure(a[0], a[0])
    with pytest.raises(OptionError, match="not nan"):
        measure(a, a * float("nan"))
    with pytest.raises(OptionError, match=r"floats \(N, 3, H, W\)"):
        measure(a[:0], a[:0])
    with pytest.raises(OptionError, match="are tensors, not ndarray"):
        measure(a.numpy(), a.numpy())

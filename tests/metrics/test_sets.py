"""Distances of sets against torchmetrics and closed forms, and what they must not depend on."""

from functools import partial

import numpy as np
import pytest
import torch
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from impasto.errors import OptionError
from impasto.metrics import art_fid, frechet_distance, kernel_distance
from impasto.metrics.sets import rank_warning


def features(count, size=6, seed=0, shift=0.0):
    random = torch.Generator().manual_seed(seed)
    mix = torch.randn(size, size, generator=random)
    return torch.randn(count, size, generator=random) @ mix + shift


@pytest.mark.parametrize(("n", "m"), [(40, 50), (5, 50), (4, 5)])
def test_frechet_distance_against_torchmetrics(n, m):
    a, b = features(n, seed=1), features(m, seed=2, shift=0.5)
    moments = [v for x in (a.double(), b.double()) for v in (x.mean(0), torch.cov(x.T))]
    expected = float(_compute_fid(*moments))
    # Roots of eigenvalues that are 0 but for rounding cost the reference half of its digits.
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-8 if min(n, m) > a.shape[1] else 1e-4)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_known_gaussians():
    # The same points three times as wide, and moved by 10.
    a = torch.tensor([[-2.0], [2.0], [-(2.0**0.5)], [2.0**0.5]])
    variance = float(a.var())
    assert frechet_distance(a, 3 * a + 10) == pytest.approx(100 + (3 - 1) ** 2 * variance, rel=1e-6)


def test_frechet_distance_of_few_pictures_is_too_large_and_said_to_be():
    same = torch.randn(4000, 64, generator=torch.Generator().manual_seed(3))
    assert frechet_distance(same[:16], same[16:32]) > 10 * frechet_distance(same[:2000], same[2000:])
    assert "no full rank" in (rank_warning(64, 64) or "")
    assert rank_warning(65, 64) is None


def test_kernel_distance_against_torchmetrics():
    a, b = features(12, seed=1), features(12, seed=2, shift=0.5)
    expected = float(poly_mmd(a.double(), b.double()))
    assert kernel_distance(a, b) == (pytest.approx(expected, rel=1e-9), pytest.approx(0, abs=1e-9))


def test_the_deviation_is_that_of_the_subsets():
    a, b = features(9, seed=1).double(), features(8, seed=2, shift=1).double()
    random = torch.Generator().manual_seed(4)
    values = []
    for _ in range(6):
        some, others = (x[torch.randperm(len(x), generator=random)[:5]] for x in (a, b))
        values.append(float(poly_mmd(some, others)))
    expected = (pytest.approx(np.mean(values), rel=1e-9), pytest.approx(np.std(values), rel=1e-9))
    assert kernel_distance(a, b, subsets=6, subset_size=5, seed=4) == expected


def test_subsets_are_of_100_or_of_all_and_depend_on_the_seed_alone():
    a, b = features(150, seed=1), features(120, seed=2)
    assert kernel_distance(a, b, subsets=4) == kernel_distance(a, b, subsets=4, subset_size=100)
    assert kernel_distance(a, b, subsets=4) != kernel_distance(a, b, subsets=4, seed=1)
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    kernel_distance(a, b, subsets=4)
    assert torch.rand(1) == before
    small = features(7, seed=3)
    assert kernel_distance(small, b, subsets=4) == kernel_distance(small, b, subsets=4, subset_size=7)


@pytest.mark.parametrize(
    ("measure", "a", "b", "said"),
    [
        (frechet_distance, features(1), features(5), "at least 2 features"),
        (frechet_distance, features(5), features(5, 7), "of one size"),
        (partial(kernel_distance, subset_size=6), features(5), features(9), "subsets are of 2 to 5"),
        (kernel_distance, features(5), features(5, 7), "features of one size"),
        (frechet_distance, features(5), torch.full((5, 6), float("nan")), "not numbers"),
        (kernel_distance, features(5), torch.full((5, 6), float("inf")), "not numbers"),
    ],
)
def test_what_has_no_distance_is_refused(measure, a, b, said):
    with pytest.raises(OptionError, match=said):
        measure(a, b)


def test_art_fid():
    assert (art_fid(0.5, 19), art_fid(0, 0)) == (30, 1)
    for wrong in ((-0.1, 3), (1, float("nan"))):
        with pytest.raises(OptionError, match="0 or more, not"):
            art_fid(*wrong)

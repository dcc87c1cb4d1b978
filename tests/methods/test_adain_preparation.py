"""What a photo is made of before it is painted: the painting's colours, and masses with edges."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.engine import colours as engine_colours
from impasto.engine.colours import FLAT
from impasto.methods.adain.preparation import ROUNDS, colours, recoloured, smoothed, transport, within


def picture(height: int, width: int, seed: int, count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


# --- colours ---------------------------------------------------------------------------------------------------------


def test_colours_are_mean_and_covariance_of_each_picture() -> None:
    pictures = picture(7, 9, 0, count=2)
    mean, covariance = colours(pictures)
    for number, one in enumerate(pictures):
        pixels = one.flatten(1)
        torch.testing.assert_close(mean[number], pixels.mean(1))
        torch.testing.assert_close(covariance[number], torch.cov(pixels, correction=0))


def test_shares_say_how_much_each_position_counts() -> None:
    pictures, shares = picture(6, 8, 0, count=2), torch.zeros(1, 1, 6, 8)
    shares[..., :3] = 0.4
    for found, expected in zip(colours(pictures, shares), colours(pictures[..., :3]), strict=True):
        torch.testing.assert_close(found, expected)


def test_recoloured_has_the_targets_mean_and_covariance() -> None:
    photos, target = picture(40, 50, 0, count=2), colours(0.2 + 0.5 * picture(30, 30, 1))
    mean, covariance = colours(recoloured(photos, colours(photos), target))
    torch.testing.assert_close(mean, target[0].expand(2, 3), atol=1e-5, rtol=0)
    # All but for what keeps flat colours from being torn apart.
    torch.testing.assert_close(covariance, target[1].expand(2, 3, 3), atol=10 * FLAT, rtol=0)
    assert float((covariance - colours(photos)[1]).abs().max()) > 100 * FLAT


def test_recoloured_by_what_is_visible() -> None:
    photo, target, opacity = picture(40, 50, 0), colours(picture(30, 30, 1)), torch.zeros(1, 1, 40, 50)
    opacity[..., 10:, :20] = 1
    photo[..., 30:] = 1.0
    mean, covariance = colours(recoloured(photo, colours(photo, opacity), target), opacity)
    torch.testing.assert_close(mean, target[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(covariance, target[1], atol=20 * FLAT, rtol=0)


def test_the_transport_is_the_symmetric_one() -> None:
    """A S A = C with A symmetric and positive is the map of Monge and Kantorovitch, and there is only one."""
    S, C = (colours(picture(30, 30, seed, count=3))[1] for seed in (0, 1))
    A = transport(S, C).double()
    floor = FLAT * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(A @ (S + floor) @ A, C + floor, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(A, A.transpose(1, 2), atol=1e-5, rtol=1e-5)
    assert bool((torch.linalg.eigvalsh(A) > 0).all())


def by_eigenvalues(S: Tensor, C: Tensor) -> Tensor:
    """The same, by what a GPU would have to wait for."""

    def root(matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        return vectors @ torch.diag_embed(values.sqrt()) @ vectors.mT

    floor = FLAT * torch.eye(3, dtype=torch.float64)
    half = root(S.double() + floor)
    inverse = torch.linalg.inv(half)
    return inverse @ root(half @ (C.double() + floor) @ half) @ inverse


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.1, 0.25])
@pytest.mark.parametrize("other", [0.0, 0.01, 0.1, 0.25])
def test_black_and_white_in_black_and_white_is_no_special_case(spread: float, other: float) -> None:
    """Variances that are decades apart, in photo and painting, up to those of nothing but black and white."""
    S, C = (torch.full((1, 3, 3), value) for value in (spread, other))
    expected = by_eigenvalues(S, C)
    torch.testing.assert_close(
        transport(S, C).double(), expected, atol=5e-3 * float(expected.abs().max()), rtol=0
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_covariances_of_any_shape(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    S, C = (
        mix @ mix.mT
        for mix in (0.4 * torch.randn(5, 3, 3, generator=generator) * torch.tensor([1.0, 0.1, 0.01]) for _ in range(2))
    )
    torch.testing.assert_close(transport(S, C).double(), by_eigenvalues(S, C), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("spread", [1.0, 1e-3, 0.0])
def test_its_own_colours_change_nothing(spread: float) -> None:
    photo = 0.5 + spread * (picture(20, 20, 0) - 0.5)
    torch.testing.assert_close(recoloured(photo, colours(photo), colours(photo)), photo, atol=1e-5, rtol=0)


def test_a_photo_in_black_and_white_is_tinted_and_not_torn_apart() -> None:
    noise = 0.002 * torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    grey = picture(40, 40, 0).mean(1, keepdim=True).expand(1, 3, 40, 40)
    target = colours(picture(30, 30, 1))
    tinted, noisy = (recoloured(photo, colours(photo), target) for photo in (grey, grey + noise))
    assert bool(tinted.isfinite().all())
    torch.testing.assert_close(tinted.mean((2, 3)), target[0], atol=1e-5, rtol=0)
    assert float((tinted.amax(1) - tinted.amin(1)).mean()) > 0.02
    # What is stretched without bound would be as colourful as the painting.
    assert float((noisy - tinted).std()) < 0.05


# --- abstraction -----------------------------------------------------------------------------------------------------


def test_a_strong_edge_stays_and_faint_noise_goes() -> None:
    edge = torch.full((1, 3, 48, 48), 0.1)
    edge[..., 24:] = 0.9
    noise = 0.02 * torch.randn(edge.shape, generator=torch.Generator().manual_seed(0))
    plain = smoothed(edge + noise, 4.0)
    assert float((plain - edge)[..., :20].std()) < 0.3 * 0.02
    step = plain.mean((0, 1, 2))
    assert float(step[25] - step[22]) > 0.7
    # A box of the same size leaves a ramp.
    ramp = F.avg_pool2d(F.pad(edge, (4, 4, 4, 4), mode="replicate"), 9, stride=1).mean((0, 1, 2))
    assert float(ramp[25] - ramp[22]) < 0.3


def test_no_radius_leaves_all_of_it_and_a_small_one_nearly() -> None:
    photo = picture(20, 20, 0)
    assert smoothed(photo, 0.0) is photo
    torch.testing.assert_close(smoothed(photo, 1e-4), photo, atol=1e-3, rtol=0)


@pytest.mark.parametrize("radius", [1.0, 2.0, 3.0])
def test_a_fraction_more_of_a_radius_is_a_fraction_more_of_smoothing(radius: float) -> None:
    photo = picture(20, 20, 0) + 0.05 * torch.randn(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    at, just_below, just_above, between, next_one = (
        smoothed(photo, radius + more) for more in (0, -1e-3, 1e-3, 0.5, 1.0)
    )
    for near in (just_below, just_above):
        assert float((near - at).abs().max()) < 1e-3
    assert float((between - at).abs().mean()) < float((next_one - at).abs().mean())
    assert float((between - at).abs().mean()) > 1e-4


@pytest.mark.parametrize(("radius", "reach"), [(1.0, 1), (1.5, 2), (3.0, 3)])
def test_a_pixel_sees_no_further_than_radius_and_rounds(radius: float, reach: int) -> None:
    photo = 0.5 + 0.05 * torch.randn(1, 3, 51, 51, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    other = photo.clone()
    other[..., 25, 25] += 0.2
    changed = (smoothed(other, radius) - smoothed(photo, radius)).abs().amax((0, 1)) > 0
    rows = changed.any(1).nonzero()
    # Every round takes the mean of a square twice.
    assert (int(rows.min()), int(rows.max())) == (25 - 2 * ROUNDS * reach, 25 + 2 * ROUNDS * reach)


def test_more_than_the_picture_is_no_error() -> None:
    assert bool(smoothed(picture(3, 2, 0), 5.0).isfinite().all())


def test_shades_that_a_map_moves_beyond_black_and_white_stay_apart() -> None:
    photo = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    photo[0, :, 0, :2] = torch.tensor([0.0, 1.0])
    moved = within(3 * photo - 1, photo)
    assert moved.min() >= 0
    assert moved.max() <= 1
    shades = torch.linspace(0.1, 0.9, 81).view(1, 1, 1, 81)
    assert within(2 * shades - 0.5, shades).diff().min() > 1e-4
    middle = (photo > 0.4) & (photo < 0.6)
    torch.testing.assert_close(moved[middle], (3 * photo - 1)[middle])
    torch.testing.assert_close(within(photo, photo), photo)
    of_engine = engine_colours.within((3 * photo - 1).numpy(), photo.numpy())
    torch.testing.assert_close(torch.from_numpy(of_engine), moved)

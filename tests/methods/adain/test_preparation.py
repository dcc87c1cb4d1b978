"""What a photo goes through before the network sees it: dirt in training, the painting's colours, masses with edges."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from impasto.engine import preparation as engine
from impasto.engine.preparation import FLAT, ROUNDS, masses, smooth
from impasto.engine.raster import Held, Window, resized
from impasto.engine.statistics import Array
from impasto.losses.feature_statistics import mean_covariance
from impasto.methods.adain.preparation import compressed, recoloured, smoothed, soiled, transport, within


def picture(height: int, width: int, seed: int, count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


def noise(height: int, width: int) -> Array:
    return np.random.default_rng(height * width).random((1, 3, height, width), dtype=np.float32)


# --- dirt ------------------------------------------------------------------------------------------------------------


def grainy(count: int, side: int = 64) -> Tensor:
    """Without black and white, at which Pillow stops."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 8, 8, generator=generator)
    smooth = F.interpolate(coarse, (side, side), mode="bicubic")
    return (0.15 + 0.7 * smooth + 0.02 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


def through_pillow(picture: Tensor, quality: int) -> Tensor:
    pixels = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    return torch.from_numpy(np.array(Image.open(stream))).permute(2, 0, 1).float() / 255


def test_compression_is_that_of_jpeg_and_each_pictures_own() -> None:
    qualities = (20, 60, 90)
    clean = (grainy(3) * 255).round() / 255
    found = compressed(clean, torch.tensor(qualities).view(3, 1, 1, 1).float()).clamp(0, 1)
    for picture, soiled_one, quality in zip(clean, found, qualities, strict=True):
        expected = through_pillow(picture, quality)
        assert float((soiled_one - expected).abs().mean()) < 2 / 255
        # Other than what it came from, and by as much as the real one.
        error, real = (float((one - picture).square().mean().sqrt()) for one in (soiled_one, expected))
        assert error == pytest.approx(real, rel=0.1)


def test_dirt_is_the_generators_and_each_pictures_own() -> None:
    clean = grainy(1, side=32).repeat(64, 1, 1, 1)
    one, same, other = (soiled(clean, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert (float(one.min()) >= 0, float(one.max()) <= 1) == (True, True)
    untouched = sum(torch.equal(found, clean[0]) for found in one)
    assert 2 <= untouched <= 30, "of 64, a fifth on average"
    assert len({found.numpy().tobytes() for found in one}) == 64 - untouched + 1
    # Dirt, and no other picture.
    assert 0.005 < float((one - clean).abs().mean()) < 0.08


# --- colours ---------------------------------------------------------------------------------------------------------


def test_recoloured_has_the_targets_mean_and_covariance() -> None:
    photos, target = picture(40, 50, 0, count=2), mean_covariance(0.2 + 0.5 * picture(30, 30, 1))
    mean, covariance = mean_covariance(recoloured(photos, mean_covariance(photos), target))
    torch.testing.assert_close(mean, target[0].expand(2, 3), atol=1e-5, rtol=0)
    # All but for what keeps flat colours from being torn apart.
    torch.testing.assert_close(covariance, target[1].expand(2, 3, 3), atol=10 * FLAT, rtol=0)
    assert float((covariance - mean_covariance(photos)[1]).abs().max()) > 100 * FLAT


def test_the_transport_is_the_symmetric_one() -> None:
    """A S A = C with A symmetric and positive is the map of Monge and Kantorovitch, and there is only one."""
    S, C = (mean_covariance(picture(30, 30, seed, count=3))[1] for seed in (0, 1))
    A = transport(S, C).double()
    floor = FLAT * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(A @ (S + floor) @ A, C + floor, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(A, A.transpose(1, 2), atol=1e-5, rtol=1e-5)
    assert bool((torch.linalg.eigvalsh(A) > 0).all())


def by_engine(S: Tensor, C: Tensor) -> Tensor:
    """The same by eigenvalues, for which a GPU would have to be waited for."""
    return torch.from_numpy(engine.transport(S.numpy(), C.numpy()))


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.1, 0.25])
@pytest.mark.parametrize("other", [0.0, 0.01, 0.1, 0.25])
def test_black_and_white_in_black_and_white_is_no_special_case(spread: float, other: float) -> None:
    """Variances that are decades apart, in photo and painting, up to those of nothing but black and white."""
    S, C = (torch.full((1, 3, 3), value) for value in (spread, other))
    expected = by_engine(S, C)
    torch.testing.assert_close(transport(S, C), expected, atol=5e-3 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize("seed", range(8))
def test_covariances_of_any_shape(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    S, C = (
        mix @ mix.mT
        for mix in (0.4 * torch.randn(5, 3, 3, generator=generator) * torch.tensor([1.0, 0.1, 0.01]) for _ in range(2))
    )
    torch.testing.assert_close(transport(S, C), by_engine(S, C), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("spread", [1.0, 1e-3, 0.0])
def test_its_own_colours_change_nothing(spread: float) -> None:
    photo = 0.5 + spread * (picture(20, 20, 0) - 0.5)
    torch.testing.assert_close(
        recoloured(photo, mean_covariance(photo), mean_covariance(photo)), photo, atol=1e-5, rtol=0
    )


def test_a_photo_in_black_and_white_is_tinted_and_not_torn_apart() -> None:
    noise = 0.002 * torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    grey = picture(40, 40, 0).mean(1, keepdim=True).expand(1, 3, 40, 40)
    target = mean_covariance(picture(30, 30, 1))
    tinted, noisy = (recoloured(photo, mean_covariance(photo), target) for photo in (grey, grey + noise))
    assert bool(tinted.isfinite().all())
    torch.testing.assert_close(tinted.mean((2, 3)), target[0], atol=1e-5, rtol=0)
    assert float((tinted.amax(1) - tinted.amin(1)).mean()) > 0.02
    # What is stretched without bound would be as colourful as the painting.
    assert float((noisy - tinted).std()) < 0.05


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
    of_engine = engine.within((3 * photo - 1).numpy(), photo.numpy())
    torch.testing.assert_close(torch.from_numpy(of_engine), moved)


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


@pytest.mark.parametrize("radius", [0.3, 1, 1.5, 3.7, 9.2])
def test_smoothed_as_in_training(radius: float) -> None:
    pixels = noise(350, 60)
    found = masses(Held(pixels), *smooth(Held(pixels), radius)).window(Window(0, 0, 350, 60))
    wanted = smoothed(torch.from_numpy(pixels), radius).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_smoothed_at_a_smaller_size_is_nearly_the_same() -> None:
    small = resized(noise(20, 15), 200, 150)
    large = resized(small, 400, 300) + 0.02 * (noise(400, 300) - 0.5)
    direct, found = (
        masses(Held(large), *smooth(Held(seen), radius)).window(Window(0, 0, 400, 300))
        for seen, radius in ((large, 5.0), (resized(large, 200, 150), 2.5))
    )
    assert np.abs(found - direct).mean() < 0.2 * np.abs(large - direct).mean()

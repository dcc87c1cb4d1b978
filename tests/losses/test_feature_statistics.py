"""Channel statistics and the losses on them are the papers' formulas, in everybody's convention."""

import math
from collections.abc import Callable

import pytest
import torch
from random_tensors import normal
from torch import Tensor

from impasto.errors import OptionError
from impasto.losses.feature_statistics import (
    CONVENTIONS,
    EPSILON,
    Statistics,
    adain_content_loss,
    adain_style_loss,
    mean_covariance,
    mean_std,
    normalised,
    normalised_content_loss,
    relative_covariance_loss,
    relative_statistics_loss,
)

SIZES = [(1, 1, 1, 1), (2, 3, 4, 5), (3, 5, 1, 7), (1, 4, 6, 1)]


def features(*shape: int, seed: int = 0) -> Tensor:
    """Positive, as after a ReLU, and of another strength in every channel."""
    generator = torch.Generator().manual_seed(seed)
    strength = 3 * torch.rand(shape[0], shape[1], 1, 1, dtype=torch.float64, generator=generator)
    return strength * torch.rand(*shape, dtype=torch.float64, generator=generator)


def statistics(F: Tensor) -> Statistics:
    """mu and sigma of every channel of every picture: (N, C) each."""
    return F.mean((2, 3)), (F.var((2, 3), correction=0) + 1e-5).sqrt()


def distance(x: Tensor, y: Tensor, convention: str) -> float:
    """Of (N, values): the mean over the pictures."""
    squares = (x - y) ** 2
    each = {"norm": squares.sum(1).sqrt(), "mean-squared": squares.mean(1), "channel-sum": squares.sum(1)}
    return float(each[convention].mean())


@pytest.mark.parametrize("size", SIZES)
def test_mean_and_deviation(size: tuple[int, ...]) -> None:
    F = features(*size)
    mean, std = mean_std(F)
    assert mean.shape == std.shape == (*size[:2], 1, 1)
    for found, expected in zip((mean, std), statistics(F), strict=True):
        torch.testing.assert_close(found[..., 0, 0], expected, rtol=1e-12, atol=0)


def test_the_deviation_is_biased_and_its_epsilon_inside_the_root() -> None:
    pair = torch.tensor([1.0, 3.0], dtype=torch.float64).view(1, 1, 1, 2)
    mean, std = mean_std(pair)
    assert float(mean) == 2
    assert float(std) == pytest.approx(math.sqrt(1 + EPSILON), rel=1e-14)
    flat = torch.full((1, 1, 3, 3), 5.0, dtype=torch.float64, requires_grad=True)
    deviation = mean_std(flat)[1]
    assert float(deviation.detach()) == pytest.approx(math.sqrt(EPSILON), rel=1e-12)
    deviation.backward()
    assert flat.grad is not None
    assert torch.isfinite(flat.grad).all()


def test_weights_say_how_much_a_position_counts() -> None:
    F = features(2, 3, 4, 5)
    twice = torch.ones(1, 1, 4, 5, dtype=torch.float64)
    twice[..., :2] = 2
    copied = torch.cat([F, F[..., :2]], 3)
    for weights, same in ((twice, copied), (torch.full_like(twice, 0.3), F), (twice - 1, F[..., :2])):
        for found, expected in zip(mean_std(F, weights), mean_std(same), strict=True):
            assert found.shape == (2, 3, 1, 1)
            torch.testing.assert_close(found, expected)
    assert torch.autograd.gradcheck(lambda x: mean_std(x, twice), (F.requires_grad_(),))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_statistics_of_few_bits_are_computed_in_float32(dtype: torch.dtype) -> None:
    F = (300 * features(1, 2, 64, 64)).to(dtype)
    mean, std = mean_std(F)
    assert mean.dtype == std.dtype == torch.float32
    exact = mean_std(F.double())
    torch.testing.assert_close(mean.double(), exact[0], rtol=1e-5, atol=0)
    torch.testing.assert_close(std.double(), exact[1], rtol=1e-5, atol=0)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("size", SIZES)
def test_content_loss(size: tuple[int, ...], convention: str) -> None:
    F, t = features(*size), features(*size, seed=1)
    # Every published lambda with a sum over channels for the statistics goes with a mean for the content.
    kind = "mean-squared" if convention == "channel-sum" else convention
    expected = distance(F.flatten(1), t.flatten(1), kind)
    assert float(adain_content_loss(F, t, convention)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("size", SIZES)
def test_style_loss(size: tuple[int, ...], convention: str) -> None:
    F, S = features(*size), features(size[0], size[1], 3, 8, seed=1)
    expected = sum(distance(x, y, convention) for x, y in zip(statistics(F), statistics(S), strict=True))
    loss = adain_style_loss(mean_std(F), mean_std(S), convention)
    assert float(loss) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", SIZES[1:])
def test_normalised_content_loss(size: tuple[int, ...]) -> None:
    F, C = features(*size), features(*size, seed=1)
    f, c = ((x - mu[..., None, None]) / sigma[..., None, None] for x in (F, C) for mu, sigma in [statistics(x)])
    expected = 0.5 * float(((f - c) ** 2).mean())
    assert float(normalised_content_loss(F, C)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_relative_statistics_loss(size: tuple[int, ...]) -> None:
    F, S = features(*size), features(size[0], size[1], 3, 8, seed=1)
    parts = [((a - b) ** 2).sum(1) / (b**2).sum(1) for a, b in zip(statistics(F), statistics(S), strict=True)]
    loss = relative_statistics_loss(mean_std(F), mean_std(S))
    assert float(loss) == pytest.approx(float((parts[0] + parts[1]).mean()), rel=1e-12)


def losses() -> list[Callable[[Tensor, Tensor], Tensor]]:
    content = [lambda F, t, c=convention: adain_content_loss(F, t, c) for convention in CONVENTIONS]
    style = [lambda F, t, c=convention: adain_style_loss(mean_std(F), mean_std(t), c) for convention in CONVENTIONS]
    relative = [lambda F, t: relative_statistics_loss(mean_std(F), mean_std(t))]
    return [*content, *style, *relative, normalised_content_loss]


@pytest.mark.parametrize("number", range(8))
def test_every_loss_has_its_gradient_also_where_it_is_zero(number: int) -> None:
    loss = losses()[number]
    F, target = features(2, 3, 3, 2).requires_grad_(), features(2, 3, 3, 2, seed=1)
    assert torch.autograd.gradcheck(loss, (F, target))
    same = F.detach().float().requires_grad_()
    zero = loss(same, same.detach())
    assert float(zero.detach()) == pytest.approx(0, abs=1e-12)
    zero.backward()
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()


def test_normalised_features_have_mean_0_and_deviation_1() -> None:
    F = normalised(features(2, 3, 6, 5).half())
    assert F.dtype == torch.float32
    torch.testing.assert_close(F.mean((2, 3)), torch.zeros(2, 3), rtol=0, atol=1e-5)
    torch.testing.assert_close(F.square().mean((2, 3)).sqrt(), torch.ones(2, 3), rtol=1e-3, atol=0)


def test_the_relative_loss_of_a_silent_target_is_a_number() -> None:
    silent = mean_std(torch.zeros(1, 3, 4, 4))
    assert torch.isfinite(relative_statistics_loss(mean_std(features(1, 3, 4, 4)), silent))


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(OptionError, match="no convention 'sum'; there are norm, mean-squared, channel-sum"):
        adain_style_loss(mean_std(features(1, 2, 3, 3)), mean_std(features(1, 2, 3, 3)), "sum")
    with pytest.raises(OptionError, match="no convention 'sum'"):
        adain_content_loss(features(1, 2, 3, 3), features(1, 2, 3, 3), "sum")


# --- covariances ------------------------------------------------------------------------------------------------------


def covariance(picture: Tensor) -> Tensor:
    return torch.cov(picture.flatten(1), correction=0).reshape(len(picture), len(picture))


@pytest.mark.parametrize("size", SIZES)
def test_covariance_is_its_formula(size: tuple[int, int, int, int]) -> None:
    X = normal(*size)
    for found, picture in zip(mean_covariance(X)[1], X, strict=True):
        torch.testing.assert_close(found, covariance(picture), rtol=1e-12, atol=1e-14)


def test_the_covariance_loss_is_relative_to_the_target_and_the_mean_over_pictures() -> None:
    X, Y = normal(2, 3, 4, 5), 2 + normal(2, 3, 6, 2, seed=1)
    pairs = [(covariance(one), covariance(other)) for one, other in zip(X, Y, strict=True)]
    expected = sum(float(((a - b) ** 2).sum() / (b**2).sum()) for a, b in pairs) / 2
    assert float(relative_covariance_loss(X, Y)) == pytest.approx(expected, rel=1e-12)


def test_gradient_of_covariances() -> None:
    X, Y = normal(2, 3, 2, 4).requires_grad_(), normal(2, 3, 3, 3, seed=1)
    assert torch.autograd.gradcheck(mean_covariance, (X,))
    assert torch.autograd.gradcheck(relative_covariance_loss, (X, Y))


def test_channels_that_go_otherwise_together_are_seen() -> None:
    """A blue sky made yellow has every channel's mean and deviation, and is pink."""
    x = normal(1, 1, 8, 8)
    together, apart = torch.cat([x, x], 1), torch.cat([x, -x], 1)
    together, apart = together - together.mean((2, 3), keepdim=True), apart - apart.mean((2, 3), keepdim=True)
    assert float(relative_statistics_loss(mean_std(together), mean_std(apart))) < 1e-20
    assert float(relative_covariance_loss(together, apart)) == pytest.approx(2)


def test_a_plain_target_gives_a_number_and_half_precision_is_widened() -> None:
    assert torch.isfinite(relative_covariance_loss(normal(1, 2, 3, 3), torch.ones(1, 2, 3, 3)))
    assert mean_covariance(torch.full((1, 2, 64, 64), 300.0, dtype=torch.float16))[1].dtype == torch.float32

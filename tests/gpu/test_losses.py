"""Every loss on the GPU against the CPU: its value, and its gradient for what is learned.

float32 without TF32: 5e-5 of the value, since attention's fused kernels add up products of three shorter factors, and
1e-4 of the gradient.
bfloat16 against float32 of the same numbers: 2e-2 and 5e-2, a few units of its 8 bits.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping

import pytest
import torch
from against_cpu import assert_near
from torch import Tensor

from impasto import losses
from impasto.losses import attention_style as attention
from impasto.losses import feature_statistics as statistics
from impasto.losses import hinge, lsgan
from impasto.losses.covariance import Spread, covariance_loss, covariance_loss_of_moments, mean_of, spread
from impasto.losses.cycle import code_deviation, cycle_loss, identity_loss, normalise, semantic_loss
from impasto.losses.feature_statistics import relative_covariance_loss
from impasto.losses.gram import blend, content_loss, gram, gram_loss
from impasto.losses.nearest_neighbour import nearest_neighbour_loss
from impasto.losses.pixels import out_of_range, squared_steps, temporal_loss, total_variation
from impasto.losses.sliced_wasserstein import directions, sliced_wasserstein_loss

TOLERANCES = {torch.float32: (5e-5, 1e-4), torch.bfloat16: (2e-2, 5e-2)}

# Of (x, y, shares): features (2, 8, 20, 24) of what is learned and of a target, and how much each place counts.
# Without them a loss takes one picture.
Case = Callable[[Tensor, Tensor, Tensor], Tensor]


def _normal(x: Tensor) -> Tensor:
    return statistics.normalised(x[:1])


def _spread(y: Tensor, shares: Tensor | None = None) -> Spread:
    return spread(gram(y[:1], shares), mean_of(y[:1], shares))


CASES: Mapping[str, Case] = {
    "content_loss": lambda x, y, s: content_loss(x, y),
    "cycle_loss": lambda x, y, s: cycle_loss(x, y.float()),
    "identity_loss": lambda x, y, s: identity_loss(x, y.float()),
    "out_of_range": lambda x, y, s: out_of_range(3 * x),
    "temporal_loss": temporal_loss,
    "total_variation": lambda x, y, s: total_variation(x),
    "squared_steps": lambda x, y, s: squared_steps(x, 9, 24),
    "semantic_loss": lambda x, y, s: semantic_loss(x, y, normalised=False),
    "semantic_loss, normalised": lambda x, y, s: semantic_loss(x, y, normalised=True),
    "code_deviation": lambda x, y, s: code_deviation(x),
    "normalise": lambda x, y, s: (normalise(x) - y).square().mean(),
    "lsgan.generator_loss": lambda x, y, s: lsgan.generator_loss(x),
    "lsgan.discriminator_loss": lambda x, y, s: lsgan.discriminator_loss(y, x),
    "hinge.generator_loss": lambda x, y, s: hinge.generator_loss(x),
    "hinge.discriminator_loss": lambda x, y, s: hinge.discriminator_loss(y, x),
    "gram": lambda x, y, s: gram(x, s).square().mean(),
    "gram_loss": lambda x, y, s: gram_loss(x, gram(y)),
    "gram_loss, of regions": lambda x, y, s: gram_loss(x, gram(y), s),
    "blend": lambda x, y, s: gram_loss(x, blend([gram(y), gram(y.flip(1))], [0.7, 0.3])),
    "mean_of": lambda x, y, s: mean_of(x[:1], s).square().sum(),
    "spread": lambda x, y, s: covariance_loss(x[:1], _spread(y, s)),
    "covariance_loss": lambda x, y, s: covariance_loss(x[:1], _spread(y)),
    "covariance_loss, of regions": lambda x, y, s: covariance_loss(x[:1], _spread(y), s),
    "covariance_loss_of_moments": lambda x, y, s: covariance_loss_of_moments(gram(x[:1]), mean_of(x[:1]), _spread(y)),
    "mean_std": lambda x, y, s: sum(part.square().mean() for part in statistics.mean_std(x, s)),  # type: ignore[misc]
    "mean_variance": lambda x, y, s: sum(part.square().mean() for part in statistics.mean_variance(x, s)),  # type: ignore[misc]
    "normalised": lambda x, y, s: (statistics.normalised(x) - y).square().mean(),
    "normalised_content_loss": lambda x, y, s: statistics.normalised_content_loss(x, y),
    "relative_statistics_loss": lambda x, y, s: statistics.relative_statistics_loss(
        statistics.mean_std(x), statistics.mean_std(y)
    ),
    **{
        f"adain_content_loss, {name}": lambda x, y, s, name=name: statistics.adain_content_loss(x, y, name)
        for name in statistics.CONVENTIONS
    },
    **{
        f"adain_style_loss, {name}": lambda x, y, s, name=name: statistics.adain_style_loss(
            statistics.mean_std(x), statistics.mean_std(y), name
        )
        for name in statistics.CONVENTIONS
    },
    "attend": lambda x, y, s: attention.attend(_normal(x), _normal(y), y[:1]).square().mean(),
    "attend, weighted": lambda x, y, s: (
        attention.attend(_normal(x), _normal(y), y[:1], temperature=2.0, key_weights=s).square().mean()
    ),
    "attention_weights": lambda x, y, s: (
        attention.attention_weights(_normal(x)[0, :, 3, :5].T, _normal(y), key_weights=s).square().sum()
    ),
    "attention_features": lambda x, y, s: attention.attention_features([x[:1], y[:1]], (10, 12)).exp().mean(),
    "centred_gram": lambda x, y, s: attention.centred_gram(x, s).square().mean(),
    "attention_gram_loss": lambda x, y, s: attention.attention_gram_loss(x[:1], attention.centred_gram(y[:1])),
    "local_target": lambda x, y, s: attention.local_target(_normal(x), _normal(y), y[:1], x[:1]).square().mean(),
    "local_loss": lambda x, y, s: attention.local_loss(x[:1], y[:1]),
    "local_loss, of regions": lambda x, y, s: attention.local_loss(x[:1], y[:1], s),
    "mean_covariance": lambda x, y, s: statistics.mean_covariance(x)[1].square().mean(),
    "relative_covariance_loss": lambda x, y, s: relative_covariance_loss(x, y),
    # Wide, because in half precision another neighbour is the closest for some places.
    "nearest_neighbour_loss": lambda x, y, s: nearest_neighbour_loss(x.float(), y.float()),
    "sliced_wasserstein_loss": lambda x, y, s: sliced_wasserstein_loss(x, y, *_slices(x.device, blocks=99)),
    "sliced_wasserstein_loss, of blocks": lambda x, y, s: sliced_wasserstein_loss(x, y, *_slices(x.device, blocks=2)),
}


def _slices(device: torch.device, blocks: int) -> tuple[Tensor, Tensor]:
    """Filters and places of blocks, drawn on the CPU."""
    generator = torch.Generator().manual_seed(1)
    return directions(8, 16, 3, generator).to(device), torch.rand(2, blocks, generator=generator).to(device)


def numbers(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(2, 8, 20, 24, generator=generator) + shift for shift in (0.3, 0.6))
    shares = torch.rand(1, 1, 20, 24, generator=generator)
    shares[..., :4] = 0
    return x.to(dtype), y.to(dtype), shares


def value_and_gradient(case: Case, device: torch.device, dtype: torch.dtype, *, wide: bool) -> tuple[Tensor, Tensor]:
    x, y, shares = (value.to(device) for value in numbers(dtype))
    if wide:
        x, y = x.float(), y.float()
    x.requires_grad_()
    value = case(x, y, shares)
    (gradient,) = torch.autograd.grad(value, x)
    return value, gradient


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", CASES)
def test_a_loss_is_what_it_is_on_the_cpu(name: str, dtype: torch.dtype, device: torch.device) -> None:
    expected = value_and_gradient(CASES[name], torch.device("cpu"), dtype, wide=True)
    found = value_and_gradient(CASES[name], device, dtype, wide=False)
    for part, one, other, tolerance in zip(("value", "gradient"), found, expected, TOLERANCES[dtype], strict=True):
        assert_near(f"{name}, {dtype}, {part}", [one], [other], tolerance)


@pytest.mark.gpu
def test_the_best_matches_are_those_of_the_cpu(device: torch.device) -> None:
    x, y, shares = numbers(torch.float32)
    expected = attention.best_matches(_normal(x), _normal(y), key_weights=shares)
    found = attention.best_matches(_normal(x.to(device)), _normal(y.to(device)), key_weights=shares.to(device))
    assert torch.equal(found.cpu(), expected)


def test_no_loss_is_missing() -> None:
    tried = {name.split(",")[0].split(".")[-1] for name in CASES}
    tried |= {"best_matches", "directions"}  # the latter are drawn by the device's own generator
    modules = [importlib.import_module(f"{losses.__name__}.{m.name}") for m in pkgutil.iter_modules(losses.__path__)]
    written = {
        name
        for module in modules
        for name, value in inspect.getmembers(module, inspect.isfunction)
        if value.__module__ == module.__name__ and not name.startswith("_") and not name.endswith("_factor")
    }
    assert tried == written

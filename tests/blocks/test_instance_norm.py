"""Instance normalisation is the formula, in every layout and precision."""

import pytest
import torch
from torch import Tensor

from impasto.blocks.instance_norm import EPSILON, InstanceNorm, counting


def features(*shape: int) -> Tensor:
    noise = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return noise * 3 + torch.arange(shape[1], dtype=torch.float64).view(-1, 1, 1)


def naive(x: Tensor) -> Tensor:
    centred = x - x.mean((2, 3), keepdim=True)
    return centred / ((centred**2).mean((2, 3), keepdim=True) + EPSILON) ** 0.5


@pytest.mark.parametrize("shape", [(1, 3, 5, 4), (3, 2, 4, 7), (2, 1, 1, 1)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_is_the_formula(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    x = features(*shape).contiguous(memory_format=layout)
    result = InstanceNorm()(x)
    torch.testing.assert_close(result, naive(x))
    assert result.is_contiguous(memory_format=layout)


def test_the_gradient_is_that_of_the_formula() -> None:
    x = features(2, 2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(InstanceNorm(), (x,))


def test_half_precision_has_exact_statistics() -> None:
    x = (features(2, 3, 40, 40) + 50).bfloat16()
    result = InstanceNorm()(x)
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.double(), naive(x.double()), atol=0.02, rtol=0.01)


@pytest.mark.parametrize("channels", [3, 20])
@pytest.mark.parametrize("inplace", [False, True])
def test_what_is_transparent_does_not_count(channels: int, inplace: bool) -> None:
    x = features(2, channels, 4, 6)
    opacity = torch.ones(1, 1, 8, 12, dtype=torch.float64)
    opacity[..., 6:] = 0
    expected = naive(x[..., :3])
    with torch.no_grad(), counting(opacity):
        found = InstanceNorm(inplace)(x.clone())
    torch.testing.assert_close(found[..., :3], expected)
    torch.testing.assert_close(InstanceNorm()(x), naive(x))  # and no longer
    half = torch.ones(2, 1, 4, 6, dtype=torch.float64)
    half[..., 3:] = 0.25
    with counting(half):
        repeated = naive(torch.cat([x[..., :3]] * 4 + [x[..., 3:]], 3))
        torch.testing.assert_close(InstanceNorm()(x)[..., :3], repeated[..., :3])
        assert InstanceNorm()(x.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("count", [1, 3])
def test_in_place_is_the_same_to_the_bit(dtype: torch.dtype, layout: torch.memory_format, count: int) -> None:
    x = features(count, 3, 5, 6).to(dtype).contiguous(memory_format=layout)
    expected = InstanceNorm()(x)
    learning = x.clone(memory_format=torch.preserve_format).requires_grad_()
    assert torch.equal(InstanceNorm(inplace=True)(learning), expected)
    assert torch.equal(learning, x), "kept for the gradient"
    with torch.inference_mode():
        kept = InstanceNorm()(x)
        assert not torch.equal(kept, x)
        found = InstanceNorm(inplace=True)(x)
    assert found.data_ptr() == x.data_ptr()
    assert torch.equal(found, expected)

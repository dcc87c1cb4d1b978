"""Mirrored borders: the numbers of PyTorch's own functions, forward and backward, at every size and memory order."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.reflection import doubled, doubled_smoothly, reflect

SIZES = [(1, 1), (1, 5), (4, 1), (2, 2), (2, 3), (3, 2), (5, 7), (8, 6)]


def expected(x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="reflect" if min(x.shape[-2:]) > 1 else "replicate")


def picture(*shape: int, order: torch.memory_format = torch.contiguous_format) -> Tensor:
    x = torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))
    return x.contiguous(memory_format=order).requires_grad_()


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", SIZES)
def test_reflection_is_that_of_pytorch(size: tuple[int, int], order: torch.memory_format) -> None:
    x = picture(2, 3, *size, order=order)
    result, wanted = reflect(x), expected(x)
    assert torch.equal(result, wanted)
    assert result.is_contiguous(memory_format=order) or min(size) == 1
    upstream = torch.rand_like(result)
    torch.testing.assert_close(torch.autograd.grad(result, x, upstream)[0], torch.autograd.grad(wanted, x, upstream)[0])


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(4, 4), (4, 9), (8, 5)])
def test_a_wider_border_is_that_of_pytorch(size: tuple[int, int], order: torch.memory_format) -> None:
    x = picture(2, 3, *size, order=order)
    result, wanted = reflect(x, 3), F.pad(x, (3, 3, 3, 3), mode="reflect")
    assert torch.equal(result, wanted)
    assert result.is_contiguous(memory_format=order)
    upstream = torch.rand_like(result)
    torch.testing.assert_close(torch.autograd.grad(result, x, upstream)[0], torch.autograd.grad(wanted, x, upstream)[0])


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", SIZES)
def test_doubling_is_upsampling_joining_and_reflection(
    size: tuple[int, int], order: torch.memory_format, joined: bool
) -> None:
    height, width = size
    x = picture(2, 3, -(-height // 2), -(-width // 2), order=order)
    beside = picture(2, 4, height, width, order=order) if joined else None
    result = doubled(x, height, width, beside)
    larger = F.interpolate(x, scale_factor=2, mode="nearest")[..., :height, :width]
    wanted = expected(larger if beside is None else torch.cat([larger, beside], 1))
    assert torch.equal(result, wanted)
    inputs = [x] if beside is None else [x, beside]
    upstream = torch.rand_like(result)
    for found, right in zip(
        torch.autograd.grad(result, inputs, upstream), torch.autograd.grad(wanted, inputs, upstream), strict=True
    ):
        torch.testing.assert_close(found, right)


def test_half_precision_stays_half_while_training() -> None:
    x = torch.rand(1, 2, 6, 6, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        result = reflect(x)
    assert result.dtype == torch.bfloat16
    result.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", SIZES)
def test_smooth_doubling_is_bilinear(size: tuple[int, int], order: torch.memory_format, joined: bool) -> None:
    height, width = size
    x = picture(2, 3, -(-height // 2), -(-width // 2), order=order)
    beside = picture(2, 4, height, width, order=order) if joined else None
    larger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    wanted = expected(larger if beside is None else torch.cat([larger, beside], 1))
    result = doubled_smoothly(x, height, width, beside)
    assert torch.equal(result, wanted)
    assert result.is_contiguous(memory_format=order) or min(x.shape[-2:]) == 1
    inputs = [x] if beside is None else [x, beside]
    upstream = torch.rand_like(result)
    for found, right in zip(
        torch.autograd.grad(result, inputs, upstream), torch.autograd.grad(wanted, inputs, upstream), strict=True
    ):
        torch.testing.assert_close(found, right)

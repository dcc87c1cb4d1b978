"""Mirrored borders: the numbers of PyTorch's own functions, forward and backward, at every size and memory order."""

from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.reflection import doubled, doubled_smoothly, reflect

SIZES = [(1, 1), (1, 5), (4, 1), (2, 2), (2, 3), (3, 2), (5, 7), (8, 6)]
ORDERS = [torch.contiguous_format, torch.channels_last]


def padded(x: Tensor, border: int = 1) -> Tensor:
    return F.pad(x, (border,) * 4, mode="reflect" if min(x.shape[-2:]) > 1 else "replicate")


def picture(*shape: int, order: torch.memory_format = torch.contiguous_format) -> Tensor:
    x = torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))
    return x.contiguous(memory_format=order).requires_grad_()


def check(result: Tensor, expected: Tensor, inputs: Sequence[Tensor]) -> None:
    """Equal, with gradients that are close."""
    assert torch.equal(result, expected)
    upstream = torch.rand_like(result)
    pairs = (torch.autograd.grad(one, inputs, upstream) for one in (result, expected))
    for gradient, right in zip(*pairs, strict=True):
        torch.testing.assert_close(gradient, right)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("border", "size"), [*((1, size) for size in SIZES), *((3, size) for size in ((4, 4), (4, 9), (8, 5)))]
)
def test_reflection_is_that_of_pytorch(border: int, size: tuple[int, int], order: torch.memory_format) -> None:
    x = picture(2, 3, *size, order=order)
    result = reflect(x, border)
    assert result.is_contiguous(memory_format=order) or min(size) == 1
    check(result, padded(x, border), [x])


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", SIZES)
def test_doubling_is_upsampling_joining_and_reflection(
    size: tuple[int, int], order: torch.memory_format, joined: bool, mode: str
) -> None:
    height, width = size
    x = picture(2, 3, -(-height // 2), -(-width // 2), order=order)
    beside = [picture(2, 4, height, width, order=order)] if joined else []
    result = (doubled if mode == "nearest" else doubled_smoothly)(x, height, width, *beside)
    assert result.is_contiguous(memory_format=order) or min(x.shape[-2:]) == 1
    larger = F.interpolate(x, scale_factor=2, mode=mode, align_corners=None if mode == "nearest" else False)
    check(result, padded(torch.cat([larger[..., :height, :width], *beside], 1)), [x, *beside])


def test_half_precision_stays_half_while_training() -> None:
    x = torch.rand(1, 2, 6, 6, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        result = reflect(x)
    assert result.dtype == torch.bfloat16
    result.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.bfloat16

"""Attention is the formula with its gradient, by any kernel, and never holds the matrix of all pairs."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from random_tensors import normal
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from impasto import dot_product_attention
from impasto.dot_product_attention import attend, is_fused

BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]


def naive(q: Tensor, k: Tensor, v: Tensor, scale: float = 1.0) -> Tensor:
    return (scale * q @ k.transpose(1, 2)).softmax(2) @ v


class Largest(TorchDispatchMode):
    """The number of elements of the largest tensor that anything returns, but for those that only gather or view."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = func(*args, **(kwargs or {}))
        for result in results if isinstance(results, tuple | list) else (results,):
            if isinstance(result, Tensor):
                self.elements = max(self.elements, result.numel())
        return results


@pytest.mark.parametrize("widths", [(3, 3), (2, 5), (7, 4)])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("largest", [2**24, 130, 1])
def test_is_the_formula_with_its_gradient(
    widths: tuple[int, int], backend: SDPBackend, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for queries and keys of another width than the values, as self-attention has them."""
    monkeypatch.setattr(dot_product_attention, "LARGEST_MAP", largest)
    d, e = widths
    inputs = [normal(2, *shape, seed=seed).requires_grad_() for seed, shape in enumerate(((20, d), (9, d), (9, e)))]
    expected = naive(*inputs, scale=0.7)
    with sdpa_kernel(backend):
        found = attend(*inputs, scale=0.7)
        assert found.shape == (2, 20, e)
        torch.testing.assert_close(found, expected)
        grads = torch.autograd.grad(found.square().sum(), inputs)
    for grad, right in zip(grads, torch.autograd.grad(expected.square().sum(), inputs), strict=True):
        torch.testing.assert_close(grad, right)


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_tensor_is_as_large_as_all_pairs(backend: SDPBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dot_product_attention, "LARGEST_MAP", 4000)
    q, k, v = (normal(1, count, width, seed=count).requires_grad_() for count, width in ((400, 2), (100, 2), (100, 8)))
    with Largest() as largest, sdpa_kernel(backend):
        attend(q, k, v).square().sum().backward()
    assert 400 * 8 <= largest.elements <= 4000
    with Largest() as largest:
        naive(q, k, v).square().sum().backward()
    assert largest.elements == 400 * 100, "the measure sees it"


def test_queries_go_in_groups_only_where_the_kernel_would_hold_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    plain = F.scaled_dot_product_attention

    def noted(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        sizes.append(q.shape[0] * q.shape[2] * k.shape[2])
        return plain(q, k, v, scale=scale)

    monkeypatch.setattr(F, "scaled_dot_product_attention", noted)
    monkeypatch.setattr(dot_product_attention, "LARGEST_MAP", 130)
    q, k, v = (normal(2, 20, 4, seed=seed) for seed in range(3))
    torch.testing.assert_close(attend(q, k, v), naive(q, k, v))
    assert sizes == [2 * 20 * 20], "fused: all at once"
    sizes.clear()
    with sdpa_kernel(SDPBackend.MATH):
        torch.testing.assert_close(attend(q, k, v), naive(q, k, v))
    assert max(sizes) <= 130
    assert sum(sizes) == 2 * 20 * 20


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_precision_has_a_whole_softmax(backend: SDPBackend) -> None:
    """Large logits of 8 bits would be wrong by more than the rounding of the result, twice this much."""
    q, k, v = (normal(1, 600, 16, seed=seed).bfloat16() / 4 for seed in range(3))
    q, v = 16 * q, v + 1
    with sdpa_kernel(backend), torch.autocast("cpu", torch.bfloat16):
        half = attend(q, k, v)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), naive(q.double(), k.double(), v.double()), rtol=0, atol=2**-7)


def test_the_usual_precisions_have_a_fused_kernel_in_any_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def noted(*inputs: Tensor) -> bool:
        asked.append(is_fused(*inputs))
        return asked[-1]

    monkeypatch.setattr(dot_product_attention, "is_fused", noted)
    for dtype in (torch.float32, torch.bfloat16):
        for layout in (torch.contiguous_format, torch.channels_last):
            features = torch.zeros(1, 32, 8, 8, dtype=dtype).contiguous(memory_format=layout)
            positions = features.flatten(2).transpose(1, 2)
            attend(positions[..., :16], positions[:, :5, :16], positions[:, :5])
    assert asked == [True] * 4
    q = torch.zeros(1, 1, 64, 32)
    assert not is_fused(q, q, q[..., :16]), "the kernels need one head dimension"

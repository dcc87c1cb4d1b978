"""The non-local block is paper 000's formula, begins as the identity, learns, and never builds the whole matrix."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from impasto.blocks import nonlocal_attention
from impasto.blocks.initialise import initialise
from impasto.blocks.nonlocal_attention import NonLocalBlock, attend


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def trained(channels: int = 6, inner: int = 4, pooling: int = 1) -> NonLocalBlock:
    """A block whose W_z is not zero any more."""
    block = NonLocalBlock(channels, inner, pooling).double()
    for number, parameter in enumerate(block.parameters()):
        parameter.data = noise(*parameter.shape, seed=number) / 2
    return block


def naive(block: NonLocalBlock, x: Tensor) -> tuple[Tensor, Tensor]:
    """Paper 000, 2.2, sum by sum for one picture (C, H, W): z_i = W_z y_i + x_i, and the weights f / C(x)."""

    def embedded(convolution: nn.Conv2d, position: Tensor) -> Tensor:
        assert convolution.bias is not None
        return convolution.weight[:, :, 0, 0] @ position + convolution.bias

    H, W = x.shape[1:]
    p = block.pooling
    windows = [x[:, r : r + p, c : c + p].flatten(1).amax(1) for r in range(0, H, p) for c in range(0, W, p)]
    result, weights = torch.empty_like(x), []
    for r in range(H):
        for c in range(W):
            theta = embedded(block.theta, x[:, r, c])
            f = torch.stack([torch.exp(theta @ embedded(block.phi, window)) for window in windows])
            weights.append(f / f.sum())
            y = sum((f[j] * embedded(block.g, window) for j, window in enumerate(windows)), torch.zeros(())) / f.sum()
            result[:, r, c] = embedded(block.W_z, y) + x[:, r, c]
    return result, torch.stack(weights)


@pytest.mark.parametrize("pooling", [1, 2, 3])
def test_is_the_formula(pooling: int) -> None:
    block, x = trained(pooling=pooling), noise(2, 6, 4, 5)
    with torch.no_grad():
        results, weights = zip(*(naive(block, picture) for picture in x), strict=True)
        torch.testing.assert_close(block(x), torch.stack(results))
        queries = torch.tensor([0, 7, 19])
        found = block.weights(x, queries)
        expected = torch.stack(weights)[:, queries]
    assert found.shape == (2, 3, -(-4 // pooling), -(-5 // pooling))
    torch.testing.assert_close(found.flatten(2).double(), expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.sum((2, 3)), torch.ones(2, 3))


def test_begins_as_the_identity_and_stays_so_when_initialised() -> None:
    block = NonLocalBlock(6, 4)
    initialise(block)
    x = noise(1, 6, 5, 5).float()
    assert torch.equal(block(x), x)
    assert block.theta.weight.std() > 0.01, "the others are initialised"
    # Not dead: W_z itself learns from the first step on, and with it all others from the second.
    (block(x) * noise(1, 6, 5, 5, seed=1).float()).sum().backward()
    assert block.W_z.weight.grad is not None
    assert block.W_z.weight.grad.abs().max() > 1e-4
    with torch.no_grad():
        block.W_z.weight -= block.W_z.weight.grad
    block.zero_grad()
    block(x).square().sum().backward()
    for name in ("theta", "phi", "g"):
        assert getattr(block, name).weight.grad.abs().max() > 0, name


def test_no_layer_follows_w_z() -> None:
    assert [name for name, _ in NonLocalBlock(4, 2).named_children()] == ["theta", "phi", "g", "W_z"]


def test_gradient_through_the_fused_kernel() -> None:
    q, k, v = (noise(2, count, 3, seed=count).requires_grad_() for count in (4, 5, 6))
    k = k[:, :4]
    v = v[:, :4]
    grads = torch.autograd.grad(attend(q, k, v).square().sum(), (q,))
    naive_grads = torch.autograd.grad(((q @ k.transpose(1, 2)).softmax(2) @ v).square().sum(), (q,))
    torch.testing.assert_close(grads, naive_grads)


def test_queries_go_in_groups_where_the_kernel_would_hold_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    plain = F.scaled_dot_product_attention

    def noted(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        sizes.append(q.shape[0] * q.shape[2] * k.shape[2])
        return plain(q, k, v, scale=scale)

    monkeypatch.setattr(F, "scaled_dot_product_attention", noted)
    monkeypatch.setattr(nonlocal_attention, "LARGEST_MAP", 130)
    q, k, v = (noise(2, 20, 4, seed=seed) for seed in range(3))
    expected = (q @ k.transpose(1, 2)).softmax(2) @ v
    torch.testing.assert_close(attend(q, k, v), expected)
    assert sizes == [2 * 20 * 20], "fused: all at once"
    sizes.clear()
    with sdpa_kernel(SDPBackend.MATH):
        torch.testing.assert_close(attend(q, k, v), expected)
    assert max(sizes) <= 130
    assert sum(sizes) == 2 * 20 * 20


@pytest.mark.parametrize("backend", [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH])
def test_half_precision_has_a_whole_softmax(backend: SDPBackend) -> None:
    """Large logits of 8 bits would be wrong by more than the rounding of the result, twice this much."""
    q, k, v = (noise(1, 600, 16, seed=seed).bfloat16() / 4 for seed in range(3))
    q, v = 16 * q, v + 1
    with sdpa_kernel(backend), torch.autocast("cpu", torch.bfloat16):
        half = attend(q, k, v)
    assert half.dtype == torch.bfloat16
    exact = (q.double() @ k.double().transpose(1, 2)).softmax(2) @ v.double()
    torch.testing.assert_close(half.double(), exact, rtol=0, atol=2**-7)


def test_the_usual_precisions_have_a_fused_kernel() -> None:
    for dtype in (torch.float32, torch.bfloat16):
        q = torch.zeros(1, 1, 64, 32, dtype=dtype)
        assert nonlocal_attention._is_fused(q, q, q)
        assert not nonlocal_attention._is_fused(q, q, q[..., :16]), "the kernels need one head dimension"

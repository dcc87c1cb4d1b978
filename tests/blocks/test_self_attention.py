"""Self-attention is paper 003's equations 1 to 7, begins as the identity, learns, and never builds the whole matrix."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from random_tensors import normal
from torch import Tensor, nn

from impasto import dot_product_attention
from impasto.blocks.initialise import initialise
from impasto.blocks.self_attention import SelfAttention


def trained(channels: int = 6, pooling: int = 1) -> SelfAttention:
    """A block whose gamma is not zero any more."""
    block = SelfAttention(channels, pooling).double()
    for number, parameter in enumerate(block.parameters()):
        parameter.data = normal(*parameter.shape, seed=number) / 2
    return block


def naive(block: SelfAttention, x: Tensor) -> tuple[Tensor, Tensor]:
    """Equations 1 to 7 sum by sum for one picture (C, H, W), and SAGAN's scale: x_j + gamma o_j, and beta_ji."""

    def convolved(convolution: nn.Conv2d, position: Tensor) -> Tensor:
        assert convolution.bias is not None
        return convolution.weight[:, :, 0, 0] @ position + convolution.bias

    H, W = x.shape[1:]
    p = block.pooling
    seen = [x[:, r : r + p, c : c + p].flatten(1).amax(1) for r in range(0, H, p) for c in range(0, W, p)]
    result, beta = torch.empty_like(x), []
    for r in range(H):
        for c in range(W):
            s = torch.stack([convolved(block.f, x_i) @ convolved(block.g, x[:, r, c]) for x_i in seen])
            beta_j = s.exp() / s.exp().sum()
            mixed = torch.stack([b * convolved(block.h, x_i) for b, x_i in zip(beta_j, seen, strict=True)]).sum(0)
            result[:, r, c] = x[:, r, c] + block.gamma * convolved(block.v, mixed)
            beta.append(beta_j)
    return result, torch.stack(beta)


@pytest.mark.parametrize("pooling", [1, 2, 4])
def test_is_the_formula(pooling: int) -> None:
    block, x = trained(pooling=pooling), normal(2, 6, 4, 5)
    with torch.no_grad():
        results, weights = zip(*(naive(block, picture) for picture in x), strict=True)
        torch.testing.assert_close(block(x), torch.stack(results))
        queries = torch.tensor([0, 7, 19])
        found = block.weights(x, queries)
    assert found.shape == (2, 3, -(-4 // pooling), -(-5 // pooling))
    expected = torch.stack(weights)[:, queries]
    torch.testing.assert_close(found.flatten(2).double(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("side", "pooling"), [(64, 1), (64, 2), (128, 4)])
def test_equals_the_whole_matrix_at_real_sizes(side: int, pooling: int) -> None:
    """In float32, as it is used, with responses as large as instance normalisation makes them."""
    block, x = SelfAttention(24, pooling), normal(1, 24, side, side).float()
    with torch.no_grad():
        block.gamma.fill_(1.0)
        seen = x if pooling == 1 else nn.functional.max_pool2d(x, pooling)
        g, f, h = (one.flatten(2)[0] for one in (block.g(x), block.f(seen), block.h(seen)))
        o = block.v((h @ (g.T @ f).softmax(1).T).unflatten(1, (side, side))[None])
        assert o.std() > 0.01
        torch.testing.assert_close(block(x), x + o, atol=1e-5, rtol=0)


def test_begins_as_the_identity_and_is_not_dead() -> None:
    block = SelfAttention(6)
    initialise(block)
    x = normal(1, 6, 5, 5).float()
    assert torch.equal(block(x), x)
    (block(x) * normal(1, 6, 5, 5, seed=1).float()).sum().backward()
    assert block.gamma.grad is not None
    assert block.gamma.grad.abs() > 1e-4, "the scale itself learns from the first step on"
    with torch.no_grad():
        block.gamma -= block.gamma.grad
    block.zero_grad()
    block(x).square().sum().backward()
    for name in "fghv":
        assert getattr(block, name).weight.grad.abs().max() > 0, name


def test_gradients_are_those_of_the_formula() -> None:
    block, x = trained(), normal(1, 6, 3, 4).requires_grad_()
    weight = normal(1, 6, 3, 4, seed=9)
    found = torch.autograd.grad((block(x) * weight).sum(), [x, *block.parameters()])
    expected = torch.autograd.grad((naive(block, x[0])[0] * weight).sum(), [x, *block.parameters()])
    for mine, right in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, right)


@pytest.mark.parametrize("channels", [24, 48, 96, 192])
def test_a_fused_kernel_takes_it(channels: int) -> None:
    block = SelfAttention(channels)
    sizes = {one.out_channels for one in (block.f, block.g, block.h)}
    assert len(sizes) == 1, "one head dimension"
    for dtype in (torch.float32, torch.bfloat16):
        q = torch.zeros(1, 1, 64, *sizes, dtype=dtype)
        assert dot_product_attention.is_fused(q, q, q)


MEASURED = r"""
import re, sys, torch
from pathlib import Path
from impasto.blocks.self_attention import SelfAttention

def megabytes(what):
    return int(re.search(rf"{what}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024

torch.set_num_threads(1)
side, pooling = map(int, sys.argv[1:])
block = SelfAttention(24, pooling)
block(torch.rand(1, 24, 16, 16)).mean().backward()
x = torch.rand(1, 24, side, side, requires_grad=True)
before = megabytes("VmRSS")
block(x).square().mean().backward()
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    ("side", "pooling", "matrix"), [(96, 1, 340), pytest.param(256, 4, 1074, marks=pytest.mark.slow)]
)
def test_training_never_holds_the_matrix(side: int, pooling: int, matrix: int) -> None:
    """Megabytes at the peak of forward and backward, above what there was."""
    command = [sys.executable, "-c", MEASURED, str(side), str(pooling)]
    used = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert used < matrix / 4
    assert used < 1000

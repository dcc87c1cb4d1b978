"""The non-local block and self-attention are their papers' formulas, begin as the identity, learn, and never build the
whole matrix."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from random_tensors import normal
from torch import Tensor, nn

from impasto import dot_product_attention
from impasto.blocks.attention import AttentionBlock, NonLocalBlock, SelfAttention
from impasto.blocks.initialise import initialise

BLOCKS = ["non-local", "self"]


def new(name: str, pooling: int = 1) -> AttentionBlock:
    return NonLocalBlock(6, 4, pooling) if name == "non-local" else SelfAttention(6, pooling)


def trained(name: str, pooling: int = 1) -> AttentionBlock:
    """A block whose W_z, or gamma, is not zero any more."""
    block = new(name, pooling).double()
    for number, parameter in enumerate(block.parameters()):
        parameter.data = normal(*parameter.shape, seed=number) / 2
    return block


def naive(block: AttentionBlock, x: Tensor) -> tuple[Tensor, Tensor]:
    """What becomes of one picture (C, H, W), sum by sum, and the weights: of paper 000, 2.2, z_i = W_z y_i + x_i with
    f / C(x); of paper 003's equations 1 to 7, with SAGAN's scale, x_j + gamma o_j with beta_ji."""
    if isinstance(block, NonLocalBlock):
        asking, keys, values, last, scale = block.theta, block.phi, block.g, block.W_z, torch.ones(())
    else:
        assert isinstance(block, SelfAttention)
        asking, keys, values, last, scale = block.g, block.f, block.h, block.v, block.gamma

    def convolved(convolution: nn.Conv2d, position: Tensor) -> Tensor:
        assert convolution.bias is not None
        return convolution.weight[:, :, 0, 0] @ position + convolution.bias

    H, W = x.shape[1:]
    p = block.pooling
    seen = [x[:, r : r + p, c : c + p].flatten(1).amax(1) for r in range(0, H, p) for c in range(0, W, p)]
    result, weights = torch.empty_like(x), []
    for r in range(H):
        for c in range(W):
            s = torch.stack([convolved(asking, x[:, r, c]) @ convolved(keys, x_i) for x_i in seen])
            weights.append(s.exp() / s.exp().sum())
            mixed = torch.stack([w * convolved(values, x_i) for w, x_i in zip(weights[-1], seen, strict=True)]).sum(0)
            result[:, r, c] = x[:, r, c] + scale * convolved(last, mixed)
    return result, torch.stack(weights)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("pooling", [1, 2, 3])
def test_is_the_formula(name: str, pooling: int) -> None:
    block, x = trained(name, pooling), normal(2, 6, 4, 5)
    with torch.no_grad():
        results, weights = zip(*(naive(block, picture) for picture in x), strict=True)
        torch.testing.assert_close(block(x), torch.stack(results))
        queries = torch.tensor([0, 7, 19])
        found = block.weights(x, queries)
    assert found.shape == (2, 3, -(-4 // pooling), -(-5 // pooling))
    expected = torch.stack(weights)[:, queries]
    torch.testing.assert_close(found.flatten(2).double(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", BLOCKS)
def test_gradients_are_those_of_the_formula(name: str) -> None:
    block, x = trained(name), normal(1, 6, 3, 4).requires_grad_()
    weight = normal(1, 6, 3, 4, seed=9)
    found = torch.autograd.grad((block(x) * weight).sum(), [x, *block.parameters()])
    expected = torch.autograd.grad((naive(block, x[0])[0] * weight).sum(), [x, *block.parameters()])
    for mine, right in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, right)


@pytest.mark.parametrize(("name", "first"), [("non-local", "W_z.weight"), ("self", "gamma")])
def test_begins_as_the_identity_and_is_not_dead(name: str, first: str) -> None:
    block = new(name)
    initialise(block)
    x = normal(1, 6, 5, 5).float()
    assert torch.equal(block(x), x)
    parameters = dict(block.named_parameters())
    (block(x) * normal(1, 6, 5, 5, seed=1).float()).sum().backward()
    gradient = parameters[first].grad
    assert gradient is not None
    assert gradient.abs().max() > 1e-4, "it learns from the first step on"
    with torch.no_grad():
        parameters[first] -= gradient
    block.zero_grad()
    block(x).square().sum().backward()
    for role, parameter in parameters.items():
        if role.endswith("weight"):
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 0, role


def test_no_layer_follows_w_z() -> None:
    assert [name for name, _ in NonLocalBlock(4, 2).named_children()] == ["theta", "phi", "g", "W_z"]


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
from impasto.blocks.attention import SelfAttention

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

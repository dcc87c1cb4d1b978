"""The non-local block is paper 000's formula, begins as the identity, and learns."""

import pytest
import torch
from random_tensors import normal
from torch import Tensor, nn

from impasto.blocks.initialise import initialise
from impasto.blocks.nonlocal_attention import NonLocalBlock


def trained(channels: int = 6, inner: int = 4, pooling: int = 1) -> NonLocalBlock:
    """A block whose W_z is not zero any more."""
    block = NonLocalBlock(channels, inner, pooling).double()
    for number, parameter in enumerate(block.parameters()):
        parameter.data = normal(*parameter.shape, seed=number) / 2
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
    block, x = trained(pooling=pooling), normal(2, 6, 4, 5)
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
    x = normal(1, 6, 5, 5).float()
    assert torch.equal(block(x), x)
    assert block.theta.weight.std() > 0.01, "the others are initialised"
    # Not dead: W_z itself learns from the first step on, and with it all others from the second.
    (block(x) * normal(1, 6, 5, 5, seed=1).float()).sum().backward()
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

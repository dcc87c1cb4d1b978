"""Spectral normalisation bounds what a discriminator can do with its weights."""

import torch
from torch import nn

from impasto.blocks.instance_norm import InstanceNorm
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.blocks.spectral_norm import spectrally_normalised


def judge() -> nn.Module:
    torch.manual_seed(0)
    return spectrally_normalised(PatchDiscriminator(PatchConfig(width=4)))


def test_every_convolution_has_a_largest_singular_value_of_one() -> None:
    network = judge()
    for _ in range(200):  # one iteration of the power method each
        network(torch.zeros(1, 3, 32, 32))
    found = [m.weight.flatten(1) for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(found) == 5
    for weight in found:
        torch.testing.assert_close(torch.linalg.matrix_norm(weight, 2), torch.tensor(1.0), rtol=1e-3, atol=0)


def test_stands_in_place_of_instance_normalisation_and_notices_large_weights() -> None:
    network = judge()
    assert not any(isinstance(module, InstanceNorm) for module in network.modules())
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    network.eval()
    before = network(x)
    assert before.std() > 0
    state = network.state_dict()
    raw = [name for name in state if name.endswith("weight.original")]
    assert len(raw) == 5
    network.load_state_dict(state | {name: 100 * state[name] for name in raw})
    network.train()
    for _ in range(30):
        network(x)
    network.eval()
    torch.testing.assert_close(network(x), before, rtol=0.1, atol=1e-3)


def test_its_state_is_complete() -> None:
    """A resumed run goes on with the same estimates of the singular values."""
    network, other = judge(), spectrally_normalised(PatchDiscriminator(PatchConfig(width=4)))
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    network(x)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(x), network(x))

"""The discriminator has the published size and field; spectral normalisation bounds what it can do with its weights."""

import pytest
import torch
from receptive_field import field, linear
from torch import nn

from impasto.blocks.instance_norm import InstanceNorm
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator, spectrally_normalised


def test_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in PatchDiscriminator(PatchConfig()).parameters()) == 2_764_737


@pytest.mark.parametrize(("halvings", "side"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_judges_patches(halvings: int, side: int) -> None:
    network = linear(PatchDiscriminator(PatchConfig(width=1, halvings=halvings)))
    assert field(network, 320) == (side, side)


def test_gives_a_map() -> None:
    assert PatchDiscriminator(PatchConfig(width=2))(torch.zeros(2, 3, 256, 256)).shape == (2, 1, 30, 30)


def test_widths_stop_at_eight_times_the_first() -> None:
    layers = PatchDiscriminator(PatchConfig(width=4, halvings=5)).layers
    widths = [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)]
    assert widths == [4, 8, 16, 32, 32, 32, 1]


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

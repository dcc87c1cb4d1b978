"""The discriminator has the published size, field and beginning."""

import pytest
import torch
from receptive_field import field, linear

from impasto.blocks.initialise import STD
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator


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
    widths = [layer.out_channels for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    assert widths == [4, 8, 16, 32, 32, 32, 1]


def test_begins_as_published() -> None:
    torch.manual_seed(0)
    for name, value in PatchDiscriminator(PatchConfig()).named_parameters():
        if name.endswith("bias"):
            assert not value.any()
        elif value.numel() > 10_000:
            assert float(value.detach().std()) == pytest.approx(STD, rel=0.03)

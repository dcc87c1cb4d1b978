"""Attention of pictures of any size, at places in their own pixels."""

import pytest
import torch
from torch import Tensor

from impasto.attention.generator import attention_of as attention
from impasto.errors import OptionError
from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.translation import padded_to


def trained(pooling: int = 1) -> Generator:
    generator = torch.Generator().manual_seed(0)
    network = Generator(GeneratorConfig(width=2, blocks=3, position=2, pooling=pooling))
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    return network


def picture(height: int, width: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("pooling", "shape"), [(1, (5, 8)), (2, (3, 4)), (3, (2, 3))])
def test_cells_cover_the_picture(pooling: int, shape: tuple[int, int]) -> None:
    network, content = trained(pooling), picture(18, 29)
    looks = attention(network, content, torch.tensor([[0, 0], [17, 28]]))
    assert looks.shape == (2, *shape)
    assert not looks.requires_grad
    assert float(looks.min()) >= 0
    assert ((looks.sum((1, 2)) > 0.5) & (looks.sum((1, 2)) <= 1.0001)).all()
    whole = network.looks(network.seen(padded_to(content, 4, 8) * 2 - 1), torch.tensor([[17, 28]]))
    torch.testing.assert_close(looks[1:], whole[:, : shape[0], : shape[1]])


def test_sums_to_one_where_nothing_is_mirrored() -> None:
    looks = attention(trained(), picture(16, 24), torch.tensor([[15, 0], [3, 20], [8, 8]]))
    torch.testing.assert_close(looks.sum((1, 2)), torch.ones(3))


@pytest.mark.parametrize("place", [(-1, 0), (0, 24), (16, 3)])
def test_places_outside_are_refused(place: tuple[int, int]) -> None:
    with pytest.raises(OptionError, match=f"place {place[0]},{place[1]} is outside of the picture of 24 x 16 pixels"):
        attention(trained(), picture(16, 24), torch.tensor([place]))

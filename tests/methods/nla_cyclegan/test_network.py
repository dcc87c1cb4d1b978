"""The generator of NLA-CycleGAN: the block stands where it shall, begins as nothing, and can be looked at."""

from dataclasses import replace

import pytest
import torch
from lively import lively, picture

from impasto.blocks.attention import NonLocalBlock
from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig

SMALL = GeneratorConfig(width=2, blocks=3, position=2)


def test_the_block_takes_the_place_of_a_residual_block() -> None:
    for position in (1, 2, 3):
        blocks = Generator(replace(SMALL, position=position)).network.blocks
        assert [isinstance(block, NonLocalBlock) for block in blocks] == [n == position for n in (1, 2, 3)]
    default = Generator(GeneratorConfig(width=2))
    assert isinstance(default.network.blocks[4], NonLocalBlock), "the middle of nine"
    assert default.attention.theta.out_channels == 4, "half of the channels"


def test_everywhere_sees_everything() -> None:
    """One position changes, and with it what every other one is given."""
    network = lively(Generator(SMALL))
    x = network.network.features(picture(64, 64), 1)
    changed = x.clone()
    changed[..., -1, -1] += 1
    difference = (network.attention(changed) - network.attention(x)).abs()
    assert difference[..., :-1, :-1].amax(1).min() > 0


def test_compose_blends_with_the_input() -> None:
    network = lively(Generator(replace(SMALL, compose=True)))
    x = picture()
    layers = network.network(x)
    share = network.share(x)
    assert share.shape == (1, 1, 16, 24)
    torch.testing.assert_close(share, 1 / (1 + torch.exp(-layers[:, 3:])))
    assert float(share.std()) > 0.01
    torch.testing.assert_close(network(x), share * torch.tanh(layers[:, :3]) + (1 - share) * x)
    last = network.network.decoder[-1]
    assert isinstance(last, torch.nn.Conv2d)
    assert last.bias is not None
    last.weight[3:] = 0
    last.bias[3:] = -200
    assert torch.equal(network(x), x), "nothing painted: the input itself"


@pytest.mark.parametrize("pooling", [1, 2])
def test_where_places_look(pooling: int) -> None:
    network = lively(Generator(replace(SMALL, pooling=pooling)))
    x = picture()
    places = torch.tensor([[0, 0], [3, 3], [15, 23], [9, 5]])
    looks = network.looks(network.seen(x), places)
    assert looks.shape == (4, 4 // pooling, 6 // pooling)
    before = network.network.features(x, 1)
    positions = torch.tensor([0, 0, 3 * 6 + 5, 2 * 6 + 1])
    torch.testing.assert_close(looks, network.attention.weights(before, positions)[0])
    torch.testing.assert_close(looks.sum((1, 2)), torch.ones(4))
    assert torch.equal(looks[0], looks[1]), "one position of the features"
    assert not torch.equal(looks[0], looks[2])

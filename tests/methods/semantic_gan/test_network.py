"""The generator of paper 003: its size, its parts, and an attention that begins as nothing and can be looked at."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from lively import lively, picture
from torch import Tensor, nn

from impasto.blocks.attention import SelfAttention
from impasto.blocks.resnet_generator import ResidualBlock
from impasto.errors import OptionError
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig

SMALL = GeneratorConfig(width=2, blocks=1, pooling=2)


def attention_of(network: Generator) -> SelfAttention:
    (block,) = (module for module in network.modules() if isinstance(module, SelfAttention))
    return block


@pytest.mark.parametrize(
    ("attention", "more"),
    # f, g, h: C -> 16; v: 16 -> C; gamma; for C of 24, 48 and 96.
    [("none", 0), ("full", 3 * 400 + 408 + 1), ("half", 3 * 784 + 816 + 1), ("quarter", 3 * 1552 + 1632 + 1)],
)
def test_has_the_paper_s_number_of_parameters(attention: Any, more: int) -> None:
    """6.5 M in its text; by the widths 24-48-96-192, 6.42 M and the attention."""
    network = Generator(GeneratorConfig(attention=attention))
    assert sum(p.numel() for p in network.parameters()) == 6_418_467 + more


def test_is_three_halvings_nine_blocks_and_three_doublings() -> None:
    network = Generator(GeneratorConfig(width=2))
    assert network.encode(picture(32, 48)).shape == (1, 16, 4, 6)
    assert network(picture(32, 48)).shape == (1, 3, 32, 48)
    assert sum(isinstance(layer, ResidualBlock) for layer in network.encoder) == 9, "nine rest blocks"
    assert not any(isinstance(module, ResidualBlock) for module in network.decoder)
    doublings = [layer for layer in network.decoder if isinstance(layer, nn.ConvTranspose2d)]
    assert len(doublings) == 3, "five would make 1024 of 256"


@pytest.mark.parametrize(("attention", "stride"), [("full", 1), ("half", 2), ("quarter", 4)])
def test_attention_stands_where_it_is_said(attention: Any, stride: int) -> None:
    network = lively(Generator(replace(SMALL, attention=attention)))
    seen: list[Tensor] = []
    attention_of(network).register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    network(picture())
    assert seen[0].shape == (1, 2 * stride, 16 // stride, 24 // stride)
    assert network.cell == 2 * stride
    if attention == "full":
        assert isinstance(network.decoder[-2], SelfAttention), "at the end of the generator"


def test_looks_are_those_of_the_block_in_its_place() -> None:
    network = lively(Generator(replace(SMALL, attention="half")))
    seen: list[Tensor] = []
    attention_of(network).register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    network(picture())
    looks = network.looks(network.seen(picture()), torch.tensor([[0, 0], [15, 23], [7, 9]]))
    expected = attention_of(network).weights(seen[0], torch.tensor([0, 7 * 12 + 11, 3 * 12 + 4]))[0]
    assert looks.shape == (3, 4, 6)
    torch.testing.assert_close(looks, expected)
    with pytest.raises(OptionError, match="trained without attention"):
        lively(Generator(replace(SMALL, attention="none"))).seen(picture())


def test_says_what_attention_at_full_size_takes() -> None:
    plain, full = (Generator(GeneratorConfig(attention=attention)) for attention in ("none", "full"))
    assert full.bytes_per_pixel - plain.bytes_per_pixel == 4 * (16 + 16 + 24 + 24)

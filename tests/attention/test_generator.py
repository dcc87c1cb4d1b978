"""Attention of either method's generator: pictures of any size, at places in their own pixels."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from looking import nla, pixels

from impasto.attention.generator import attention_of
from impasto.errors import OptionError
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig
from impasto.translation import padded_to


def semantic(**settings: Any) -> Generator:
    generator = torch.Generator().manual_seed(0)
    network = Generator(GeneratorConfig(width=2, blocks=1, **settings))
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    return network


@pytest.mark.parametrize(
    ("make", "settings", "shape"),
    [
        (nla, {"pooling": 1}, (5, 8)),
        (nla, {"pooling": 2}, (3, 4)),
        (nla, {"pooling": 3}, (2, 3)),
        (semantic, {"attention": "full", "pooling": 1}, (18, 29)),
        (semantic, {"attention": "full", "pooling": 4}, (5, 8)),
        (semantic, {"attention": "half", "pooling": 2}, (5, 8)),
        (semantic, {"attention": "quarter", "pooling": 2}, (3, 4)),
    ],
)
def test_cells_cover_the_picture(make: Callable[..., Any], settings: dict[str, Any], shape: tuple[int, int]) -> None:
    network, content = make(**settings), pixels(18, 29)
    looks = attention_of(network, content, torch.tensor([[0, 0], [17, 28]]))
    assert looks.shape == (2, *shape)
    assert not looks.requires_grad
    assert float(looks.min()) >= 0
    assert ((looks.sum((1, 2)) > 0.2) & (looks.sum((1, 2)) <= 1.0001)).all()
    padded = padded_to(content, network.multiple, network.minimum)
    whole = network.looks(network.seen(padded * 2 - 1), torch.tensor([[17, 28]]))
    torch.testing.assert_close(looks[1:], whole[:, : shape[0], : shape[1]])


@pytest.mark.parametrize("make", [nla, semantic])
def test_sums_to_one_where_nothing_is_mirrored(make: Callable[..., Any]) -> None:
    looks = attention_of(make(), pixels(16, 24), torch.tensor([[15, 0], [3, 20], [8, 8]]))
    torch.testing.assert_close(looks.sum((1, 2)), torch.ones(3))


@pytest.mark.parametrize("place", [(-1, 0), (0, 24), (16, 3)])
def test_places_outside_are_refused(place: tuple[int, int]) -> None:
    with pytest.raises(OptionError, match=f"place {place[0]},{place[1]} is outside of the picture of 24 x 16 pixels"):
        attention_of(nla(), pixels(16, 24), torch.tensor([place]))

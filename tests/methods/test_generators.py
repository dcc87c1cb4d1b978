"""The networks of all generators: published sizes, a use for every setting, and what cannot be built."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from lively import lively, picture
from torch import nn

from impasto.blocks.attention import NonLocalBlock, SelfAttention
from impasto.blocks.initialise import STD
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.errors import OptionError
from impasto.methods.aggan import network as aggan
from impasto.methods.cyclegan import network as cyclegan
from impasto.methods.dncnn_cyclegan import network as dncnn
from impasto.methods.munit import network as munit
from impasto.methods.nla_cyclegan import network as nla
from impasto.methods.semantic_gan import network as semantic

SMALL: dict[Any, Any] = {
    cyclegan: cyclegan.GeneratorConfig(width=2, blocks=2),
    nla: nla.GeneratorConfig(width=2, blocks=3, position=2),
    dncnn: dncnn.GeneratorConfig(depth=1, width=2),
    munit: munit.GeneratorConfig(width=2, blocks=1, style_size=3, mlp_width=4),
    aggan: aggan.GeneratorConfig(width=2, blocks=1, attention_width=2),
    semantic: semantic.GeneratorConfig(width=2, blocks=1, pooling=2),
}
CHANGES: dict[Any, list[dict[str, Any]]] = {
    cyclegan: [{"width": 3}, {"blocks": 3}, {"upsampling": "resize"}],
    nla: [
        {"width": 3}, {"blocks": 4}, {"upsampling": "resize"}, {"position": 3}, {"inner": 3}, {"pooling": 2},
        {"compose": True},
    ],
    dncnn: [{"depth": 2}, {"width": 8}],
    munit: [{"width": 3}, {"blocks": 2}, {"style_size": 4}, {"mlp_width": 5}],
    aggan: [{"width": 3}, {"blocks": 2}, {"upsampling": "resize"}, {"attention_width": 3}],
    semantic: [
        {"width": 3}, {"blocks": 2}, {"upsampling": "resize"}, {"attention": "none"}, {"attention": "half"},
        {"attention": "quarter"}, {"pooling": 1}, {"pooling": 4},
    ],
}  # fmt: skip
REFUSED: list[tuple[Any, dict[str, Any]]] = [
    (nla, {"position": 0}), (nla, {"position": 4}), (nla, {"pooling": 0}), (nla, {"inner": -1}),
    (munit, {"width": 0}), (munit, {"blocks": 0}), (munit, {"style_size": 0}), (munit, {"mlp_width": 0}),
    (semantic, {"width": 0}), (semantic, {"blocks": -1}), (semantic, {"pooling": 0}), (semantic, {"attention": "64"}),
]  # fmt: skip


@pytest.mark.parametrize(("network", "change"), [(name, one) for name, each in CHANGES.items() for one in each])
def test_every_setting_changes_what_is_painted(network: Any, change: dict[str, Any]) -> None:
    one, other = (
        lively(network.Generator(config))(picture()) for config in (SMALL[network], replace(SMALL[network], **change))
    )
    assert one.shape == other.shape == picture().shape
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("network", "change"), REFUSED)
def test_what_cannot_be_built_is_said(network: Any, change: dict[str, Any]) -> None:
    ((name, value),) = change.items()
    with pytest.raises(OptionError, match=f"{name} is '?{value}'?.* but must be"):
        replace(SMALL[network], **change)


@pytest.mark.parametrize(("network", "count"), [(cyclegan, 11_378_179), (nla, 10_329_731), (dncnn, 225_859)])
def test_has_the_published_number_of_parameters(network: Any, count: int) -> None:
    assert sum(p.numel() for p in network.Generator(network.GeneratorConfig()).parameters()) == count


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (PatchDiscriminator, PatchConfig()),
        (cyclegan.Generator, cyclegan.GeneratorConfig(width=32)),
        (semantic.Generator, semantic.GeneratorConfig(width=16)),
    ],
)
def test_begins_as_published(kind: Any, config: Any) -> None:
    torch.manual_seed(0)
    network = kind(config)
    for name, value in network.named_parameters():
        if name.endswith(("gamma", "bias")):
            assert not value.any(), name
        elif value.numel() > 2000:
            assert float(value.detach().std()) == pytest.approx(STD, rel=0.1), name


@pytest.mark.parametrize("network", [nla, semantic])
def test_begins_without_attention(network: Any) -> None:
    torch.manual_seed(0)
    generator = network.Generator(SMALL[network])
    painted = generator(picture())
    assert painted.std() > 0
    for module in list(generator.modules()):
        for name, child in module.named_children():
            if isinstance(child, NonLocalBlock | SelfAttention):
                setattr(module, name, nn.Identity())
    assert torch.equal(generator(picture()), painted)


def test_no_value_leaves_the_range() -> None:
    generator = cyclegan.Generator(SMALL[cyclegan])
    for value in generator.parameters():
        value.data *= 100
    assert 0.9 < float(generator(picture()).detach().abs().max()) <= 1

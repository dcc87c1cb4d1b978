"""The networks of MUNIT: the published sizes and fields, and codes that say what they shall."""

from pathlib import Path
from typing import Any

import torch
from lively import picture
from receptive_field import field, linear
from torch import Tensor, nn

import impasto
from impasto.methods.munit.network import DiscriminatorConfig, Generator, GeneratorConfig, MultiScaleDiscriminator
from impasto.translation import save_generators

SMALL = GeneratorConfig(width=2, blocks=1, style_size=3, mlp_width=4)


def made(config: GeneratorConfig) -> Generator:
    torch.manual_seed(0)
    return Generator(config).requires_grad_(False)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_has_the_published_numbers_of_parameters() -> None:
    """Both directions with their discriminators are the 46.6 million that others report of MUNIT."""
    generator, discriminator = Generator(GeneratorConfig()), MultiScaleDiscriminator(DiscriminatorConfig())
    parts = {name: count(part) for name, part in generator.named_children()}
    assert parts == {"content_encoder": 5_385_856, "style_encoder": 2_764_936, "decoder": 6_875_395}
    assert count(generator.decoder.mlp) == 1_120_768
    assert count(discriminator) == 8_271_171
    assert round(2 * (count(generator) + count(discriminator)) / 1e6, 1) == 46.6


def test_fields() -> None:
    judge = linear(MultiScaleDiscriminator(DiscriminatorConfig(width=1)))
    sides = [field(lambda x, scale=scale: judge(x)[scale], 512)[0] for scale in range(3)]  # type: ignore[misc]
    assert sides == [46, 93, 187]
    generator = linear(Generator(GeneratorConfig(width=1)))
    assert field(generator.content_encoder, 256) == (80, 80)  # type: ignore[arg-type]
    assert field(nn.Sequential(*list(generator.style_encoder)[:-2]), 256) == (52, 52), "before the mean"  # type: ignore[arg-type]


def test_shapes() -> None:
    network = made(SMALL)
    assert network.encode(picture()).shape == (1, 8, 4, 6)
    assert network.style_of(picture(17, 31)).shape == (1, 3)
    assert network(picture()).shape == (1, 3, 16, 24)
    maps = MultiScaleDiscriminator(DiscriminatorConfig(width=2))(picture(64, 128))
    assert [tuple(one.shape) for one in maps] == [(1, 1, 4, 8), (1, 1, 2, 4), (1, 1, 1, 2)]


def test_a_block_is_adain_of_two_convolutions() -> None:
    """sigma and mu of every channel become the style's gamma and beta."""
    block = made(SMALL).decoder.blocks[0]
    x = torch.randn(2, 8, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    statistics = torch.randn(2, 32, 1, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    added = block.double()(x, statistics) - x
    beta, gamma = statistics[:, 16:24], statistics[:, 24:]
    torch.testing.assert_close(added.mean((2, 3), keepdim=True), beta)
    torch.testing.assert_close(added.std((2, 3), keepdim=True, correction=0), gamma.abs(), rtol=1e-3, atol=1e-4)


def test_the_style_says_how_and_not_where() -> None:
    """A style code is a mean over places; the decoder is given nothing else of the painting."""
    network = made(SMALL)
    flat = torch.full((1, 3, 32, 32), 0.3)
    torch.testing.assert_close(network.style_of(flat), network.style_of(flat[..., :16]))
    content = network.encode(picture())
    one, other = (network.decode(content, torch.full((1, 3), value)) for value in (-1.0, 1.0))
    assert float((one - other).abs().max()) > 0.01
    assert torch.equal(network(picture()), network.decode(content, torch.zeros(1, 3)))


def test_styles_are_drawn_or_given(tmp_path: Path) -> None:
    """Without a painting the seed draws one; with several, their codes are averaged."""
    network = made(SMALL)
    save_generators(tmp_path / "g.safetensors", "munit", {"A2B": network}, {})
    method = impasto.load("munit", device="cpu", weights=tmp_path / "g.safetensors")
    content = (picture(16, 20) + 1) / 2
    styles = [(picture(20, 28, seed) + 1) / 2 for seed in (2, 3)]

    def painted(given: list[Tensor], **choices: Any) -> Tensor:
        return method(content, given, impasto.StylizeOptions("munit", precision="fp32", **choices))

    def expected(code: Tensor) -> Tensor:
        return (loaded(content * 2 - 1, code) / 2 + 0.5).clamp(0, 1)

    loaded, _ = method.network(impasto.StylizeOptions("munit", precision="fp32"))  # type: ignore[attr-defined]
    for seed in (0, 7):
        drawn = torch.randn(1, 3, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(painted([], seed=seed), expected(drawn))
    codes = [loaded.style_of(style * 2 - 1) for style in styles]
    torch.testing.assert_close(painted(styles), expected((codes[0] + codes[1]) / 2))
    torch.testing.assert_close(painted(styles[:1], seed=7), expected(codes[0]))

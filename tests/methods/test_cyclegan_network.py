"""The networks of CycleGAN: published sizes, stored configs, every setting of the generator."""

import pytest
import torch
from torch import Tensor

from impasto.blocks.initialise import STD
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.methods.cyclegan.network import Generator, GeneratorConfig

SMALL = GeneratorConfig(width=2, blocks=2)


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def picture(height: int = 12, width: int = 16) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_has_the_published_number_of_parameters() -> None:
    generator, discriminator = Generator(GeneratorConfig()), PatchDiscriminator(PatchConfig())
    assert parameters(generator) == 11_378_179
    assert 2 * (parameters(generator) + parameters(discriminator)) == 28_285_832
    weights = [value for value in generator.parameters() if value.numel() > 10_000]
    for value in weights:
        assert float(value.detach().std()) == pytest.approx(STD, rel=0.03)


def test_every_setting_makes_another_network() -> None:
    painted = []
    for config in (SMALL, GeneratorConfig(width=3, blocks=2), GeneratorConfig(width=2, blocks=3),
                   GeneratorConfig(width=2, blocks=2, upsampling="resize")):  # fmt: skip
        torch.manual_seed(0)
        painted.append(Generator(config)(picture()))
    assert len({tuple(one.flatten().tolist()) for one in painted}) == 4


def test_paints_pictures() -> None:
    torch.manual_seed(0)
    generator = Generator(SMALL)
    for value in generator.parameters():
        value.data *= 100
    painted = generator(picture())
    assert painted.shape == (1, 3, 12, 16)
    assert 0.9 < float(painted.detach().abs().max()) <= 1

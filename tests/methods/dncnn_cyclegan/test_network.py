"""The networks of DnCNN-CycleGAN are those that paper 002 lists."""

import pytest
import torch
from receptive_field import field, linear
from torch import nn

from impasto.blocks.instance_norm import InstanceNorm
from impasto.methods.dncnn_cyclegan.network import Discriminator, Generator, GeneratorConfig


def kinds(network: nn.Module) -> list[str]:
    names = {
        nn.Conv2d: "conv", nn.ReLU: "relu", nn.BatchNorm2d: "bn", InstanceNorm: "in", nn.LeakyReLU: "leaky",
    }  # fmt: skip
    return [names[type(module)] for module in network.modules() if type(module) in names]


def test_generator_is_as_listed() -> None:
    generator = Generator(GeneratorConfig())
    assert kinds(generator) == ["conv", "relu", *(["conv", "bn", "relu"] * 6), "conv"]
    convolutions = [layer for layer in generator.layers if isinstance(layer, nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in convolutions] == [(3, 64), *[(64, 64)] * 6, (64, 3)]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    norms = [layer for layer in generator.layers if isinstance(layer, nn.BatchNorm2d)]
    # BatchNorm2d(C, C), as a known program of the course has it, would set the second, eps, to 64.
    assert {norm.eps for norm in norms} == {1e-5}


def test_discriminator_is_as_listed() -> None:
    discriminator = Discriminator()
    assert kinds(discriminator) == [*(["conv", "in", "leaky"] * 4), "conv"]
    convolutions = [layer for layer in discriminator.layers if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [16, 64, 256, 256, 1]
    assert {layer.negative_slope for layer in discriminator.layers if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert discriminator(torch.zeros(2, 3, 5, 7)).shape == (2, 35), "(batch_size, image_w * image_h)"


@pytest.mark.parametrize("depth", [1, 6])
def test_fields(depth: int) -> None:
    network = linear(Generator(GeneratorConfig(depth=depth, width=1)))
    assert field(network, 32) == (2 * depth + 5, 2 * depth + 5)
    layers = linear(Discriminator()).layers  # type: ignore[union-attr]
    assert field(layers, 32) == (11, 11)  # type: ignore[arg-type]


def test_the_result_is_not_added_to_the_input() -> None:
    generator = Generator(GeneratorConfig(depth=1, width=2))
    for parameter in generator.parameters():
        parameter.data.zero_()
    assert not generator(torch.ones(1, 3, 4, 4)).any()

"""The networks of attention-guided translation: sizes, fields, and what is left alone."""

import torch
from lively import lively, picture
from receptive_field import field, linear
from torch import nn
from torch.nn.functional import avg_pool2d

from impasto.attention.photo import attention_of, mean_attention
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.methods.aggan.network import AttentionNetwork, Discriminator, Generator, GeneratorConfig
from impasto.translation import padded_to

SMALL = GeneratorConfig(width=2, blocks=1, attention_width=2)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_has_the_expected_numbers_of_parameters() -> None:
    """A quarter of CycleGAN's generator, and the attention, layer by layer as the paper lists them."""
    network = Generator(GeneratorConfig())
    layers = [(3, 32, 7), (32, 64, 3), (64, 64, 3), (64, 64, 3), (64, 64, 3), (64, 32, 3), (32, 1, 7)]
    assert count(network.attention) == sum(i * o * k * k + o for i, o, k in layers) == 154_049
    assert count(network.painter) == 2_850_563
    assert count(Discriminator(PatchConfig())) == count(PatchDiscriminator(PatchConfig()))


def test_field_of_the_attention() -> None:
    assert field(linear(AttentionNetwork(1)), 256) == (39, 39)


def test_what_is_not_attended_to_stays() -> None:
    network, x = lively(Generator(SMALL)), picture()
    share = network.share(x)
    assert share.shape == (1, 1, 16, 24)
    assert 0 <= float(share.min()) < float(share.max()) <= 1
    torch.testing.assert_close(network(x), share * network.paint(x) + (1 - share) * x)
    last = network.attention.layers[-1]
    last.weight.zero_()
    last.bias.fill_(-200)
    assert torch.equal(network(x), x)
    last.bias.fill_(200)
    assert torch.equal(network(x), network.paint(x))


def test_its_attention_is_shown_as_that_of_others() -> None:
    """Every place looks at what is painted; a map of it has sum 1."""
    network, content = lively(Generator(SMALL)), (picture(18, 22) + 1) / 2
    looks = attention_of(network, content, torch.tensor([[0, 0], [17, 21]]))
    assert looks.shape == (2, 5, 6)
    assert torch.equal(looks[0], looks[1])
    torch.testing.assert_close(mean_attention(network, content), looks[0])
    share = avg_pool2d(network.share(padded_to(content, 4, 8) * 2 - 1), 4)[0, 0]
    torch.testing.assert_close(looks[0], (share / share.sum())[:5, :6])


def test_the_discriminator_can_leave_its_normalisation_out() -> None:
    torch.manual_seed(0)
    judge = Discriminator(PatchConfig(width=2))
    with_it = judge(picture(64, 64))
    assert torch.equal(with_it, PatchDiscriminator.forward(judge, picture(64, 64)))
    judge.normalises = False
    assert not torch.allclose(judge(picture(64, 64)), with_it)

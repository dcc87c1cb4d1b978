"""The step of paper 003 against its algorithm, written out plainly, and the watch over the codes."""

from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor
from trainings import Plain, batch, forget, fresh_accelerator, gradient_descent, unpaired_streams  # noqa: F401

from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.data.domains import Domains
from impasto.errors import OptionError
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig
from impasto.methods.semantic_gan.training import SemanticGANRecipe, SemanticTraining
from impasto.training.loop import Schedule
from impasto.training.optimisation import Adam, StepDecay
from impasto.training.unpaired import Networks
from impasto.translation import DIRECTIONS

PAPER = SemanticGANRecipe(
    schedule=Schedule(steps=8), generator_rates=StepDecay(rate=1e-3, epochs=1), batch=2,
    discriminator_rates=StepDecay(rate=2e-3, epochs=1), normalised_codes=False, reconstruction_weight=0.0,
)  # fmt: skip
ANCHORED = replace(PAPER, normalised_codes=True, reconstruction_weight=10.0, cycle_weight=3.0, semantic_weight=2.0)


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Domains:
    return unpaired_streams(tmp_path_factory.mktemp("streams"))


def networks() -> Networks:
    generator = Generator(GeneratorConfig(width=2, blocks=1))
    with torch.no_grad():
        generator.decoder[-2].gamma.fill_(0.5)  # type: ignore[union-attr, operator]
    return Networks(generator=generator, discriminator=PatchDiscriminator(PatchConfig(width=2)))


def make(streams: Domains, settings: SemanticGANRecipe, precision: str = "no") -> SemanticTraining:
    forget()
    torch.manual_seed(settings.seed)
    accelerator = Accelerator(cpu=True, mixed_precision=precision)
    return SemanticTraining(
        {direction: networks() for direction in DIRECTIONS}, accelerator, streams, streams, settings
    )


def normalised(code: Tensor) -> Tensor:
    return (code - code.mean((2, 3), keepdim=True)) / (code.var((2, 3), keepdim=True, correction=0) + 1e-5).sqrt()


class PlainPaper(Plain):
    """Paper 003, each formula as it stands, its encoders and decoders apart."""

    def __init__(self, training: SemanticTraining, settings: SemanticGANRecipe) -> None:
        super().__init__(training, 1e-3, 2e-3)
        self.settings = settings

    def step(self, pictures: tuple[Tensor, Tensor]) -> None:
        x, y = (picture.double() / 127.5 - 1 for picture in pictures)
        halves = [(x[i : i + 2], y[i : i + 2]) for i in range(0, len(x), 2)]
        x, y = halves[0]
        E_A, E_B, D_B, D_A = self.G.encoder, self.F.encoder, self.G.decoder, self.F.decoder
        feature_x, feature_y = E_A(x), E_B(y)
        fake_y, fake_x = D_B(feature_x).tanh(), D_A(feature_y).tanh()
        again_x, again_y = E_B(fake_y), E_A(fake_x)
        settings = self.settings
        if settings.adversarial == "lsgan":
            loss = 0.5 * ((self.D_B(fake_y) - 1) ** 2).mean() + 0.5 * ((self.D_A(fake_x) - 1) ** 2).mean()
        else:
            loss = -self.D_B(fake_y).mean() - self.D_A(fake_x).mean()
        f = normalised if settings.normalised_codes else lambda code: code
        semantic = (f(feature_x) - f(again_x)).abs().mean() + (f(feature_y) - f(again_y)).abs().mean()
        same = (D_A(feature_x).tanh() - x).abs().mean() + (D_B(feature_y).tanh() - y).abs().mean()
        cycle = (D_A(again_x).tanh() - x).abs().mean() + (D_B(again_y).tanh() - y).abs().mean()
        loss = loss + settings.semantic_weight * semantic
        loss = loss + settings.reconstruction_weight * same + settings.cycle_weight * cycle
        self.learn(loss, self.of_generators)
        for number, (real_x, real_y) in enumerate(halves):
            shown_y, shown_x = (fake_y, fake_x) if number == 0 else (self.G(real_x), self.F(real_y))
            for D, optimizer, real, fake in zip(
                (self.D_B, self.D_A), self.of_judges, (real_y, real_x), (shown_y, shown_x), strict=True
            ):
                judged_real, judged_fake = D(real), D(fake.detach())
                if settings.adversarial == "lsgan":
                    judged = 0.5 * ((judged_real - 1) ** 2).mean() + 0.5 * (judged_fake**2).mean()
                else:
                    judged = (1 - judged_real).relu().mean() + (1 + judged_fake).relu().mean()
                self.learn(judged, optimizer)


@pytest.mark.parametrize(
    "settings",
    [PAPER, ANCHORED, replace(ANCHORED, adversarial="hinge"), replace(PAPER, discriminator_steps=2)],
    ids=["paper", "anchored", "hinge", "two judgements"],
)
def test_the_step_is_the_algorithm(streams: Domains, settings: SemanticGANRecipe) -> None:
    training = make(streams, replace(settings, optimizer=cast(Adam, gradient_descent)))
    plain = PlainPaper(training, settings)
    for step in range(2):
        pictures = batch(step, 2 * settings.discriminator_steps)
        training.step(pictures, step)
        plain.step(pictures)
    plain.check(training, atol=4e-6)


def test_losses_are_named(streams: Domains) -> None:
    losses = make(streams, ANCHORED).step(batch(0), 0)
    kinds = ("adversarial", "semantic", "reconstruction", "cycle", "discriminator")
    assert set(losses) == {f"{direction}/{kind}" for direction in DIRECTIONS for kind in kinds}
    assert not any(loss.requires_grad for loss in losses.values())
    letter = make(streams, PAPER).step(batch(0), 0)
    assert {name.partition("/")[2] for name in letter} == {"adversarial", "semantic", "discriminator"}


def test_batches_hold_pictures_for_every_judgement(streams: Domains) -> None:
    A, B = next(make(streams, replace(PAPER, discriminator_steps=3)).batches(0))
    assert A.shape == B.shape == (6, 3, 32, 32)
    seen: list[Tensor] = []
    training = make(streams, replace(PAPER, discriminator_steps=3))
    training.discriminators["A2B"].register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    training.step((A, B), 0)
    reals = torch.cat([seen[1], seen[3], seen[5]])  # after what the generator asked, real and painted ones in turn
    assert torch.equal(reals, B.float() / 127.5 - 1)


def test_half_precision_agrees_and_keeps_losses_whole(streams: Domains) -> None:
    whole, half = make(streams, ANCHORED), make(streams, ANCHORED, precision="bf16")
    exact, rounded = whole.step(batch(0), 0), half.step(batch(0), 0)
    for name, value in exact.items():
        assert rounded[name].dtype == torch.float32
        assert float(rounded[name]) == pytest.approx(float(value), rel=0.05), name
    for module in half.modules.values():
        assert {value.dtype for value in module.state_dict().values() if value.is_floating_point()} == {torch.float32}


def test_validation_is_the_means_of_the_errors(streams: Domains) -> None:
    training = make(streams, ANCHORED)
    measured = training.validate()
    pictures = torch.stack([streams["B"][index] for index in range(3)]).float() / 127.5 - 1
    G, F = (training.averages[direction] for direction in DIRECTIONS)
    with torch.no_grad():
        code = F.encode(pictures)
        again = G.encode(F(pictures))
        expected = {
            "held out B/reconstruction": (G.decode(code) - pictures).abs().mean(),
            "held out B/cycle": (G.decode(again) - pictures).abs().mean(),
            "held out B/semantic": (normalised(code) - normalised(again)).abs().mean(),
        }
    for name, value in expected.items():
        assert measured[name] == pytest.approx(float(value), rel=1e-4)
    kinds = (measured["held out A/reconstruction"], measured["held out B/reconstruction"])
    assert measured[training.measure] == pytest.approx(sum(kinds) / 2)


def test_health_sees_collapsed_codes(streams: Domains) -> None:
    training = make(streams, ANCHORED)
    before = training.health()
    codes = {"A/code deviation", "B/code deviation"}
    vitals = ("luminance correlation", "copying", "diversity")
    assert set(before) == codes | {f"{direction}/{vital}" for direction in DIRECTIONS for vital in vitals}
    assert min(before[name] for name in codes) > 0.5
    with torch.no_grad():
        # Whatever A is, only the border is left of it: the first convolution says nothing of the picture.
        training.averages["A2B"].encoder[0].weight.zero_()
    after = training.health()
    assert after["A/code deviation"] < 0.01
    assert after["B/code deviation"] == before["B/code deviation"]


def test_codes_that_say_nothing_satisfy_the_semantic_loss_but_not_the_anchor(streams: Domains) -> None:
    """Why the anchor is on by default, and why the codes are watched."""
    training = make(streams, replace(PAPER, normalised_codes=True))
    for generators in (training.generators, training.averages):
        for generator in generators.values():
            generator.encoder[0].weight.data.zero_()
    losses = training.step(batch(0), 0)
    assert losses["A2B/semantic"] == losses["B2A/semantic"] == 0, "no loss could be better"
    assert training.validate()[training.measure] > 0.1
    vitals = training.health()
    assert max(vitals["A/code deviation"], vitals["B/code deviation"]) < 0.01
    anchored = make(streams, ANCHORED)
    for generator in anchored.generators.values():
        generator.encoder[0].weight.data.zero_()
    assert anchored.step(batch(0), 0)["A2B/reconstruction"] > 1, "weighted by 10"


@pytest.mark.parametrize("change", [{"adversarial": "wgan"}, {"discriminator_steps": 0}], ids=str)
def test_what_makes_no_sense_is_said(change: dict[str, Any]) -> None:
    (name,) = change
    with pytest.raises(OptionError, match=f"{name} is '?{change[name]}"):
        replace(PAPER, **change)

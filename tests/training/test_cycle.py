"""The four-network step against the published algorithm, written out plainly."""

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from trainings import Plain, batch, forget, fresh_accelerator, gradient_descent, unpaired_streams  # noqa: F401

from impasto import tensors
from impasto.blocks.instance_norm import InstanceNorm
from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.data.domains import Domains
from impasto.encoders import load_encoder
from impasto.errors import OptionError
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.methods.cyclegan.recipes import CycleGANRecipe
from impasto.methods.dncnn_cyclegan import network as dncnn
from impasto.metrics import kernel_distance, psnr
from impasto.training import cycle, unpaired
from impasto.training.cycle import CycleTraining
from impasto.training.health import translation_vitals
from impasto.training.loop import Schedule
from impasto.training.optimisation import Adam, LinearDecay, NAdam, StepDecay
from impasto.training.processes import average_gradients
from impasto.training.unpaired import Networks
from impasto.translation import DIRECTIONS

CYCLEGAN = CycleGANRecipe(
    schedule=Schedule(steps=8), rates=LinearDecay(rate=1e-3, epochs=4, constant=2), optimizer=Adam(), batch=2, pool=3
)
PAPER_002 = replace(
    CYCLEGAN, rates=StepDecay(rate=1e-3, epochs=2), cycle_weight=1.0, identity_weight=0.0, discriminator_weight=1.0,
    pool=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Domains:
    return unpaired_streams(tmp_path_factory.mktemp("streams"))


def resnet_networks() -> Networks:
    return Networks(
        generator=Generator(GeneratorConfig(width=2, blocks=1)), discriminator=PatchDiscriminator(PatchConfig(width=2))
    )


def dncnn_networks() -> Networks:
    generator = dncnn.Generator(dncnn.GeneratorConfig(depth=2, width=4))
    return Networks(generator=generator, discriminator=dncnn.Discriminator())


def make(
    streams: Domains,
    settings: CycleGANRecipe,
    networks: Callable[[], Networks] = resnet_networks,
    precision: str = "no",
) -> CycleTraining:
    forget()
    torch.manual_seed(settings.seed)
    accelerator = Accelerator(cpu=True, mixed_precision=precision)
    made = {direction: networks() for direction in DIRECTIONS}
    return CycleTraining(made, accelerator, streams, streams, settings)


# Little, so that rounding does not grow from step to step.
RATE = 0.001


class PlainCycle(Plain):
    """Zhu et al. 2017, or paper 002, part II, while the pools fill: each formula as it stands."""

    def __init__(self, training: CycleTraining, cycle: float, identity: float, judge: float) -> None:
        super().__init__(training, RATE)
        self.cycle, self.identity, self.judge = cycle, identity, judge

    def step(self, pictures: tuple[Tensor, Tensor]) -> None:
        a, b = (picture.double() / 127.5 - 1 for picture in pictures)
        fake_b, fake_a = self.G(a), self.F(b)
        loss = ((self.D_B(fake_b) - 1) ** 2).mean() + ((self.D_A(fake_a) - 1) ** 2).mean()
        loss = loss + self.cycle * ((self.F(fake_b) - a).abs().mean() + (self.G(fake_a) - b).abs().mean())
        if self.identity:
            loss = loss + self.identity * ((self.G(b) - b).abs().mean() + (self.F(a) - a).abs().mean())
        self.learn(loss, self.of_generators)
        for D, optimizer, real, fake in zip(
            (self.D_B, self.D_A), self.of_judges, (b, a), (fake_b, fake_a), strict=True
        ):
            self.learn(self.judge * (((D(real) - 1) ** 2).mean() + (D(fake.detach()) ** 2).mean()), optimizer)


@pytest.mark.parametrize(
    ("settings", "networks", "side", "weights"),
    [
        (replace(CYCLEGAN, pool=50), resnet_networks, 32, (10.0, 5.0, 0.5)),
        (PAPER_002, dncnn_networks, 6, (1.0, 0.0, 1.0)),
    ],
    ids=["cyclegan", "paper 002"],
)
def test_the_step_is_the_published_algorithm(
    streams: Domains, settings: CycleGANRecipe, networks: Any, side: int, weights: tuple[float, float, float]
) -> None:
    rates = StepDecay(rate=RATE, epochs=1)
    training = make(streams, replace(settings, optimizer=cast(Adam, gradient_descent), rates=rates), networks)
    plain = PlainCycle(training, *weights)
    for step in range(3):
        training.step(batch(step, side=side), step)
        plain.step(batch(step, side=side))
    plain.check(training, atol=1e-6)


def test_losses_are_named_and_weighted(streams: Domains) -> None:
    training = make(streams, CYCLEGAN)
    A, B = (picture.float() / 127.5 - 1 for picture in batch(0))
    with torch.no_grad():
        G, F = (training.generators[direction] for direction in DIRECTIONS)
        D_B = training.discriminators["A2B"]
        expected = {
            "A2B/adversarial": (D_B(G(A)) - 1).square().mean(),
            "A2B/cycle": 10 * (F(G(A)) - A).abs().mean(),
            "A2B/identity": 5 * (G(B) - B).abs().mean(),
            "B2A/cycle": 10 * (G(F(B)) - B).abs().mean(),
            "A2B/discriminator": 0.5 * ((D_B(B) - 1).square().mean() + D_B(G(A)).square().mean()),
        }
    losses = training.step(batch(0), 0)
    kinds = ("adversarial", "cycle", "identity", "discriminator")
    assert set(losses) == {f"{direction}/{kind}" for direction in DIRECTIONS for kind in kinds}
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-4, atol=1e-5)
    assert not any(loss.requires_grad for loss in losses.values())
    without = make(streams, replace(CYCLEGAN, identity_weight=0.0)).step(batch(0), 0)
    assert set(without) == set(losses) - {"A2B/identity", "B2A/identity"}


def test_discriminators_judge_what_the_pools_hand_out(streams: Domains) -> None:
    training = make(streams, CYCLEGAN)
    seen: list[Tensor] = []
    for direction, number in (("A2B", 1.0), ("B2A", -1.0)):
        pool = cast(nn.Module, training.pools[direction])
        pool.forward = lambda fakes, number=number: torch.full_like(fakes, number)  # type: ignore[method-assign]
        training.discriminators[direction].register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    training.step(batch(0), 0)
    # For each direction: fakes while the generators learn; then real ones, and what the pool hands out.
    assert [float(x.mean()) for x in (seen[3], seen[5])] == [1.0, -1.0]
    A, B = (picture.float() / 127.5 - 1 for picture in batch(0))
    assert torch.equal(seen[2], B)
    assert torch.equal(seen[4], A)


def test_rates_are_those_of_the_schedule(streams: Domains) -> None:
    training = make(streams, CYCLEGAN)
    for step in (0, 7):
        training.step(batch(step), step)
        expected = CYCLEGAN.rates(step, CYCLEGAN.schedule.steps)
        rates = {group["lr"] for optimizer in training.optimizers.values() for group in optimizer.param_groups}
        assert rates == {expected}
    assert set(training.optimizers) == {"generators", "discriminator_A2B", "discriminator_B2A"}


def test_generators_wait_for_the_head_start_of_their_discriminators(streams: Domains) -> None:
    training = make(streams, replace(CYCLEGAN, head_start=2))
    kinds = (training.generators, training.discriminators)
    weights = [next(networks["A2B"].parameters()) for networks in kinds]  # type: ignore[attr-defined]
    for step, learned in enumerate(((False, True), (False, True), (True, True))):
        before = [weight.detach().clone() for weight in weights]
        training.step(batch(step), step)
        assert tuple(not torch.equal(*pair) for pair in zip(before, weights, strict=True)) == learned


def test_noise_before_the_way_back_is_seen_by_the_cycle_alone(streams: Domains) -> None:
    plain = make(streams, CYCLEGAN).step(batch(0), 0)
    noisy = make(streams, replace(CYCLEGAN, hiding_noise=0.5)).step(batch(0), 0)
    changed = {name for name, value in plain.items() if not torch.equal(value, noisy[name])}
    assert {"A2B/cycle", "B2A/cycle"} == {name for name in changed if not name.endswith("discriminator")}


def test_the_state_holds_everything_that_a_step_changes(streams: Domains) -> None:
    training = make(streams, replace(CYCLEGAN, optimizer=NAdam(), average_decay=0.9))
    kinds = ("generator", "average", "discriminator", "pool")
    assert set(training.modules) == {f"{kind}_{direction}" for kind in kinds for direction in DIRECTIONS}
    before = {name: copy.deepcopy(module.state_dict()) for name, module in training.modules.items()}
    training.step(batch(0), 0)
    for name, module in training.modules.items():
        state = module.state_dict()
        assert any(not torch.equal(value, state[key]) for key, value in before[name].items()), name
    for optimizer in training.optimizers.values():
        assert all("mu_product" in entries for entries in optimizer.state_dict()["state"].values())


def test_averages_follow_the_generators(streams: Domains) -> None:
    same, slow = (make(streams, replace(CYCLEGAN, average_decay=decay)) for decay in (0.0, 0.99))
    for training in (same, slow):
        for step in range(2):
            training.step(batch(step), step)
    for direction in DIRECTIONS:
        for mine, latest in zip(
            same.averages[direction].parameters(), same.generators[direction].parameters(), strict=True
        ):
            assert torch.equal(mine, latest)
    some = next(slow.averages["A2B"].parameters()), next(slow.generators["A2B"].parameters())
    assert not torch.equal(*some)


def test_half_precision_agrees_and_keeps_losses_whole(streams: Domains) -> None:
    whole, half = make(streams, CYCLEGAN), make(streams, CYCLEGAN, precision="bf16")
    for step in range(3):
        exact, rounded = whole.step(batch(step), step), half.step(batch(step), step)
    for name, value in exact.items():
        assert rounded[name].dtype == torch.float32
        assert float(rounded[name]) == pytest.approx(float(value), rel=0.05), name
    for module in half.modules.values():
        assert {value.dtype for value in module.state_dict().values() if value.is_floating_point()} == {torch.float32}


def test_previews_show_both_directions_and_the_way_back(streams: Domains) -> None:
    training = make(streams, CYCLEGAN)
    first = training.preview()
    assert first.shape == (1, 3, 2 * 4 * 32, 2 * 32)
    assert len(training.preview_columns) == 2
    A = streams["A"][0][None].float() / 127.5 - 1
    with torch.no_grad():
        painted = training.averages["A2B"](A)
        back = training.averages["B2A"](painted)
    torch.testing.assert_close(first[..., :32, :], torch.cat([A, painted], 3) / 2 + 0.5)
    torch.testing.assert_close(first[..., 32:64, :], torch.cat([A, back], 3) / 2 + 0.5)
    training.step(batch(0), 0)
    second = training.preview()
    assert torch.equal(first[..., :32], second[..., :32])
    assert not torch.equal(first[..., 32:], second[..., 32:])


def test_validation_is_the_cycles_error(streams: Domains) -> None:
    training = make(streams, CYCLEGAN)
    measured = training.validate()
    pictures = torch.stack([streams["B"][index] for index in range(3)]).float() / 127.5 - 1
    with torch.no_grad():
        back = training.averages["A2B"](training.averages["B2A"](pictures))
    measures = ("cycle", "cycle PSNR", "cycle SSIM", "structure SSIM")
    places = ("held out A", "held out B", "held out")
    assert set(measured) == {f"{place}/{measure}" for place in places for measure in measures}
    assert training.measure == "held out/cycle"
    assert measured[training.measure] == (measured["held out A/cycle"] + measured["held out B/cycle"]) / 2
    assert measured["held out B/cycle"] == pytest.approx(float((back - pictures).abs().mean()), rel=1e-5)
    # By way of 8 bits, and so nearly but not exactly what the networks do among themselves.
    direct = psnr((back / 2 + 0.5).clamp(0, 1), pictures / 2 + 0.5).mean()
    assert measured["held out B/cycle PSNR"] == pytest.approx(float(direct), abs=0.1)


def test_the_distribution_is_measured_where_there_are_enough_pictures(
    streams: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpaired, "SMALLEST_SET", 3)
    training = make(streams, replace(CYCLEGAN, best_by="KID-lite"))
    measured = training.validate()
    encoder = load_encoder("lite")
    A, B = (torch.stack([stream[index] for index in range(3)]).float() / 255 for stream in streams.values())
    with torch.no_grad():
        painted = ((training.averages["A2B"](A * 2 - 1) / 2 + 0.5).clamp(0, 1) * 255).round() / 255

    def seen(pictures: Tensor) -> Tensor:
        return encoder(tensors.resize(pictures, 256, 256), ["relu5_1"])["relu5_1"].mean((2, 3))

    expected, _ = kernel_distance(seen(painted), seen(B))
    assert measured["held out A/KID-lite"] == pytest.approx(expected, rel=1e-3)
    both = (measured["held out A/KID-lite"] + measured["held out B/KID-lite"]) / 2
    assert measured[training.measure] == both


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ("FID", "best_by is 'FID', but must be one of cycle, cycle PSNR, cycle SSIM, structure SSIM, KID-lite"),
        ("KID-lite", "takes 16 held-out pictures of each kind, such as those of testA and testB; there are 3 and 3"),
    ],
)
def test_refuses_a_best_that_is_never_measured(streams: Domains, measure: str, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        make(streams, replace(CYCLEGAN, best_by=measure))


def test_it_learns(streams: Domains) -> None:
    """There and back is the identity of neither at first, and is found in a few steps."""

    def networks() -> Networks:
        return Networks(generator=dncnn_networks().generator, discriminator=resnet_networks().discriminator)

    training = make(streams, replace(CYCLEGAN, rates=StepDecay(rate=5e-3, epochs=1)), networks)
    stream = training.batches(0)
    before = training.validate()
    for step in range(45):
        training.step(next(stream), step)
    after = training.validate()
    for kind in "AB":
        assert after[f"held out {kind}/cycle"] < 0.75 * before[f"held out {kind}/cycle"]
        assert after[f"held out {kind}/cycle PSNR"] > before[f"held out {kind}/cycle PSNR"] + 1


def test_gradients_are_averaged_over_processes() -> None:
    class Two:
        """The other process's gradients are three times these."""

        num_processes = 2

        def reduce(self, gradient: Tensor, how: str) -> Tensor:
            assert how == "mean"
            return (gradient + 3 * gradient) / 2

    network = nn.Linear(2, 1)
    network(torch.ones(1, 2)).sum().backward()
    network.bias.grad = None
    average_gradients(cast(Accelerator, Two()), [network])
    assert torch.equal(cast(Tensor, network.weight.grad), torch.full((1, 2), 2.0))
    assert network.bias.grad is None


# --- parts of a step, half precision, health -------------------------------------------------------------------------


def test_parts_of_a_step_learn_what_the_whole_batch_would(streams: Domains) -> None:
    """The same pictures in the same order, the same draws from the pools, the same weights but for rounding."""
    rates = StepDecay(rate=RATE, epochs=1)
    plain = replace(CYCLEGAN, optimizer=cast(Adam, gradient_descent), rates=rates, pool=2)
    whole, parts = (make(streams, replace(plain, batch=b, accumulate=n)) for b, n in ((4, 1), (1, 4)))
    for training in (whole, parts):
        torch.manual_seed(3)
        stream = training.batches(0)
        for step in range(3):
            losses = training.step(next(stream), step)
        training.last = losses  # type: ignore[attr-defined]
    for name, value in whole.last.items():  # type: ignore[attr-defined]
        torch.testing.assert_close(parts.last[name], value, rtol=1e-5, atol=1e-6)  # type: ignore[attr-defined]
    for name, module in whole.modules.items():
        for key, value in module.state_dict().items():
            # Rounding has grown over three steps; test_processes.py compares the gradients themselves.
            torch.testing.assert_close(parts.modules[name].state_dict()[key], value, rtol=0, atol=5e-5)


def test_losses_of_half_precision_are_whole(streams: Domains, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each loss is that of float64 on the same half-precision pictures and judgements, which it would not be if it were
    computed in half precision itself."""
    training = make(streams, CYCLEGAN, precision="bf16")
    seen: list[tuple[str, Tensor, Tensor]] = []

    def noting(name: str) -> Any:
        honest = getattr(cycle, name)

        def loss(*arguments: Tensor) -> Tensor:
            assert arguments[0].dtype == torch.bfloat16, "the networks work in half precision"
            value = honest(*arguments)
            assert value.dtype == torch.float32
            exact = honest(*(PlainDouble.of(x) for x in arguments))
            seen.append((name, value.detach(), exact.detach()))
            return cast(Tensor, value)

        return loss

    for name in ("cycle_loss", "identity_loss", "generator_loss", "discriminator_loss"):
        monkeypatch.setattr(cycle, name, noting(name))
    for step in range(2):
        training.step(batch(step), step)
    assert {name for name, _, _ in seen} == {"cycle_loss", "identity_loss", "generator_loss", "discriminator_loss"}
    for name, value, exact in seen:
        assert abs(float(value) / float(exact) - 1) < 1e-5, name
    coarse = [abs(float(exact.bfloat16()) / float(exact) - 1) for _, _, exact in seen]
    assert max(coarse) > 1e-4, "a loss that is merely rounded to half precision would be noticed"


class PlainDouble:
    """A tensor in float64 that stays so where a loss asks for float32."""

    @staticmethod
    def of(x: Tensor) -> Any:
        double = x.detach().double()
        double.float = lambda: double  # type: ignore[method-assign]
        return double


def test_normalisation_keeps_its_statistics_whole_in_half_precision() -> None:
    x = (torch.rand(1, 2, 64, 64, generator=torch.Generator().manual_seed(0)) + 30).bfloat16()
    exact = torch.nn.functional.instance_norm(x.double(), eps=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        found = InstanceNorm()(x)
    # Half precision has steps of 2^-8; statistics in it would shift everything by whole steps of 30.
    assert float((found.double() - exact).abs().max()) < 0.02


def test_vitals_of_both_directions_on_held_out_pictures(streams: Domains) -> None:
    training = make(streams, CYCLEGAN)
    vitals = training.health()
    kinds = ("luminance correlation", "copying", "diversity")
    assert set(vitals) == {f"{direction}/{kind}" for direction in DIRECTIONS for kind in kinds}
    pictures = torch.stack([streams["B"][index] for index in range(3)]).float() / 127.5 - 1
    with torch.no_grad():
        expected = translation_vitals(pictures, training.averages["B2A"](pictures))
    assert {kind: vitals[f"B2A/{kind}"] for kind in kinds} == pytest.approx(expected, rel=1e-3, abs=1e-4)
    training.averages = {direction: cast(Any, Copy()) for direction in DIRECTIONS}
    assert training.health()["A2B/copying"] == 1


class Copy(nn.Identity):
    """A generator that has learned nothing but its input."""

    multiple, minimum = 1, 1

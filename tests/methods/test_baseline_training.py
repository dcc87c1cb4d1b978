"""The steps of MUNIT and of attention-guided translation against their formulas, written out plainly in float64."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from PIL import Image
from torch import Tensor

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.errors import OptionError
from impasto.methods.aggan.network import GeneratorConfig as AgGANConfig
from impasto.methods.munit.network import DiscriminatorConfig
from impasto.methods.munit.network import GeneratorConfig as MUNITConfig
from impasto.recipes import aggan, munit
from impasto.training import figures
from impasto.training.loop import Schedule, fit
from impasto.training.schedules import LinearDecay, StepDecay
from impasto.translation import load_generator

SCHEDULE = Schedule(steps=4, log_every=1, preview_every=2, validate_every=4, save_every=2)
MUNIT = replace(
    munit.munit(), schedule=SCHEDULE, rates=StepDecay(rate=1e-3, epochs=1), batch=2, crop=64, shorter=70, held_out=1,
    generator=MUNITConfig(width=2, blocks=1, style_size=3, mlp_width=4), discriminator=DiscriminatorConfig(width=2),
)  # fmt: skip
AGGAN = replace(
    aggan.aggan(), schedule=SCHEDULE, rates=LinearDecay(rate=1e-3, epochs=4, constant=4), batch=2, crop=32, shorter=36,
    held_out=1, pool=0, foreground_from=2, threshold=0.5,
    generator=AgGANConfig(width=2, blocks=1, attention_width=2), discriminator=PatchConfig(width=2),
)  # fmt: skip
Data = dict[str, list[Path]]


def forget() -> None:
    for state in (AcceleratorState, PartialState, GradientState):
        state._reset_state()


@pytest.fixture(autouse=True)
def fresh_accelerator() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folders, random = {}, np.random.default_rng(0)
    for kind, count in (("A", 4), ("B", 6)):
        folders[kind] = [tmp_path_factory.mktemp(kind)]
        for number in range(count):
            coarse = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((84, 80), Image.Resampling.BICUBIC)
            picture.save(folders[kind][0] / f"{number}.png")
    return folders


def make(config: Any, data: Data) -> Any:
    forget()
    module = munit if isinstance(config, munit.Config) else aggan
    return module.build(config, Accelerator(cpu=True), data)  # type: ignore[arg-type]


def gradient_descent(parameters: Any) -> torch.optim.Optimizer:
    """In place of Adam, which makes steps of full length even of gradients that are nothing but rounding."""
    return torch.optim.SGD(parameters, lr=0.0)


def l1(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().mean()


def judge_loss(real: Tensor, fake: Tensor) -> Tensor:
    return ((real - 1) ** 2).mean() + (fake**2).mean()


class Plain:
    """Copies of a training's networks in float64, and plain gradient descent."""

    def __init__(self, training: Any) -> None:
        both = [*training.generators.values(), *training.discriminators.values()]
        self.G, self.F, self.D_B, self.D_A = (copy.deepcopy(network).double() for network in both)
        self.of_generators = torch.optim.SGD([*self.G.parameters(), *self.F.parameters()], lr=1e-3)
        self.of_judges = [torch.optim.SGD(D.parameters(), lr=1e-3) for D in (self.D_B, self.D_A)]

    def learn(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def munit_step(plain: Plain, x: Tensor, y: Tensor, step: int) -> None:
    """Huang et al. 2018, equations 1 to 5, with E_A^c, E_B^s, G_B in G and E_B^c, E_A^s, G_A in F."""
    G, F, config = plain.G, plain.F, MUNIT
    E_A_c, E_B_s, E_B_c, E_A_s = G.content_encoder, G.style_of, F.content_encoder, F.style_of

    def paint_B(content: Tensor, style: Tensor) -> Tensor:  # noqa: N802
        return G.decoder(content, style).tanh()  # type: ignore[no-any-return]

    def paint_A(content: Tensor, style: Tensor) -> Tensor:  # noqa: N802
        return F.decoder(content, style).tanh()  # type: ignore[no-any-return]

    s_B, s_A = torch.randn(2, 3).double(), torch.randn(2, 3).double()
    c_x, c_y = E_A_c(x), E_B_c(y)
    fake_y, fake_x = paint_B(c_x, s_B), paint_A(c_y, s_A)
    loss = config.reconstruction_weight * (l1(paint_A(c_x, E_A_s(x)), x) + l1(paint_B(c_y, E_B_s(y)), y))
    loss = loss + config.content_weight * (l1(E_B_c(fake_y), c_x) + l1(E_A_c(fake_x), c_y))
    loss = loss + config.style_weight * (l1(E_B_s(fake_y), s_B) + l1(E_A_s(fake_x), s_A))
    back = l1(paint_A(E_B_c(fake_y), E_A_s(x)), x) + l1(paint_B(E_A_c(fake_x), E_B_s(y)), y)
    loss = loss + 3.0 * back
    for D, fake in ((plain.D_B, fake_y), (plain.D_A, fake_x)):
        loss = loss + sum(((judged - 1) ** 2).mean() for judged in D(fake))
    plain.learn(loss, plain.of_generators)
    shown = ((plain.D_B, y, fake_y), (plain.D_A, x, fake_x))
    for (D, real, fake), optimizer in zip(shown, plain.of_judges, strict=True):
        judged = zip(D(real), D(fake.detach()), strict=True)
        plain.learn(sum((judge_loss(*pair) for pair in judged), torch.zeros(())), optimizer)


def aggan_step(plain: Plain, x: Tensor, y: Tensor, step: int) -> None:
    """Mejjati et al. 2018: equation 1, and from the third of four epochs on the foreground alone."""
    G, F, late = plain.G, plain.F, step >= 2
    for network in (G, F):
        network.attention.requires_grad_(not late)
    for D in (plain.D_B, plain.D_A):
        D.normalises = not late

    def seen(picture: Tensor, share: Tensor) -> Tensor:
        return torch.where(share >= 0.5, picture, 0.0) if late else picture

    x_a, y_a = G.share(x), F.share(y)
    painted_y, painted_x = G.paint(x), F.paint(y)
    fake_y, fake_x = x_a * painted_y + (1 - x_a) * x, y_a * painted_x + (1 - y_a) * y
    judged_y, judged_x = (painted_y, painted_x) if late else (fake_y, fake_x)
    loss = ((plain.D_B(seen(judged_y, x_a)) - 1) ** 2).mean() + ((plain.D_A(seen(judged_x, y_a)) - 1) ** 2).mean()
    plain.learn(loss + 10 * l1(F(fake_y), x) + 10 * l1(G(fake_x), y), plain.of_generators)
    # The attention of the real pictures is that of the generator that has just learned.
    shown = ((plain.D_B, y, F.share(y), judged_y, x_a), (plain.D_A, x, G.share(x), judged_x, y_a))
    for (D, real, real_share, fake, share), optimizer in zip(shown, plain.of_judges, strict=True):
        judged = D(seen(real, real_share.detach())), D(seen(fake.detach(), share.detach()))
        plain.learn(0.5 * judge_loss(*judged), optimizer)


@pytest.mark.parametrize(
    ("config", "plain_step"),
    [(replace(MUNIT, cycle_weight=3.0), munit_step), (AGGAN, aggan_step)],
    ids=["munit", "aggan"],
)
def test_the_step_is_the_published_one(data: Data, config: Any, plain_step: Callable[..., None]) -> None:
    training = make(replace(config, optimizer=gradient_descent), data)
    plain = Plain(training)
    batches = training.batches(0)
    attention_before = {}
    for step in range(4):
        if step == 2 and config is AGGAN:
            attention_before = copy.deepcopy(training.generators["A2B"].attention.state_dict())
        batch = next(batches)
        torch.manual_seed(step)
        training.step(batch, step)
        torch.manual_seed(step)
        plain_step(plain, *(picture.double() / 127.5 - 1 for picture in batch), step)
    mine = [*training.generators.values(), *training.discriminators.values()]
    for network, expected in zip(mine, (plain.G, plain.F, plain.D_B, plain.D_A), strict=True):
        for (name, value), other in zip(network.named_parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(value.double(), other, rtol=1e-3, atol=1e-4, msg=name)
    for name, value in attention_before.items():
        assert torch.equal(training.generators["A2B"].attention.state_dict()[name], value), "attention stays"


def after(config: Any, data: Data, steps: int = 3) -> dict[str, Tensor]:
    """The averaged generators after some steps."""
    training = make(config, data)
    stream = training.batches(0)
    for step in range(steps):
        training.step(next(stream), step)
    return {
        f"{direction}.{name}": value.clone()
        for direction, average in training.averages.items()
        for name, value in average.state_dict().items()
    }


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (MUNIT, {"reconstruction_weight": 0.0}),
        (MUNIT, {"content_weight": 0.0}),
        (MUNIT, {"style_weight": 0.0}),
        (MUNIT, {"cycle_weight": 1.0}),
        (MUNIT, {"discriminator": DiscriminatorConfig(width=2, scales=2)}),
        (AGGAN, {"cycle_weight": 0.0}),
        (AGGAN, {"discriminator_weight": 1.0}),
        (AGGAN, {"foreground_from": 1}),
        (AGGAN, {"threshold": 0.45}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_every_setting_changes_what_is_learned(data: Data, config: Any, change: dict[str, Any]) -> None:
    same, other = after(config, data), after(replace(config, **change), data)
    assert any(not torch.equal(value, other[key]) for key, value in same.items())


@pytest.mark.parametrize("config", [MUNIT, replace(AGGAN, pool=3)], ids=["munit", "aggan"])
def test_resumes_bit_by_bit(tmp_path: Path, data: Data, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "draw_losses", lambda folder: None)  # takes longer than the training

    def run(name: str, *, stop_at: int | None = None, resume: bool = False) -> Any:
        (tmp_path / name).mkdir(exist_ok=True)
        training = make(config, data)
        step = training.step

        def watched(batch: tuple[Tensor, Tensor], number: int) -> dict[str, Tensor]:
            if number == stop_at:
                raise TimeoutError
            return step(batch, number)  # type: ignore[no-any-return]

        training.step = watched
        fit(training, SCHEDULE, tmp_path / name, training.accelerator, resume=resume)
        return training

    whole = run("whole")
    with pytest.raises(TimeoutError):
        run("killed", stop_at=3)
    torch.manual_seed(99)
    resumed = run("killed", resume=True)
    for name, module in whole.modules.items():
        for key, value in resumed.modules[name].state_dict().items():
            assert torch.equal(value, module.state_dict()[key]), f"{name} {key}"
    stored = (tmp_path / "killed" / "generators.safetensors").read_bytes()
    assert stored == (tmp_path / "whole" / "generators.safetensors").read_bytes()


def test_recipes_are_as_published() -> None:
    paper = munit.munit()
    assert (paper.schedule.steps, paper.batch, paper.crop) == (1_000_000, 1, 256)
    assert [paper.rates(step, 1_000_000) for step in (0, 99_999, 100_000, 250_000)] == [1e-4, 1e-4, 5e-5, 2.5e-5]
    assert (paper.optimizer.betas, paper.optimizer.weight_decay) == ((0.5, 0.999), 1e-4)
    weights = (paper.reconstruction_weight, paper.content_weight, paper.style_weight, paper.cycle_weight)
    assert weights == (10, 1, 1, 0)
    other = aggan.aggan()
    assert (other.batch, other.crop, other.cycle_weight, other.pool) == (1, 256, 10, 50)
    assert (other.foreground_from, other.threshold) == (30, 0.1)
    assert (other.rates.rate, other.rates.epochs, other.rates.constant) == (1e-4, 100, 50)
    training = object.__new__(aggan.AttentionGuidedTraining)
    training.settings = replace(other, schedule=Schedule(steps=1000))
    assert [training._sees_foreground(step) for step in (0, 299, 300, 999)] == [False, False, True, True]


def test_what_cannot_be_learned_is_refused(data: Data) -> None:
    with pytest.raises(OptionError, match="crop is 48, but must be 64 or more for discriminators at 3 scales"):
        make(replace(MUNIT, crop=48, shorter=50), data)
    with pytest.raises(OptionError, match=r"threshold is 1.5, but must be from 0 to 1"):
        replace(AGGAN, threshold=1.5)


def test_health_tells_how_much_is_painted(data: Data) -> None:
    training = make(AGGAN, data)
    assert 0 < training.health()["A2B/painted share"] < 1
    last = training.averages["A2B"].attention.layers[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(-20)
    assert training.health()["A2B/painted share"] < 1e-6


def test_what_is_stored_can_be_loaded(tmp_path: Path, data: Data) -> None:
    import impasto.methods.aggan.stylizer
    import impasto.methods.munit.stylizer

    methods = {MUNIT: impasto.methods.munit.stylizer.MUNIT, AGGAN: impasto.methods.aggan.stylizer.AgGAN}
    for config, method in methods.items():
        training = make(config, data)
        folder = tmp_path / method.options.method
        folder.mkdir()
        training.finish(folder)
        loaded = load_generator(folder / "generators.safetensors", method, "B2A")
        x = torch.zeros(1, 3, 32, 32)
        torch.testing.assert_close(loaded(x), training.averages["B2A"](x), rtol=0.01, atol=0.01)

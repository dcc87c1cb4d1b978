"""The steps of MUNIT and of attention-guided translation against their formulas, written out plainly in float64."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from tiny_recipes import TINY
from torch import Tensor
from trainings import Plain, draw, forget, fresh_accelerator, gradient_descent  # noqa: F401

MUNIT, AGGAN = TINY["munit"], replace(TINY["aggan"], pool=0, average_decay=0.0)
Data = dict[str, list[Path]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    return {"A": draw(folder / "A", 4, random, (84, 80)), "B": draw(folder / "B", 6, random, (84, 80))}


def make(recipe: Any, data: Data) -> Any:
    forget()
    return recipe.build(Accelerator(cpu=True), data)


def l1(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().mean()


def judge_loss(real: Tensor, fake: Tensor) -> Tensor:
    return ((real - 1) ** 2).mean() + (fake**2).mean()


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
    ("config", "plain_step", "steps"),
    [(replace(MUNIT, cycle_weight=3.0), munit_step, 2), (AGGAN, aggan_step, 4)],
    ids=["munit", "aggan"],
)
def test_the_step_is_the_published_one(data: Data, config: Any, plain_step: Callable[..., None], steps: int) -> None:
    # Of MUNIT no more: what float32 rounds grows tenfold with each step, on some processors beyond any tolerance.
    training = make(replace(config, optimizer=gradient_descent), data)
    plain = Plain(training)
    batches = training.batches(0)
    attention_before = {}
    for step in range(steps):
        if step == 2 and config is AGGAN:
            attention_before = copy.deepcopy(training.generators["A2B"].attention.state_dict())
        batch = next(batches)
        torch.manual_seed(step)
        training.step(batch, step)
        torch.manual_seed(step)
        plain_step(plain, *(picture.double() / 127.5 - 1 for picture in batch), step)
    plain.check(training, rtol=1e-3, atol=1e-4)
    for name, value in attention_before.items():
        assert torch.equal(training.generators["A2B"].attention.state_dict()[name], value), "attention stays"


def test_health_tells_how_much_is_painted(data: Data) -> None:
    training = make(AGGAN, data)
    assert 0 < training.health()["A2B/painted share"] < 1
    last = training.averages["A2B"].attention.layers[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(-20)
    assert training.health()["A2B/painted share"] < 1e-6

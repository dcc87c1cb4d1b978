"""Optimisations that go wrong: the guard returns to the best picture, or gives up with advice."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from random_tensors import picture
from torch import Tensor

from impasto import image, load
from impasto.errors import Cancelled, DivergedError
from impasto.gallery import packaged
from impasto.methods import StylizeOptions
from impasto.methods.gatys.objective import Objective
from impasto.methods.gatys.optimise import EXPLODED, NOISE, QUIET_STEPS, RETREATS, Guard, Optimisation
from impasto.progress import Progress
from impasto.tensors import resize, to_tensor


class Written(Objective):
    """An objective that is any function of the picture."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__(None, {}, {}, {})  # type: ignore[arg-type]
        object.__setattr__(self, "function", function)

    def _at_once(self, image: Tensor) -> dict[str, Tensor]:
        return {"loss": self.function(image)}  # type: ignore[attr-defined]


def optimisation(function: Callable[[Tensor], Tensor], start: Tensor, **choices: object) -> Optimisation:
    return Optimisation(Written(function), start, StylizeOptions(method="gatys", **choices))  # type: ignore[arg-type]


def quadratic(image: Tensor) -> Tensor:
    return (image - 0.25).square().sum()


def by_call(loss: Callable[[int, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A loss that depends on how often it is asked for, from 1 on."""
    calls = itertools.count(1)
    return lambda image: loss(next(calls), image)


def wall(image: Tensor) -> Tensor:
    """Flat, then suddenly very steep: what L-BFGS learned about curvature on the flat throws it up the wall."""
    x = image - 0.5
    return (0.01 * x.square() + 1e4 * (x - 0.2).clamp_min(0).square() + 1e-2 * (0.4 - x).clamp_min(0)).sum()


def plain_lbfgs(function: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> list[float]:
    image = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], lr=1, max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0)
    losses = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = function(image)
        loss.backward()
        losses.append(loss.item())
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return losses


def start_picture() -> Tensor:
    return picture(4, 4) * 0.3


def test_without_guard_it_goes_on_as_plain_lbfgs_does() -> None:
    plain = plain_lbfgs(wall, start_picture(), 30)
    free = optimisation(wall, start_picture(), guard="off", optimizer="lbfgs-pixels")
    losses = []
    for _ in range(30):
        free.step()
        losses.append(free.loss)
        assert free.losses == {"loss": free.loss}
    assert losses == pytest.approx(plain)
    assert free.guard.retreats == 0
    # What it ends with is where it is, not what was best.
    assert torch.equal(free.finish(), free.canvas.picture())


def test_without_guard_it_stops_when_the_loss_is_no_number() -> None:
    free = optimisation(lambda x: (x * 1e30).square().sum(), start_picture() + 1e10, guard="off", optimizer="adam")
    with pytest.raises(DivergedError, match="not finite any more; with the guard on"):
        free.step()


def test_an_explosion_of_lbfgs_is_rolled_back() -> None:
    """Paper 002, figure 1: the loss falls, and then grows rapidly."""
    plain = plain_lbfgs(wall, start_picture(), 40)
    best_before = min(plain[: plain.index(max(plain))])
    assert max(plain) > 10 * best_before, "the example must explode without the guard"

    guarded = optimisation(wall, start_picture())
    for _ in range(40):
        guarded.step()
    result = guarded.finish()
    assert guarded.guard.retreats > 0
    assert float(wall(result)) == guarded.guard.best_loss
    assert float(wall(result)) <= min(best_before, float(wall(start_picture())))


def test_a_single_bad_number_is_survived() -> None:
    for optimizer in ("lbfgs", "adam"):
        faulty = by_call(lambda call, image: quadratic(image) * (math.nan if call == 4 else 1))
        run = optimisation(faulty, start_picture(), optimizer=optimizer)
        for _ in range(60):
            run.step()
        assert run.guard.retreats == 1
        assert torch.isfinite(run.finish()).all()
        assert float(quadratic(run.finish())) < 0.2 * float(quadratic(start_picture()))


def test_a_wild_step_size_of_adam_is_tamed() -> None:
    run = optimisation(quadratic, torch.full((1, 3, 4, 4), 0.3), optimizer="adam", learning_rate=0.3)
    for _ in range(60):
        run.step()
        assert float(run.canvas.picture().detach().min()) >= -1e-6
        assert float(run.canvas.picture().detach().max()) <= 1 + 1e-6
    assert run.guard.retreats > 0
    assert not run.guard.gave_up
    assert float(quadratic(run.finish())) <= float(quadratic(torch.full((1, 3, 4, 4), 0.3)))


def test_the_best_picture_is_kept_not_the_last() -> None:
    heights = iter([3.0, 1.0, 1.5, 1.9, 1.2, 1.8])
    run = optimisation(lambda image: quadratic(image) * 0 + next(heights), start_picture())
    pictures = []
    for _ in range(5):
        pictures.append(run.canvas.picture().detach())
        run.step()
    best = run.finish()
    assert torch.equal(best, pictures[1])
    assert run.guard.best_loss == 1.0


def test_the_point_after_the_last_step_counts() -> None:
    run = optimisation(quadratic, start_picture())
    run.step()
    assert float(quadratic(run.finish())) < float(quadratic(start_picture()))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_stops_with_advice_when_no_step_size_works(optimizer: str, caplog: pytest.LogCaptureFixture) -> None:
    hopeless = by_call(lambda call, image: quadratic(image) * (1 if call == 1 else 1e6))
    run = optimisation(hopeless, start_picture(), optimizer=optimizer)
    run.step()
    for _ in range(RETREATS):
        run.step()
        assert not run.guard.gave_up
    run.step()
    assert run.guard.gave_up
    assert f"exploded {RETREATS + 1} times in a row" in caplog.text
    assert "lower --style-weight or --learning-rate" in caplog.text
    assert torch.equal(run.guard.best, start_picture())


def test_the_rule_is_the_documented_one() -> None:
    text = " ".join((Path(__file__).parents[3] / "docs" / "explanation" / "gatys.md").read_text().split())
    assert (EXPLODED, NOISE, RETREATS, QUIET_STEPS) == (2, 1 / 50, 8, 3)
    assert "above twice the best loss and a fiftieth of the first one" in text
    assert "After three steps without such a retreat" in text
    assert "After eight retreats in a row" in text
    for best, judged in ((100.0, 201.9), (1.0, 3.9)):
        guard = Guard(best=torch.zeros(1), best_loss=best, first_loss=100.0)
        assert guard.judge(torch.zeros(1), judged)
        assert not guard.judge(torch.zeros(1), judged + 0.2)


@pytest.mark.parametrize(("factor", "halvings"), [(10.0, 1), (2.0**24, 6), (math.nan, 4), (math.inf, 4)])
@pytest.mark.parametrize(("optimizer", "usual"), [("lbfgs", 1.0), ("adam", 0.02)])
def test_the_step_grows_again_while_all_is_quiet(optimizer: str, usual: float, factor: float, halvings: int) -> None:
    rates = []
    # Nothing changes, but that the third loss is out of hand.
    faulty = by_call(lambda call, image: image.sum() * 0 + (factor if call == 3 else 1.0))
    run = optimisation(faulty, start_picture(), optimizer=optimizer)
    for _ in range(3 + (halvings + 1) * QUIET_STEPS):
        run.step()
        rates.append(run.optimizer.param_groups[0]["lr"] / usual)
    assert run.guard.retreats == 1
    assert rates[:3] == pytest.approx([1, 1, 0.5**halvings])
    assert rates[2::QUIET_STEPS] == pytest.approx([0.5**left for left in range(halvings, -1, -1)] + [1])


def test_a_step_that_grew_too_early_waits_twice_as_long() -> None:
    guard = Guard(best=torch.zeros(1), best_loss=1.0, first_loss=1.0)
    guard.retreat(4.0)
    guard.retreat(4.0)
    waited = []
    for _ in range(3):
        waited.append(1)
        while not guard.rest():
            waited[-1] += 1
        guard.retreat(4.0)
    assert waited == [QUIET_STEPS, 2 * QUIET_STEPS, 4 * QUIET_STEPS]
    assert (guard.halvings, guard.retreats, guard.in_a_row) == (2, 5, 1)


def test_attention_that_explodes_at_once_paints_all_the_same() -> None:
    """Attention at relu1_1, seen from the photo, is so flat that L-BFGS goes much too far."""
    content, style = (resize(to_tensor(image.read(packaged()[name])), 56, 64) for name in ("mountains", "swirls"))
    choices = {"preset": "paper-001", "attention_weight": 5e7, "attention_layers": "relu1_1", "steps": 60}
    reports: list[Progress] = []
    options = StylizeOptions(method="gatys", precision="fp32", **choices)
    load("gatys", device="cpu")(content, [style], options, progress=reports.append)
    first, last = reports[0], reports[-1]
    assert 0 < last.retreats < 5
    assert first.loss is not None
    assert last.loss is not None
    assert last.loss < 0.2 * first.loss


def test_through_the_method() -> None:
    """Weights that no float can hold end in advice; a picture that exists by then is never made worse."""
    content, style = picture(20, 24), picture(20, 24, seed=1)
    with pytest.raises(DivergedError, match="not finite for the picture to start from; lower the weights"):
        load("gatys", device="cpu")(content, [style], StylizeOptions(method="gatys", style_weight=1e300, steps=3))


def test_the_reported_loss_never_rises() -> None:
    content, style = picture(20, 24), picture(20, 24, seed=1)
    losses: list[float] = []

    def note(progress: Progress) -> None:
        assert progress.loss is not None
        losses.append(progress.loss)
        if len(losses) == 25:
            raise Cancelled

    with pytest.raises(Cancelled):
        load("gatys", device="cpu")(
            content, [style], StylizeOptions(method="gatys", optimizer="adam", learning_rate=1.0), progress=note
        )
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]

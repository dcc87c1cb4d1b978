"""Every training step on the GPU against the CPU, and a training on the GPU that was interrupted.

The first step sees the same pictures and weights. In float32 without TF32 its losses agree to 1e-4 and the gradients
that its optimisers get, each as one vector, to 1e-2: they pass back through two networks and the corners of ReLU and
L1. Weights that differ by 3e-7 change them by up to 1e-3, and those of semantic-gan, whose codes are normalised over
few positions, by 7e-3: 5e-2. With bfloat16 autocast against float32: 1e-1, and 7e-1, which still is the same direction;
on a CPU it is up to 5e-1. The losses of two more steps in float32: 2e-1, since Adam's first moves are as large where a
gradient is nothing but rounding as where it is not; weights that differ by 3e-7 change them by up to 4e-2.

A resumed training ends where an uninterrupted one does: bit by bit, if two uninterrupted ones end alike, and otherwise
no further away than three times what these are apart.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from against_cpu import apart, assert_all_near, assert_near, note
from PIL import Image
from tiny_recipes import TINY
from torch import Tensor
from trainings import forget, run, write_teacher

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.data.memory import PicturesInMemory
from impasto.methods.adain import painting
from impasto.methods.adain import recipes as adain
from impasto.methods.adain.painting import PaintingTraining
from impasto.methods.munit.network import DiscriminatorConfig
from impasto.methods.munit.recipes import munit
from impasto.methods.semantic_gan import recipes as semantic_gan
from impasto.methods.semantic_gan.network import GeneratorConfig as SemanticConfig
from impasto.recipes import lite_encoder
from impasto.training import figures
from impasto.training.loop import Schedule
from impasto.training.optimisation import LinearDecay

pytestmark = pytest.mark.gpu

SCHEDULE = Schedule(steps=6, log_every=1, save_every=3)
UNPAIRED: dict[str, Any] = {
    "schedule": SCHEDULE, "batch": 2, "crop": 32, "shorter": 36, "held_out": 1, "pool": 3, "average_decay": 0.5,
}  # fmt: skip
JUDGE = PatchConfig(width=8)


def wider(name: str, generator: dict[str, Any], **changes: Any) -> Any:
    recipe = TINY[name]
    return replace(recipe, generator=replace(recipe.generator, **generator), **UNPAIRED | changes)


RECIPES: dict[str, Any] = {
    # After three steps as they are, a GPU replays a recorded one.
    "adain": replace(
        adain.adain(), schedule=SCHEDULE, stages=((0.0, 2, 32),), content_sides=(48,), style_sides=(48, 64), held_out=2
    ),
    "adain_paper": replace(
        adain.adain_paper(), schedule=SCHEDULE, batch=2, accumulate=2, crop=32, shorter=(36, 48), held_out=2
    ),
    "cyclegan": wider("cyclegan", {"width": 8}, discriminator=JUDGE),
    "nla_cyclegan": wider("nla-cyclegan", {"width": 8, "upsampling": "resize"}, discriminator=JUDGE),
    "dncnn_cyclegan": wider("dncnn-cyclegan", {"depth": 2, "width": 16}, pool=0),
    "munit": wider(
        "munit", {"width": 8, "style_size": 8, "mlp_width": 16}, discriminator=DiscriminatorConfig(width=8),
        crop=64, shorter=70, rates=munit().rates,
    ),
    # From its second step on, the foreground alone.
    "aggan": wider(
        "aggan", {"width": 8, "attention_width": 8}, discriminator=JUDGE, foreground_from=1,
        rates=LinearDecay(rate=1e-4, epochs=8, constant=4),
    ),
    "semantic_gan": replace(
        semantic_gan.semantic_gan_stable(), **UNPAIRED, cycle_weight=1.0,
        generator=SemanticConfig(width=8, blocks=1), discriminator=JUDGE,
    ),
    "semantic_gan, hinge": replace(
        semantic_gan.semantic_gan_anchored(), **UNPAIRED, adversarial="hinge",
        generator=SemanticConfig(width=8, blocks=1, attention="half"), discriminator=JUDGE,
    ),
    "lite_encoder": lite_encoder.LiteEncoderRecipe(schedule=SCHEDULE, batch=2, crop=32, held_out=2),
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Two kinds, under all names that recipes have for them."""
    numbers = np.random.default_rng(0)
    folders = []
    for size in ((3, 4), (12, 16)):
        folder = tmp_path_factory.mktemp("pictures")
        for number in range(6):
            coarse = Image.fromarray(numbers.integers(0, 256, (*size, 3), dtype=np.uint8))
            coarse.resize((64, 48), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
        folders.append([folder])
    return dict(zip(("A", "B", "content", "style"), folders * 2, strict=True))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network as the recipe of `lite` expects it, with other numbers."""
    return write_teacher(tmp_path_factory.mktemp("teacher") / "encoder.safetensors")


@pytest.fixture
def make(
    pictures: dict[str, list[Path]], teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, torch.device, str], Any]:
    """(recipe, device, precision) -> its training, as new."""

    def few(self: lite_encoder.LiteEncoder) -> Iterator[Tensor]:
        yield torch.stack([self.stream[index] for index in range(4)]).float() / 255

    monkeypatch.setattr(lite_encoder.LiteEncoder, "_normalisation_pictures", few)
    draw_on_cpu(monkeypatch)

    def made(name: str, device: torch.device, precision: str) -> Any:
        forget()
        accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision=precision)
        assert accelerator.device.type == device.type
        if name == "lite_encoder":
            return RECIPES[name].build(accelerator, pictures["A"], teacher)
        return RECIPES[name].build(accelerator, pictures)

    return made


def draw_on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default's batches, which every kind of device draws otherwise."""
    drawn, cpu = PaintingTraining._drawn, torch.device("cpu")

    def moved(self: PaintingTraining, *what: Any) -> dict[str, Tensor]:
        place, self.device = self.device, cpu
        try:
            batch = drawn(self, *what)
        finally:
            self.device = place
        return {name: value.to(place) for name, value in batch.items()}

    monkeypatch.setattr(PaintingTraining, "_drawn", moved)
    monkeypatch.setattr(painting, "PicturesInMemory", lambda some, sides, _: PicturesInMemory(some, sides, cpu))


Step = tuple[dict[str, float], dict[str, Tensor]]


def steps(training: Any, count: int) -> list[Step]:
    """(losses, {optimiser: the gradients that it got, as one vector}) of each of the first steps."""
    found: list[Step] = []
    got: dict[str, Tensor] = {}

    def note(name: str) -> Callable[..., None]:
        def noted(optimizer: torch.optim.Optimizer, *_: Any) -> None:
            values = [
                p.grad.flatten() for group in optimizer.param_groups for p in group["params"] if p.grad is not None
            ]
            got.setdefault(name, torch.cat(values).cpu())

        return noted

    for name, optimizer in training.optimizers.items():
        optimizer.register_step_pre_hook(note(name))
    batches = training.batches(0)
    for step in range(count):
        losses = training.step(next(batches), step)
        found.append(({name: float(loss) for name, loss in losses.items()}, dict(got)))
        got.clear()
    return found


def assert_step_near(what: str, found: Step, expected: Step, *, losses: float, gradients: float) -> None:
    assert_all_near(f"{what}, first step", found[0], expected[0], losses)
    assert_all_near(f"{what}, gradients", found[1], expected[1], gradients)


@pytest.mark.parametrize("name", RECIPES)
def test_a_step(name: str, device: torch.device, make: Callable[..., Any]) -> None:
    expected, found = (steps(make(name, place, "no"), 3) for place in (torch.device("cpu"), device))
    assert_step_near(name, found[0], expected[0], losses=1e-4, gradients=5e-2 if "semantic" in name else 1e-2)
    for number in (1, 2):
        assert_all_near(f"{name}, step {number + 1}", found[number][0], expected[number][0], 2e-1)


@pytest.mark.parametrize("name", RECIPES)
def test_a_step_in_half_precision(name: str, device: torch.device, make: Callable[..., Any]) -> None:
    (expected,) = steps(make(name, torch.device("cpu"), "no"), 1)
    (found,) = steps(make(name, device, "bf16"), 1)
    assert_step_near(f"{name}, bf16", found, expected, losses=1e-1, gradients=7e-1)


@pytest.fixture
def repeatable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kernels that give the same sums twice, where there are any."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


def weights_after(training: Any, folder: Path, *, until: int | None = None, resume: bool = False) -> dict[str, Tensor]:
    """The weights after training, perhaps only so many steps, after which the process might have been killed."""
    with contextlib.suppress(TimeoutError):
        run(folder, training, SCHEDULE, resume=resume, stop_at=until)
    return {
        f"{name}/{key}": value.detach().cpu().double().clone()
        for name, module in training.modules.items()
        for key, value in module.state_dict().items()
    }


@pytest.mark.filterwarnings("ignore:.*deterministic.*:UserWarning")
@pytest.mark.parametrize("name", ["nla_cyclegan", "adain"])
def test_a_resumed_training(
    name: str, device: torch.device, make: Callable[..., Any], repeatable: None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(figures, "draw_figures", lambda *_: None)
    monkeypatch.setattr(figures, "write_page", lambda *_, **__: None)
    begun = weights_after(make(name, device, "no"), tmp_path / "begun", until=0)
    whole = weights_after(make(name, device, "no"), tmp_path / "whole")
    again = weights_after(make(name, device, "no"), tmp_path / "again")
    weights_after(make(name, device, "no"), tmp_path / "resumed", until=4)
    resumed = weights_after(make(name, device, "no"), tmp_path / "resumed", resume=True)
    way, of_another, of_resumed = (
        [value - begun[key] for key, value in weights.items()] for weights in (whole, again, resumed)
    )
    by_chance = apart(of_another, way)
    note(f"{name}: two uninterrupted trainings are {by_chance:.1e} apart")
    # A resumed run takes some steps as they are that the other one replayed, for which other kernels may be chosen.
    assert_near(f"{name}, resumed", of_resumed, way, max(3 * by_chance, 1e-1 if name == "adain" else 0))

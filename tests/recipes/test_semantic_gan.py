"""The recipes of paper 003: the published settings, and the training in miniature."""

import importlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from small_training import draw_pictures, forget_accelerator
from torch import Tensor

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.errors import OptionError
from impasto.methods.semantic_gan.network import GeneratorConfig
from impasto.methods.semantic_gan.training import SemanticTraining
from impasto.recipes import RECIPES, semantic_gan
from impasto.training import figures
from impasto.training.loop import Schedule, fit
from impasto.training.optimizers import Adam
from impasto.training.schedules import StepDecay

TINY = replace(
    semantic_gan.semantic_gan(),
    schedule=Schedule(steps=4, log_every=1, preview_every=2, validate_every=4, save_every=2),
    batch=2, crop=32, shorter=36, held_out=1, cycle_weight=1.0, pool=3, average_decay=0.5, spectral_norm=True,
    generator=GeneratorConfig(width=2, blocks=1), discriminator=PatchConfig(width=2),
)  # fmt: skip
Data = dict[str, list[Path]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    return {kind: [draw_pictures(folder / kind, count, random)] for kind, count in (("A", 4), ("B", 6))}


def make(config: semantic_gan.Config, data: Data) -> SemanticTraining:
    forget_accelerator()
    return semantic_gan.build(config, Accelerator(cpu=True), data)


def after(config: semantic_gan.Config, data: Data, steps: int = 2) -> dict[str, Tensor]:
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


def test_semantic_gan_is_as_in_paper_003() -> None:
    config = semantic_gan.semantic_gan()
    assert config.optimizer == Adam(betas=(0.5, 0.999))
    assert (config.schedule.steps, config.batch, config.crop) == (400_000, 8, 256)
    for step in (0, 399_999):
        assert config.generator_rates(step, 400_000) == 1e-3
        assert config.discriminator_rates(step, 400_000) == 2e-3
    assert (config.adversarial, config.semantic_weight, config.discriminator_steps) == ("lsgan", 1, 1)
    assert (config.generator, config.discriminator) == (GeneratorConfig(), PatchConfig())
    assert config.generator.attention == "full"
    assert config.reconstruction_weight == 10, "the anchor is on"


def test_the_others_are_calmer_or_shorter() -> None:
    paper, stable = semantic_gan.semantic_gan(), semantic_gan.semantic_gan_stable()
    different = {name for name, value in asdict(paper).items() if value != asdict(stable)[name]}
    assert different == {"generator_rates", "discriminator_rates", "spectral_norm", "average_decay"}
    for step in (0, 399_999):
        ratio = stable.discriminator_rates(step, 400_000) / stable.generator_rates(step, 400_000)
        assert ratio == pytest.approx(2), "the paper's"
    assert stable.generator_rates(0, 400_000) < 1e-3
    assert stable.generator_rates(399_999, 400_000) < 0.02 * stable.generator_rates(0, 400_000)
    for steps, short in ((100_000, semantic_gan.semantic_gan_100k()), (20_000, semantic_gan.semantic_gan_20k())):
        assert short.schedule.steps == steps
        assert replace(short, schedule=stable.schedule) == stable
    slim = semantic_gan.semantic_gan_slim()
    assert (slim.crop, slim.generator.width, slim.schedule.steps) == (128, 8, 20_000)


@pytest.mark.parametrize("name", [name for name in RECIPES if name.startswith("semantic_gan")])
def test_every_recipe_is_found(name: str) -> None:
    module, _, maker = RECIPES[name].partition(":")
    assert maker == name
    assert isinstance(getattr(importlib.import_module(module), maker)(), semantic_gan.Config)


def test_resumes_bit_by_bit(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "draw_losses", lambda folder: None)  # takes longer than the training

    def run(name: str, *, stop_at: int | None = None, resume: bool = False) -> SemanticTraining:
        (tmp_path / name).mkdir(exist_ok=True)
        training = make(TINY, data)
        step = training.step

        def watched(batch: tuple[Tensor, Tensor], number: int) -> dict[str, Tensor]:
            if number == stop_at:
                raise TimeoutError
            return step(batch, number)

        training.step = watched  # type: ignore[method-assign]
        fit(training, TINY.schedule, tmp_path / name, training.accelerator, resume=resume)
        return training

    whole = run("whole")
    with pytest.raises(TimeoutError):
        run("killed", stop_at=3)
    torch.manual_seed(99)
    resumed = run("killed", resume=True)
    for name, module in whole.modules.items():
        for key, value in resumed.modules[name].state_dict().items():
            assert torch.equal(value, module.state_dict()[key]), f"{name} {key}"
    for name, optimizer in whole.optimizers.items():
        states = resumed.optimizers[name].state_dict()["state"]
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                assert torch.equal(value, states[index][key]), f"{name} {index} {key}"
    for file in ("generators.safetensors", "previews.png"):
        assert (tmp_path / "killed" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    curves = set(figures.read_curves(tmp_path / "killed" / "tensorboard"))
    assert {"held out A/reconstruction", "held out B/semantic", "A2B/semantic"} <= curves


@pytest.fixture(scope="module")
def unchanged(data: Data) -> dict[str, Tensor]:
    return after(TINY, data)


def test_the_same_settings_learn_the_same(data: Data, unchanged: dict[str, Tensor]) -> None:
    for key, value in after(TINY, data).items():
        assert torch.equal(value, unchanged[key])


@pytest.mark.parametrize(
    "change",
    [
        {"generator_rates": StepDecay(rate=2e-3, epochs=1)},
        {"discriminator_rates": StepDecay(rate=1e-3, epochs=1)},
        {"optimizer": Adam(betas=(0.9, 0.999))},
        {"seed": 1},
        {"batch": 1},
        {"adversarial": "hinge"},
        {"semantic_weight": 0.0},
        {"normalised_codes": False},
        {"reconstruction_weight": 0.0},
        {"cycle_weight": 0.0},
        {"discriminator_steps": 2},
        {"average_decay": 0.0},
        {"spectral_norm": False},
        {"crop": 40},
        {"shorter": 38},
        {"held_out": 2},
        {"generator": GeneratorConfig(width=2, blocks=1, attention="quarter")},
        {"discriminator": PatchConfig(width=3)},
    ],
    ids=str,
)
def test_every_setting_changes_what_is_learned(
    data: Data, unchanged: dict[str, Tensor], change: dict[str, Any]
) -> None:
    changed = after(replace(TINY, **change), data)
    assert changed.keys() != unchanged.keys() or any(
        value.shape != unchanged[key].shape or not torch.equal(value, unchanged[key]) for key, value in changed.items()
    )


def test_the_pool_changes_what_is_learned_once_it_is_full(data: Data, unchanged: dict[str, Tensor]) -> None:
    small, none = (after(replace(TINY, pool=pool), data, steps=4) for pool in (2, 0))
    assert any(not torch.equal(value, none[key]) for key, value in small.items())


def test_crops_that_cannot_be_halved_three_times_are_refused(data: Data) -> None:
    for crop in (36, 8):
        with pytest.raises(OptionError, match=f"crop is {crop}, but must be a multiple of 8 and at least 16"):
            make(replace(TINY, crop=crop, shorter=44), data)

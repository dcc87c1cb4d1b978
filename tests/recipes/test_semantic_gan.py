"""The recipes of paper 003: the published settings, and the training in miniature."""

import importlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor
from trainings import after_steps, check_resuming, draw, forget, is_other

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.errors import OptionError
from impasto.methods.semantic_gan.network import GeneratorConfig
from impasto.methods.semantic_gan.training import SemanticTraining
from impasto.recipes import RECIPES, semantic_gan
from impasto.training import figures
from impasto.training.loop import Schedule
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
    random = np.random.default_rng(0)
    return {kind: draw(tmp_path_factory.mktemp(kind), count, random) for kind, count in (("A", 4), ("B", 6))}


def make(config: semantic_gan.Config, data: Data) -> SemanticTraining:
    forget()
    return semantic_gan.build(config, Accelerator(cpu=True), data)


def after(config: semantic_gan.Config, data: Data, steps: int = 2) -> dict[str, Tensor]:
    """The averaged generators after some steps."""
    training = after_steps(make(config, data), steps)
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
    files = ("generators.safetensors", "previews.png")
    check_resuming(tmp_path, lambda: make(TINY, data), TINY.schedule, files, stop_at=3)
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
    assert is_other(after(replace(TINY, **change), data), unchanged)


def test_the_pool_changes_what_is_learned_once_it_is_full(data: Data, unchanged: dict[str, Tensor]) -> None:
    assert is_other(*(after(replace(TINY, pool=pool), data, steps=4) for pool in (2, 0)))


def test_crops_that_cannot_be_halved_three_times_are_refused(data: Data) -> None:
    for crop in (36, 8):
        with pytest.raises(OptionError, match=f"crop is {crop}, but must be a multiple of 8 and at least 16"):
            make(replace(TINY, crop=crop, shorter=44), data)

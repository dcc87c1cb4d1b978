"""The recipes of unpaired translation: the published settings, epochs, and each training in miniature."""

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
from impasto.errors import DataError, OptionError
from impasto.methods.cyclegan.network import GeneratorConfig
from impasto.methods.dncnn_cyclegan.network import GeneratorConfig as DnCNNConfig
from impasto.methods.nla_cyclegan.network import GeneratorConfig as NLAConfig
from impasto.methods.nla_cyclegan.stylizer import NLACycleGAN
from impasto.recipes import cyclegan, dncnn_cyclegan, nla_cyclegan, place_of
from impasto.training import figures
from impasto.training.cycle import CycleTraining
from impasto.training.loop import Schedule
from impasto.training.optimizers import Adam, NAdam
from impasto.training.schedules import LinearDecay, StepDecay
from impasto.translation import load_generator

SMALL: dict[str, Any] = {
    "schedule": Schedule(steps=4, log_every=1, preview_every=2, validate_every=4, save_every=2),
    "batch": 2,
    "crop": 32,
    "shorter": 36,
    "held_out": 1,
}
# Pools and averages that already matter within four steps.
LEARNED: dict[str, Any] = {"pool": 3, "average_decay": 0.5, "discriminator": PatchConfig(width=2)}
TINY = {
    cyclegan: replace(cyclegan.cyclegan(), **SMALL, **LEARNED, generator=GeneratorConfig(width=2, blocks=1)),
    nla_cyclegan: replace(
        nla_cyclegan.nla_cyclegan(), **SMALL, **LEARNED, generator=NLAConfig(width=2, blocks=2, position=1)
    ),
    dncnn_cyclegan: replace(
        dncnn_cyclegan.exp_small_bs_decay(), **SMALL | {"crop": 8}, generator=DnCNNConfig(depth=1, width=4)
    ),
}
Data = dict[str, list[Path]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    return {"A": draw(folder / "A", 4, random), "B": draw(folder / "B", 6, random)}


def make(recipe: Any, config: Any, data: Data) -> CycleTraining:
    forget()
    training: CycleTraining = recipe.build(config, Accelerator(cpu=True), data)
    return training


def after(recipe: Any, config: Any, data: Data, steps: int = 3) -> dict[str, Tensor]:
    """The averaged generators after some steps."""
    training = after_steps(make(recipe, config, data), steps)
    return {
        f"{direction}.{name}": value.clone()
        for direction, average in training.averages.items()
        for name, value in average.state_dict().items()
    }


# --- the settings ----------------------------------------------------------------------------------------------------


def test_cyclegan_is_as_published() -> None:
    config = cyclegan.cyclegan()
    assert (config.rates, config.optimizer) == (LinearDecay(rate=2e-4, epochs=200, constant=100), Adam())
    assert config.optimizer.betas == (0.5, 0.999)
    weights = (config.cycle_weight, config.identity_weight, config.discriminator_weight)
    assert (weights, config.pool, config.batch) == ((10, 5, 0.5), 50, 1)
    assert (config.crop, config.shorter, config.epoch, config.average_decay) == (256, 286, "max", 0)
    assert (config.generator, config.discriminator) == (GeneratorConfig(), PatchConfig())


def test_nla_cyclegan_is_as_in_paper_000() -> None:
    config, baseline = nla_cyclegan.nla_cyclegan(), cyclegan.cyclegan()
    assert config.rates == LinearDecay(rate=2e-4, epochs=150, constant=100)
    assert config.optimizer == NAdam(betas=(0.5, 0.999), momentum_decay=4e-3)
    assert config.generator == NLAConfig()
    different = {name for name, value in asdict(config).items() if value != asdict(baseline)[name]}
    composing = nla_cyclegan.nla_cyclegan_compose()
    assert composing == replace(config, generator=NLAConfig(compose=True))
    assert different == {"rates", "optimizer", "generator"}, "for other loss function, it same as the CycleGAN"


@pytest.mark.parametrize(
    ("name", "batch", "rates"),
    [
        ("exp_smallBS", 2, StepDecay(rate=1e-3, epochs=200)),
        ("exp_largeBS", 16, StepDecay(rate=1e-3, epochs=200)),
        ("exp_largeBS_decay", 16, StepDecay(rate=2e-3, epochs=200, every=2, factor=0.99)),
        ("exp_smallBS_decay", 2, StepDecay(rate=2e-3, epochs=200, every=2, factor=0.99)),
    ],
)
def test_experiments_of_paper_002(name: str, batch: int, rates: StepDecay) -> None:
    module, maker = place_of(name)
    config = getattr(importlib.import_module(module), maker)()
    assert (config.batch, config.rates, config.optimizer) == (batch, rates, Adam(betas=(0.5, 0.999)))
    weights = (config.cycle_weight, config.identity_weight, config.discriminator_weight, config.pool)
    assert weights == (1, 0, 1, 0)
    assert config.generator == DnCNNConfig(depth=6, width=64)
    assert config.epoch == "B", "each epoch trained on all van Gogh artworks"


def test_slim_recipes_differ_in_what_the_methods_differ_in() -> None:
    plain, attentive = cyclegan.cyclegan_slim(), nla_cyclegan.nla_cyclegan_slim()
    assert (plain.generator.width, plain.crop) == (16, 128)
    different = {name for name, value in asdict(plain).items() if value != asdict(attentive)[name]}
    assert different == {"rates", "optimizer", "generator"}
    assert plain.rates == cyclegan.cyclegan().rates, "shares of the steps"
    assert plain.schedule.steps > 0, "of a time, not of epochs"


@pytest.mark.parametrize(
    ("epoch", "batch", "steps"), [("max", 1, 5), ("min", 1, 3), ("A", 1, 3), ("B", 1, 5), ("B", 2, 3), (7, 2, 4)]
)
def test_epochs_become_steps(data: Data, epoch: Any, batch: int, steps: int) -> None:
    """Of 4 and 6 pictures, one of each is held out."""
    schedule = Schedule(steps=0, log_every=7)
    config = replace(cyclegan.cyclegan(), schedule=schedule, epoch=epoch, batch=batch, held_out=1)
    settled = cyclegan.settle(config, data, 1)
    assert settled == replace(config, schedule=Schedule(steps=200 * steps, log_every=7))
    given = replace(config, schedule=Schedule(steps=9))
    assert cyclegan.settle(given, data, 1) == given


@pytest.mark.parametrize("processes", [2, 3, 8])
def test_an_epoch_is_one_of_the_data_in_any_number_of_processes(data: Data, processes: int) -> None:
    config = replace(cyclegan.cyclegan(), schedule=Schedule(steps=0), held_out=1)
    alone = cyclegan.settle(config, data, 1).schedule.steps
    together = cyclegan.settle(config, data, processes).schedule.steps
    assert 0 <= together * processes - alone < processes, "as many samples, but for the last step"
    for share in (0.0, 0.25, 0.49, 0.52, 0.75, 0.99):
        rates = [config.rates(int(share * steps), steps) for steps in (alone, together)]
        assert rates[1] == pytest.approx(rates[0], abs=config.rates.rate / 50), "an epoch's rate is what it was"
    assert config.rates(together - 1, together) < config.rates.rate / 50, "it has decayed at the end"


# --- trainings in miniature ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", TINY, ids=lambda recipe: recipe.__name__.rpartition(".")[2])
def test_resumes_bit_by_bit(tmp_path: Path, data: Data, recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "draw_losses", lambda folder: None)  # takes longer than the training
    config, files = TINY[recipe], ("generators.safetensors", "previews.png")
    check_resuming(tmp_path, lambda: make(recipe, config, data), config.schedule, files, stop_at=3)
    assert [path.name for path in figures.previews_of(tmp_path / "killed")] == ["0000002.png", "0000004.png"]
    assert {"held out A/cycle", "A2B/adversarial"} <= set(figures.read_curves(tmp_path / "killed" / "tensorboard"))


def test_the_result_is_of_its_method(tmp_path: Path, data: Data) -> None:
    training = make(nla_cyclegan, TINY[nla_cyclegan], data)
    training.finish(tmp_path)
    generator = load_generator(tmp_path / "generators.safetensors", NLACycleGAN, "B2A")
    assert generator.config == TINY[nla_cyclegan].generator


@pytest.fixture(scope="module")
def unchanged(data: Data) -> dict[str, Tensor]:
    return after(cyclegan, TINY[cyclegan], data)


@pytest.mark.parametrize(
    "change",
    [
        {"rates": StepDecay(rate=1e-3, epochs=1)},
        {"optimizer": NAdam()},
        {"seed": 1},
        {"batch": 1},
        {"cycle_weight": 1.0},
        {"identity_weight": 0.0},
        {"discriminator_weight": 3.0},
        {"pool": 0},
        {"average_decay": 0.0},
        {"crop": 36},
        {"shorter": 38},
        {"held_out": 2},
        {"generator": GeneratorConfig(width=3, blocks=1)},
        {"discriminator": PatchConfig(width=3)},
        {"discriminator": PatchConfig(width=2, halvings=2)},
    ],
    ids=str,
)
def test_every_setting_changes_what_is_learned(
    data: Data, unchanged: dict[str, Tensor], change: dict[str, Any]
) -> None:
    assert is_other(after(cyclegan, replace(TINY[cyclegan], **change), data), unchanged)


def test_the_same_settings_learn_the_same(data: Data, unchanged: dict[str, Tensor]) -> None:
    for key, value in after(cyclegan, TINY[cyclegan], data).items():
        assert torch.equal(value, unchanged[key])


def test_both_directions_begin_and_learn_differently(unchanged: dict[str, Tensor]) -> None:
    assert not torch.equal(unchanged["A2B.network.encoder.0.weight"], unchanged["B2A.network.encoder.0.weight"])


# --- the pictures ----------------------------------------------------------------------------------------------------


def test_held_out_pictures_are_never_trained_on(data: Data) -> None:
    training = make(cyclegan, replace(TINY[cyclegan], held_out=2), data)
    for kind in ("A", "B"):
        some, others = (getattr(domains, kind).pictures for domains in (training.domains, training.held_out))
        assert len(others) == 2
        assert not set(some) & set(others)
    assert training.preview().shape == (1, 3, 2 * 4 * 32, 2 * 32)


def test_a_test_set_is_held_out_whole(data: Data, tmp_path: Path) -> None:
    config = TINY[cyclegan]
    tests = draw(tmp_path / "testB", 3, np.random.default_rng(1))
    training = make(cyclegan, config, data | {"testB": tests})
    assert training.held_out.B.pictures == sorted(tests[0].iterdir())
    assert training.domains.B.pictures == sorted(data["B"][0].iterdir())
    # The other kind has none, and a few are split off.
    assert len(training.held_out.A.pictures) == config.held_out
    assert len(training.domains.A.pictures) == 4 - config.held_out
    open_ended = replace(config, schedule=Schedule(steps=0), epoch="B", batch=1)
    assert cyclegan.settle(open_ended, data | {"testB": tests}, 1).schedule.steps == 6 * config.rates.epochs
    assert cyclegan.settle(open_ended, data, 1).schedule.steps == 5 * config.rates.epochs


def test_every_picture_meets_many_of_the_other_kind(data: Data) -> None:
    domains = make(cyclegan, TINY[cyclegan], {"A": data["B"], "B": data["B"]}).domains
    pairs = {
        (domains.A.pictures[domains.A._position(i)].name, domains.B.pictures[domains.B._position(i)].name)
        for i in range(50)
    }
    assert len(pairs) > 12


def test_a_single_style_picture_is_a_kind_of_its_own(data: Data, tmp_path: Path) -> None:
    config = replace(dncnn_cyclegan.single(), **SMALL, generator=DnCNNConfig(depth=1, width=2))
    one = draw(tmp_path / "one", 1, np.random.default_rng(5))
    training = make(dncnn_cyclegan, config, {"A": data["A"], "B": one})
    _, B = next(training.batches(0))
    assert not torch.equal(B[0], B[1]), "other crops of the one picture"
    assert len(training.held_out.B.pictures) == len(training.domains.B.pictures) == 1
    assert training.preview().shape == (1, 3, 4 * 32, 2 * 32)
    settled = dncnn_cyclegan.settle(replace(config, schedule=Schedule(steps=0)), {"A": data["A"], "B": one}, 1)
    assert settled.schedule.steps == 200 * 2, "an epoch of three content pictures, two at a time"


def test_what_cannot_be_trained_is_said(data: Data, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4 pictures are too few to hold 3 of them out"):
        make(cyclegan, replace(TINY[cyclegan], held_out=3), data)
    for crop in (30, 4):
        with pytest.raises(OptionError, match=f"crop is {crop}, but must be a multiple of 4 and at least 8"):
            make(cyclegan, replace(TINY[cyclegan], crop=crop), data)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        cyclegan.settle(replace(cyclegan.cyclegan(), held_out=1), data | {"B": [tmp_path / "nowhere"]}, 1)

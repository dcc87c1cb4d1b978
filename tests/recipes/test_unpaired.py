"""The recipes of unpaired translation: the published settings, epochs, and each training in miniature."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from tiny_recipes import SMALL, TINY
from torch import Tensor
from trainings import after_steps, check_resuming, draw, forget, is_other

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.errors import DataError, OptionError, WeightsError
from impasto.methods.aggan import recipes as aggan
from impasto.methods.aggan.training import AttentionGuidedTraining
from impasto.methods.cyclegan import recipes as cyclegan
from impasto.methods.cyclegan.network import GeneratorConfig
from impasto.methods.dncnn_cyclegan import recipes as dncnn_cyclegan
from impasto.methods.dncnn_cyclegan.network import GeneratorConfig as DnCNNConfig
from impasto.methods.munit import recipes as munit
from impasto.methods.munit.network import DiscriminatorConfig
from impasto.methods.nla_cyclegan import recipes as nla_cyclegan
from impasto.methods.nla_cyclegan.network import GeneratorConfig as NLAConfig
from impasto.methods.semantic_gan import recipes as semantic_gan
from impasto.methods.semantic_gan.network import GeneratorConfig as SemanticConfig
from impasto.recipes import load_recipe
from impasto.training import figures
from impasto.training.loop import Schedule
from impasto.training.optimisation import Adam, LinearDecay, NAdam, StepDecay
from impasto.training.runs import losses_of
from impasto.training.unpaired import UnpairedRecipe, UnpairedTraining
from impasto.translation import load_generator

every_method = pytest.mark.parametrize("method", TINY)
Data = dict[str, list[Path]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    return {"A": draw(folder / "A", 4, random), "B": draw(folder / "B", 6, random)}


def make(recipe: UnpairedRecipe, data: Data) -> UnpairedTraining[Any]:
    forget()
    training: UnpairedTraining[Any] = recipe.build(Accelerator(cpu=True), data)
    return training


def after(recipe: UnpairedRecipe, data: Data, steps: int = 3) -> dict[str, Tensor]:
    """The averaged generators after some steps."""
    training = after_steps(make(recipe, data), steps)
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
    config = load_recipe(name)
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


def test_more_steps_begin_with_stored_generators(data: Data, tmp_path: Path) -> None:
    more, slim = nla_cyclegan.nla_cyclegan_more(), nla_cyclegan.nla_cyclegan_slim()
    assert replace(more.generator, upsampling="resize") == slim.generator, "the stored weights fit"
    small = replace(TINY["nla-cyclegan"], generator=replace(TINY["nla-cyclegan"].generator, upsampling="resize"))
    run = after_steps(make(small, data), 1)
    run.finish(tmp_path)
    stored = tmp_path / "generators.safetensors"
    begun = replace(small, seed=9, generator=replace(small.generator, upsampling="bilinear"))
    forget()
    started = begun.build(Accelerator(cpu=True), data, start=stored)
    for direction, average in run.averages.items():
        for kind in (started.generators, started.averages):
            for mine, theirs in zip(kind[direction].parameters(), average.parameters(), strict=True):
                assert torch.equal(mine, theirs.half().float())
    wider = replace(small, generator=replace(small.generator, width=2 * small.generator.width))
    forget()
    with pytest.raises(WeightsError, match="its generator cannot be built"):
        wider.build(Accelerator(cpu=True), data, start=stored)


def test_zoom_cuts_crops_from_pictures_of_several_sizes(data: Data) -> None:
    one, several = (replace(TINY["cyclegan"], held_out=1, zoom=zoom).domains(data, 0)[0] for zoom in (1.0, 2.0))
    shorter = TINY["cyclegan"].shorter
    assert (one["A"].crops.shorter, several["A"].crops.shorter) == ((shorter, shorter), (shorter, 2 * shorter))
    with pytest.raises(OptionError, match=r"zoom is 0.5, but must be 1 or more"):
        replace(TINY["cyclegan"], zoom=0.5)


def test_munit_and_aggan_are_as_published() -> None:
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
    training = object.__new__(AttentionGuidedTraining)
    training.settings = replace(other, schedule=Schedule(steps=1000))
    assert [training._sees_foreground(step) for step in (0, 299, 300, 999)] == [False, False, True, True]


def test_semantic_gan_is_as_in_paper_003() -> None:
    config = semantic_gan.semantic_gan()
    assert config.optimizer == Adam(betas=(0.5, 0.999))
    assert (config.schedule.steps, config.batch, config.crop) == (400_000, 8, 256)
    for step in (0, 399_999):
        assert config.generator_rates(step, 400_000) == 1e-3
        assert config.discriminator_rates(step, 400_000) == 2e-3
    assert (config.adversarial, config.semantic_weight, config.discriminator_steps) == ("lsgan", 1, 1)
    assert (config.generator, config.discriminator) == (SemanticConfig(pooling=1), PatchConfig())
    assert config.generator.attention == "full", "at the end of the generator, and over all positions"
    assert (config.reconstruction_weight, config.cycle_weight, config.normalised_codes) == (0, 0, False), "equation 13"
    anchored = semantic_gan.semantic_gan_anchored()
    assert (anchored.reconstruction_weight, anchored.normalised_codes, anchored.best_by) == (10, True, "reconstruction")
    letter = {"reconstruction_weight": 0.0, "normalised_codes": False, "best_by": "structure SSIM"}
    assert anchored.generator == SemanticConfig()
    assert replace(anchored, **letter, generator=config.generator) == config


def test_the_others_of_semantic_gan_are_calmer_or_shorter() -> None:
    paper, stable = semantic_gan.semantic_gan_anchored(), semantic_gan.semantic_gan_stable()
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


@pytest.mark.parametrize(
    ("epoch", "batch", "steps"), [("max", 1, 5), ("min", 1, 3), ("A", 1, 3), ("B", 1, 5), ("B", 2, 3), (7, 2, 4)]
)
def test_epochs_become_steps(data: Data, epoch: Any, batch: int, steps: int) -> None:
    """Of 4 and 6 pictures, one of each is held out."""
    schedule = Schedule(steps=0, log_every=7)
    config = replace(cyclegan.cyclegan(), schedule=schedule, epoch=epoch, batch=batch, held_out=1)
    settled = config.settled(data)
    assert settled == replace(config, schedule=Schedule(steps=200 * steps, log_every=7))
    given = replace(config, schedule=Schedule(steps=9))
    assert given.settled(data) == given


@pytest.mark.parametrize("processes", [2, 3, 8])
def test_an_epoch_is_one_of_the_data_in_any_number_of_processes(data: Data, processes: int) -> None:
    config = replace(cyclegan.cyclegan(), schedule=Schedule(steps=0), held_out=1)
    alone = config.settled(data).schedule.steps
    together = config.settled(data, processes).schedule.steps
    assert 0 <= together * processes - alone < processes, "as many samples, but for the last step"
    for share in (0.0, 0.25, 0.49, 0.52, 0.75, 0.99):
        rates = [config.rates(int(share * steps), steps) for steps in (alone, together)]
        assert rates[1] == pytest.approx(rates[0], abs=config.rates.rate / 50), "an epoch's rate is what it was"
    assert config.rates(together - 1, together) < config.rates.rate / 50, "it has decayed at the end"


# --- trainings in miniature ------------------------------------------------------------------------------------------


@every_method
def test_resumes_bit_by_bit(tmp_path: Path, data: Data, method: str) -> None:
    recipe, files = TINY[method], ("generators.safetensors", "previews.png")
    check_resuming(tmp_path, lambda: make(recipe, data), recipe.schedule, files, stop_at=3)
    assert [path.name for path in figures.previews_of(tmp_path / "killed")] == ["0000002.png", "0000004.png"]
    curves = losses_of(tmp_path / "killed")
    assert {f"held out {kind}/{name}" for kind in "AB" for name in make(recipe, data).errors} <= set(curves)


@every_method
def test_what_is_stored_can_be_loaded(tmp_path: Path, data: Data, method: str) -> None:
    training = make(TINY[method], data)
    training.finish(tmp_path)
    for direction, average in training.averages.items():
        loaded = load_generator(tmp_path / "generators.safetensors", type(average), direction)
        assert loaded.config == TINY[method].generator
        for key, value in average.named_parameters():
            assert torch.equal(loaded.state_dict()[key], value.half().float())


@pytest.fixture(scope="module")
def unchanged(data: Data) -> dict[str, dict[str, Tensor]]:
    """The generators of each method after its steps, as they are first wanted."""
    return {}


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("cyclegan", {"rates": StepDecay(rate=1e-3, epochs=1)}),
        ("cyclegan", {"optimizer": NAdam()}),
        ("cyclegan", {"seed": 1}),
        ("cyclegan", {"batch": 1}),
        ("cyclegan", {"cycle_weight": 1.0}),
        ("cyclegan", {"identity_weight": 0.0}),
        ("cyclegan", {"discriminator_weight": 3.0}),
        ("cyclegan", {"pool": 0}),
        ("cyclegan", {"average_decay": 0.0}),
        ("cyclegan", {"crop": 36}),
        ("cyclegan", {"shorter": 38}),
        ("cyclegan", {"held_out": 2}),
        ("cyclegan", {"generator": GeneratorConfig(width=3, blocks=1)}),
        ("cyclegan", {"discriminator": PatchConfig(width=3)}),
        ("cyclegan", {"discriminator": PatchConfig(width=2, halvings=2)}),
        ("munit", {"reconstruction_weight": 0.0}),
        ("munit", {"content_weight": 0.0}),
        ("munit", {"style_weight": 0.0}),
        ("munit", {"cycle_weight": 1.0}),
        ("munit", {"discriminator": DiscriminatorConfig(width=2, scales=2)}),
        ("aggan", {"cycle_weight": 0.0}),
        ("aggan", {"discriminator_weight": 1.0}),
        ("aggan", {"foreground_from": 1}),
        ("aggan", {"threshold": 0.45}),
        ("semantic-gan", {"generator_rates": StepDecay(rate=2e-3, epochs=1)}),
        ("semantic-gan", {"discriminator_rates": StepDecay(rate=1e-3, epochs=1)}),
        ("semantic-gan", {"optimizer": Adam(betas=(0.9, 0.999))}),
        ("semantic-gan", {"batch": 1}),
        ("semantic-gan", {"adversarial": "hinge"}),
        ("semantic-gan", {"semantic_weight": 0.0}),
        ("semantic-gan", {"normalised_codes": False}),
        ("semantic-gan", {"reconstruction_weight": 0.0}),
        ("semantic-gan", {"cycle_weight": 0.0}),
        ("semantic-gan", {"discriminator_steps": 2}),
        ("semantic-gan", {"spectral_norm": False}),
        ("semantic-gan", {"pool": 0}),
        ("semantic-gan", {"generator": SemanticConfig(width=2, blocks=1, attention="quarter")}),
    ],
    ids=str,
)
def test_every_setting_changes_what_is_learned(
    data: Data, unchanged: dict[str, dict[str, Tensor]], method: str, change: dict[str, Any]
) -> None:
    if method not in unchanged:
        unchanged[method] = after(TINY[method], data)
    assert is_other(after(replace(TINY[method], **change), data), unchanged[method])


@every_method
def test_the_same_settings_learn_the_same_and_both_directions_differently(data: Data, method: str) -> None:
    first, again = (after(TINY[method], data, steps=1) for _ in range(2))
    assert not is_other(first, again)
    ways = ({name[3:]: value for name, value in first.items() if name.startswith(way)} for way in ("A2B", "B2A"))
    assert is_other(*ways)


# --- the pictures ----------------------------------------------------------------------------------------------------


def test_held_out_pictures_are_never_trained_on(data: Data) -> None:
    training = make(replace(TINY["cyclegan"], held_out=2), data)
    for kind in ("A", "B"):
        some, others = (domains[kind].pictures for domains in (training.domains, training.held_out))
        assert len(others) == 2
        assert not set(some) & set(others)
    assert training.preview().shape == (1, 3, 2 * 4 * 32, 2 * 32)


def test_a_test_set_is_held_out_whole(data: Data, tmp_path: Path) -> None:
    config = TINY["cyclegan"]
    tests = draw(tmp_path / "testB", 3, np.random.default_rng(1))
    training = make(config, data | {"testB": tests})
    assert training.held_out["B"].pictures == sorted(tests[0].iterdir())
    assert training.domains["B"].pictures == sorted(data["B"][0].iterdir())
    # The other kind has none, and a few are split off.
    assert len(training.held_out["A"].pictures) == config.held_out
    assert len(training.domains["A"].pictures) == 4 - config.held_out
    open_ended = replace(config, schedule=Schedule(steps=0), epoch="B", batch=1)
    assert open_ended.settled(data | {"testB": tests}).schedule.steps == 6 * config.rates.epochs
    assert open_ended.settled(data).schedule.steps == 5 * config.rates.epochs


def test_every_picture_meets_many_of_the_other_kind(data: Data) -> None:
    domains = make(TINY["cyclegan"], {"A": data["B"], "B": data["B"]}).domains
    pairs = {tuple(s.pictures[s._position(i)].name for s in domains.values()) for i in range(50)}
    assert len(pairs) > 12


def test_a_single_style_picture_is_a_kind_of_its_own(data: Data, tmp_path: Path) -> None:
    config = replace(dncnn_cyclegan.dncnn_cyclegan_single(), **SMALL, generator=DnCNNConfig(depth=1, width=2))
    one = draw(tmp_path / "one", 1, np.random.default_rng(5))
    training = make(config, {"A": data["A"], "B": one})
    _, B = next(training.batches(0))
    assert not torch.equal(B[0], B[1]), "other crops of the one picture"
    assert len(training.held_out["B"].pictures) == len(training.domains["B"].pictures) == 1
    assert training.preview().shape == (1, 3, 4 * 32, 2 * 32)
    settled = replace(config, schedule=Schedule(steps=0)).settled({"A": data["A"], "B": one})
    assert settled.schedule.steps == 200 * 2, "an epoch of three content pictures, two at a time"


def test_what_cannot_be_trained_is_said(data: Data, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4 pictures are too few to hold 3 of them out"):
        make(replace(TINY["cyclegan"], held_out=3), data)
    for method, crop, said in (
        ("cyclegan", 30, "a multiple of 4 and at least 8"), ("cyclegan", 4, "a multiple of 4 and at least 8"),
        ("semantic-gan", 36, "a multiple of 8 and at least 16"), ("semantic-gan", 8, "a multiple of 8 and at least 16"),
        ("munit", 48, "64 or more for discriminators at 3 scales"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=f"crop is {crop}, but must be {said}"):
            make(replace(TINY[method], crop=crop, shorter=50), data)
    with pytest.raises(OptionError, match=r"threshold is 1.5, but must be from 0 to 1"):
        replace(TINY["aggan"], threshold=1.5)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        replace(cyclegan.cyclegan(), held_out=1).settled(data | {"B": [tmp_path / "nowhere"]})

"""The recipes of paper 004: the published settings, and a training in miniature."""

import json
import re
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor
from trainings import (
    after_steps,
    check_average,
    check_learns_in_half_precision,
    check_resuming,
    is_other,
    run,
    state_of,
)

from impasto.engine.architecture import DecoderConfig
from impasto.errors import DataError, OptionError
from impasto.losses.feature_statistics import Statistics, adain_content_loss, adain_style_loss, mean_std
from impasto.methods.adain import recipes
from impasto.methods.adain.backend import load_decoder
from impasto.methods.adain.network import adain as exchange_statistics
from impasto.methods.adain.recipes import PaperRecipe
from impasto.methods.adain.training import KINDS, AdaINTraining, PaperObjective
from impasto.recipes import load_recipe, recipe_modules
from impasto.training.loop import Schedule
from impasto.training.optimisation import InverseDecay, OneCycle
from impasto.training.runs import losses_of
from impasto.weights import load

SMALL: dict[str, Any] = {
    "schedule": Schedule(steps=4, log_every=1, preview_every=3, validate_every=2, save_every=2),
    "batch": 2,
    "crop": 32,
    "shorter": (36, 48),
    "held_out": 2,
}
PAPER = replace(recipes.adain_paper(), **SMALL)


def make(recipe: PaperRecipe, data: dict[str, list[Path]], precision: str = "no") -> AdaINTraining:
    return recipe.build(Accelerator(cpu=True, mixed_precision=precision), data)


# --- the settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", recipe_modules())
def test_every_recipe_has_settings_that_json_can_hold(name: str) -> None:
    stored = asdict(load_recipe(name))
    again = json.loads(json.dumps(stored))
    assert again.keys() == stored.keys() > {"schedule", "seed", "held_out"}
    assert again.keys() & {"batch", "stages"}


@pytest.mark.parametrize(
    ("make_config", "convention", "weight"),
    [
        (recipes.adain_paper, "norm", 10),
        (recipes.adain_mean_squared, "mean-squared", 10),
        (recipes.adain_content, "channel-sum", 0.01),
        (recipes.adain_style, "channel-sum", 0.1),
    ],
)
def test_published_settings(make_config: Any, convention: str, weight: float) -> None:
    config = make_config()
    objective = config.objective
    assert isinstance(objective, PaperObjective)
    assert (objective.convention, objective.style_weight) == (convention, weight)
    assert objective.content_layers == ("relu4_1",)
    assert objective.style_layers == ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    assert (config.batch, config.crop, config.shorter, config.schedule.steps) == (8, 256, (512, 512), 160_000)
    assert config.rates == InverseDecay(rate=1e-4, decay=5e-5)


def test_the_decoder_is_the_papers(data: dict[str, list[Path]]) -> None:
    """relu4_1 alone, for the widths of the encoder; test_adain_foreign holds its convolutions to the published ones."""
    decoder = make(PAPER, data).average
    assert decoder.config == DecoderConfig(widths=(16, 32, 64, 128))
    assert decoder.config.layers == ("relu4_1",)


def test_the_short_run_is_the_papers_method_on_a_budget() -> None:
    paper, short = asdict(recipes.adain_paper()), asdict(recipes.adain_paper_short())
    assert {name for name in paper if paper[name] != short[name]} == {"schedule", "rates", "crop", "shorter"}
    assert isinstance(recipes.adain_paper_short().rates, OneCycle)


def test_the_documentation_lists_every_recipe_with_its_length() -> None:
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "training.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| ([\d,]+(?: epochs)?) \|$", text, re.M)
    lengths = {}
    for name in recipe_modules():
        recipe: Any = load_recipe(name)
        lengths[name] = f"{recipe.schedule.steps:,}" if recipe.schedule.steps else f"{recipe.rates.epochs} epochs"
    assert dict(rows) == lengths


# --- the objective --------------------------------------------------------------------------------------------------


LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")


def features(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        layer: (number + 1) * torch.rand(2, 3 + number, 5, 4, dtype=torch.float64, generator=generator)
        for number, layer in enumerate(LAYERS)
    }


GIVEN, FOUND = features(0), features(1)
STYLE: dict[str, Statistics] = {layer: mean_std(value) for layer, value in features(3).items()}


def losses(objective: PaperObjective, **other: Any) -> dict[str, float]:
    inputs = {"given": GIVEN, "found": FOUND, "style": STYLE} | other
    return {name: float(value) for name, value in objective.losses(**inputs).items()}


@pytest.mark.parametrize("convention", ["norm", "mean-squared", "channel-sum"])
def test_the_papers_loss(convention: Any) -> None:
    found = losses(PaperObjective(convention=convention, style_weight=3.0))
    content = adain_content_loss(FOUND["relu4_1"], GIVEN["relu4_1"], convention)
    style = sum(
        float(adain_style_loss(mean_std(FOUND[layer]), STYLE[layer], convention))
        for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    )
    assert found == {"content": pytest.approx(float(content)), "style": pytest.approx(3 * style)}


def test_every_setting_changes_the_loss() -> None:
    changes: dict[str, Any] = {
        "style_weight": 1.0,
        "convention": "mean-squared",
        "content_layers": ("relu3_1",),
        "style_layers": ("relu1_1",),
    }
    assert changes.keys() == {field.name for field in fields(PaperObjective)}
    for name, value in changes.items():
        assert losses(replace(PaperObjective(), **{name: value})) != losses(PaperObjective()), name


def test_gradients_reach_every_layer_that_counts_and_no_other() -> None:
    objective = PaperObjective()
    found = {layer: value.clone().requires_grad_() for layer, value in FOUND.items()}
    torch.stack(list(objective.losses(GIVEN, found, STYLE).values())).sum().backward()
    reached = {layer for layer, value in found.items() if value.grad is not None and value.grad.abs().sum() > 0}
    assert reached == objective.layers


# --- the training ----------------------------------------------------------------------------------------------------


def test_writes_a_decoder_that_can_be_built_from_its_file(tmp_path: Path, data: dict[str, list[Path]]) -> None:
    trained = run(tmp_path, make(PAPER, data), PAPER.schedule)
    assert {tensor.dtype for tensor in load(tmp_path / "decoder.safetensors")[0].values()} == {torch.float16}
    decoder, stored = load_decoder(tmp_path / "decoder.safetensors")
    assert stored["recipe"] == json.loads(json.dumps(asdict(PAPER)))
    assert decoder.config == trained.average.config
    for key, value in trained.average.state_dict().items():
        torch.testing.assert_close(decoder.state_dict()[key], value, rtol=2e-3, atol=2e-3)

    assert sorted(path.name for path in (tmp_path / "previews").iterdir()) == ["0000003.png", "0000004.png"]
    with Image.open(tmp_path / "previews.png") as strip:
        assert strip.width == 4 * 256  # content, style and two steps
        assert strip.height > 2 * 256
    curves = losses_of(tmp_path)
    assert set(curves) == {
        "loss", "loss/content", "loss/style", "held out/content", "held out/style", "held out/loss",
    }  # fmt: skip
    assert (list(curves["loss"]), list(curves["held out/style"])) == ([1, 2, 3, 4], [2, 4])


def test_it_learns(data: dict[str, list[Path]]) -> None:
    trainable = make(replace(PAPER, schedule=Schedule(steps=24), rates=OneCycle(peak=2e-3)), data)
    names = set(trainable.validate())
    assert names == {"held out/content", "held out/style", "held out/loss"}
    stream = trainable.batches(0)
    first = [float(trainable.step(next(stream), step)["loss"]) for step in range(24)]
    assert np.mean(first[-4:]) < 0.7 * np.mean(first[:4])


def test_the_average_is_what_is_validated_previewed_and_written(tmp_path: Path, data: dict[str, list[Path]]) -> None:
    check_average(make(replace(PAPER, held_out=1), data), tmp_path)


def test_resumes_bit_by_bit(tmp_path: Path, data: dict[str, list[Path]]) -> None:
    config = replace(PAPER, held_out=1)
    files = ("decoder.safetensors", "previews.png")
    check_resuming(tmp_path, lambda: make(config, data), config.schedule, files, stop_at=3)


def test_a_step_minimises_what_its_objective_says(data: dict[str, list[Path]]) -> None:
    trainable = make(PAPER, data)
    batch = next(trainable.batches(0))
    content, style = (pictures.float() / 255 for pictures in batch)
    objective = PAPER.objective
    wanted = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    with torch.no_grad():
        of_content, of_style = trainable.encoder(content, wanted), trainable.encoder(style, wanted)
        target = {layer: mean_std(value) for layer, value in of_style.items()}
        given = {"relu4_1": exchange_statistics(of_content["relu4_1"], target["relu4_1"])}
        found = trainable.encoder(trainable.network(given, target), wanted)
        expected = objective.losses(given, found, target)
    losses = trainable.step(batch, 0)
    assert set(losses) == {"loss", *(f"loss/{name}" for name in expected)}
    for name, value in expected.items():
        torch.testing.assert_close(losses[f"loss/{name}"], value, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(losses["loss"], sum(expected.values(), torch.zeros(())), rtol=1e-4, atol=1e-6)


def after_two_steps(config: PaperRecipe, data: dict[str, list[Path]]) -> dict[str, Tensor]:
    """Two, because Adam forgives the length of its first gradient, and clipping with it."""
    return state_of(after_steps(make(config, data), 2).modules["average"])


@pytest.fixture(scope="module")
def unchanged(data: dict[str, list[Path]]) -> dict[str, Tensor]:
    return after_two_steps(PAPER, data)


@pytest.mark.parametrize(
    "change",
    [
        {"rates": InverseDecay(rate=1e-3, decay=0.1)},
        {"clip": 1e-3},
        {"average_decay": 0.0},
        {"seed": 1},
        {"batch": 3},
        {"crop": 40},
        {"shorter": (80, 90)},
        {"held_out": 1},
        {"accumulate": 2},
        {"objective": PaperObjective(style_weight=1.0)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_what_is_learned(
    data: dict[str, list[Path]], unchanged: dict[str, Tensor], change: dict[str, Any]
) -> None:
    assert is_other(after_two_steps(replace(PAPER, **change), data), unchanged)


def test_half_precision_learns_too(data: dict[str, list[Path]]) -> None:
    check_learns_in_half_precision(make(PAPER, data, "bf16"), steps=1)


def test_preview_rows_are_held_out_pairs_and_never_change(data: dict[str, list[Path]]) -> None:
    trainable = make(PAPER, data)
    first = trainable.preview()
    assert first.shape == (1, 3, 2 * 256, len(trainable.preview_columns) * 256)
    for learned_from, kept_back in zip(trainable.pictures, trainable.held_out, strict=True):
        assert {path.name for path in kept_back.pictures}.isdisjoint(path.name for path in learned_from.pictures)
    assert torch.equal(first[..., :256, :256], trainable.held_out[0][0][None].float() / 255)
    trainable.step(next(trainable.batches(0)), 0)
    second = trainable.preview()
    assert torch.equal(first[..., :512], second[..., :512])
    assert not torch.equal(first[..., 512:], second[..., 512:])


def test_contents_and_styles_are_drawn_apart(data: dict[str, list[Path]]) -> None:
    """Folders of as many pictures of the same names: or each photograph would only ever meet one painting."""
    trainable = make(PAPER, dict.fromkeys(KINDS, data["content"]))
    names = [tuple(stream.pictures[stream._position(i)].name for stream in trainable.pictures) for i in range(40)]
    assert len(set(names)) > 8
    assert {(one, other) for one, other in names} != {(one, one) for one, _ in names}


def test_what_cannot_be_trained_is_said(data: dict[str, list[Path]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="6 pictures are too few to hold 4 of them out"):
        make(replace(PAPER, held_out=4), data)
    with pytest.raises(OptionError, match="a file of weights is for the encoder vgg19"):
        PAPER.build(Accelerator(cpu=True), data, weights=tmp_path / "vgg.pth")
    with pytest.raises(OptionError, match="no encoder 'vgg'"):
        make(replace(PAPER, encoder="vgg"), data)

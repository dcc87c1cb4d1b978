"""The recipes of paper 004: the published settings, and a training in miniature."""

import json
import re
from dataclasses import asdict, replace
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
from impasto.losses.feature_statistics import mean_std
from impasto.methods.adain import recipes
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.network import adain as exchange_statistics
from impasto.methods.adain.recipes import PaperRecipe
from impasto.methods.adain.training import KINDS, AdaINTraining, PaperObjective
from impasto.recipes import load_recipe, recipe_modules
from impasto.training import figures
from impasto.training.loop import Schedule
from impasto.training.schedules import InverseDecay, OneCycle
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


# --- the training ----------------------------------------------------------------------------------------------------


def test_writes_a_decoder_that_can_be_built_from_its_file(tmp_path: Path, data: dict[str, list[Path]]) -> None:
    trained = run(tmp_path, make(PAPER, data), PAPER.schedule)
    tensors, stored = load(tmp_path / "decoder.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert stored["recipe"] == json.loads(json.dumps(asdict(PAPER)))
    decoder = Decoder(DecoderConfig.from_json(stored["decoder"]))
    assert decoder.config == trained.average.config
    decoder.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    content, style = (torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(n)) for n in (1, 2))
    with torch.no_grad():
        target = {layer: mean_std(value) for layer, value in trained.encoder(style, decoder.config.layers).items()}
        of_content = trained.encoder(content, decoder.config.layers)
        given = {layer: exchange_statistics(of_content[layer], target[layer]) for layer in decoder.config.layers}
        painted, expected = decoder(given, target), trained.average(given, target)
    assert painted.shape == (1, 3, 32, 40)
    torch.testing.assert_close(painted, expected, rtol=2e-3, atol=2e-3)

    assert sorted(path.name for path in (tmp_path / "previews").iterdir()) == ["0000003.png", "0000004.png"]
    with Image.open(tmp_path / "previews.png") as strip:
        assert strip.width == 4 * 256  # content, style and two steps
        assert strip.height > 2 * 256
    curves = figures.read_curves(tmp_path / "tensorboard")
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
    held_out = {kind: {path.name for path in getattr(trainable.held_out, kind).pictures} for kind in KINDS}
    for kind in KINDS:
        assert held_out[kind].isdisjoint(path.name for path in getattr(trainable.pictures, kind).pictures)
    assert torch.equal(first[..., :256, :256], trainable.held_out.content[0][None].float() / 255)
    trainable.step(next(trainable.batches(0)), 0)
    second = trainable.preview()
    assert torch.equal(first[..., :512], second[..., :512])
    assert not torch.equal(first[..., 512:], second[..., 512:])


def test_contents_and_styles_are_drawn_apart(data: dict[str, list[Path]]) -> None:
    """Folders of as many pictures of the same names: or each photograph would only ever meet one painting."""
    trainable = make(PAPER, dict.fromkeys(KINDS, data["content"]))
    pairs = trainable.pictures
    names = [
        (pairs.content.pictures[pairs.content._position(i)].name, pairs.style.pictures[pairs.style._position(i)].name)
        for i in range(40)
    ]
    assert len(set(names)) > 8
    assert {(one, other) for one, other in names} != {(one, one) for one, _ in names}


def test_what_cannot_be_trained_is_said(data: dict[str, list[Path]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="6 pictures are too few to hold 4 of them out"):
        make(replace(PAPER, held_out=4), data)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        make(PAPER, data | {"style": [tmp_path / "nowhere"]})
    with pytest.raises(OptionError, match="a file of weights is for the encoder vgg19"):
        PAPER.build(Accelerator(cpu=True), data, weights=tmp_path / "vgg.pth")
    with pytest.raises(OptionError, match="no encoder 'vgg'"):
        make(replace(PAPER, encoder="vgg"), data)

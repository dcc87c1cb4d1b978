"""The recipes of the default method's decoder, and of paper 004's own: what each draws, minimises and shows."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from PIL import Image
from torch import Tensor
from trainings import after_steps, check_resuming, is_other, run, state_of

from impasto.engine.architecture import LAYERS, DecoderConfig
from impasto.errors import DataError, OptionError
from impasto.losses.feature_statistics import (
    Statistics,
    adain_content_loss,
    adain_style_loss,
    mean_covariance,
    mean_std,
    normalised_content_loss,
    relative_covariance_loss,
    relative_statistics_loss,
)
from impasto.losses.nearest_neighbour import nearest_neighbour_loss
from impasto.losses.sliced_wasserstein import sliced_wasserstein_loss
from impasto.methods.adain import recipes
from impasto.methods.adain.backend import load_decoder
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.network import adain as exchange_statistics
from impasto.methods.adain.painting import PaintingObjective, softened
from impasto.methods.adain.recipes import AdaINRecipe, PaperRecipe
from impasto.methods.adain.training import KINDS, PaperObjective
from impasto.recipes import load_recipe, recipe_modules
from impasto.training.loop import Schedule
from impasto.training.optimisation import InverseDecay, OneCycle
from impasto.training.runs import losses_of
from impasto.weights import load

SCHEDULE = Schedule(steps=4, log_every=1, preview_every=3, validate_every=2, save_every=2)
SMALL = replace(
    recipes.adain(), schedule=SCHEDULE, stages=((0.0, 2, 32),), content_sides=(36,), style_sides=(36, 48), held_out=2
)
PAPER = replace(recipes.adain_paper(), schedule=SCHEDULE, batch=2, crop=32, shorter=(36, 48), held_out=2)
LOSSES = (
    "content", "statistics", "covariance", "sliced", "pixels", "alike", "neighbours", "identity", "steady", "masses",
    "finest",
)  # fmt: skip
NAMES: dict[Any, tuple[str, ...]] = {SMALL: LOSSES, PAPER: ("content", "style")}
Data = Mapping[str, list[Path]]

of_both = pytest.mark.parametrize("recipe", [SMALL, PAPER], ids=["painting", "paper"])


def make(recipe: Any, data: Data, precision: str = "no") -> Any:
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


def test_the_decoder_is_the_papers(data: Data) -> None:
    """relu4_1 alone, for the widths of the encoder; methods/adain/test_foreign.py has its convolutions."""
    decoder = make(PAPER, data).average
    assert decoder.config == DecoderConfig(widths=(16, 32, 64, 128))
    assert decoder.config.layers == ("relu4_1",)


def test_the_short_run_is_the_papers_method_on_a_budget() -> None:
    paper, short = asdict(recipes.adain_paper()), asdict(recipes.adain_paper_short())
    assert {name for name in paper if paper[name] != short[name]} == {"schedule", "rates", "crop", "shorter"}
    assert isinstance(recipes.adain_paper_short().rates, OneCycle)


def test_more_of_the_same_network() -> None:
    first, more = recipes.adain(), recipes.adain_more()
    for name in ("encoder", "depths", "hidden", "gain", "grounds"):
        assert getattr(first, name) == getattr(more, name)
    decoder = Decoder(
        DecoderConfig(
            widths=(16, 32, 64, 128), depths=first.depths, joined=True, hidden=first.hidden, grounds=first.grounds,
            detailed=True,
        )
    )  # fmt: skip
    assert sum(parameter.numel() for parameter in decoder.parameters()) < 2_000_000


@pytest.mark.parametrize("make_config", [recipes.adain, recipes.adain_more])
def test_stages_suit_the_pictures_they_are_cut_from(make_config: Any) -> None:
    config = make_config()
    starts = [start for start, _, _ in config.stages]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert all(side % 16 == 0 for _, _, side in config.stages)
    assert config.crop <= min(max(config.content_sides), max(config.style_sides))


def test_the_documentation_lists_every_recipe_with_its_length() -> None:
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "training.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| ([\d,]+(?: epochs)?) \|$", text, re.M)
    lengths = {}
    for name in recipe_modules():
        recipe: Any = load_recipe(name)
        lengths[name] = f"{recipe.schedule.steps:,}" if recipe.schedule.steps else f"{recipe.rates.epochs} epochs"
    assert dict(rows) == lengths


# --- what it learns from ---------------------------------------------------------------------------------------------


def test_batches_are_a_function_of_seed_and_step(data: Data) -> None:
    def drawn(config: AdaINRecipe, start: int, count: int) -> list[dict[str, Tensor]]:
        stream = make(config, data).batches(start)
        return [next(stream) for _ in range(count)]

    def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
        return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)

    whole = drawn(SMALL, 0, 4)
    assert all(same(one, other) for one, other in zip(whole[2:], drawn(SMALL, 2, 2), strict=True))
    assert not any(same(whole[0], other) for other in [*whole[1:], *drawn(replace(SMALL, seed=1), 0, 1)])


def test_stages_have_their_sizes(data: Data) -> None:
    config = replace(SMALL, stages=((0.0, 3, 32), (0.5, 1, 48)), content_sides=(48,))
    stream = make(config, data).batches(0)
    for count, side in ((3, 32), (3, 32), (1, 48), (1, 48)):
        batch = next(stream)
        for name in ("input", "wanted", "style"):
            assert batch[name].shape == (count, 3, side, side)
        assert batch["own"].shape == (1, 3, side, side)
        assert batch["ground conv4_4"].shape == (count, 1, side // 8, side // 8)
        assert batch["ground conv2_2"].shape == (count, 1, side // 2, side // 2)


def test_the_photo_has_the_paintings_colours_and_is_dirty_for_the_network_alone(data: Data) -> None:
    stream, details, dirty = make(SMALL, data).batches(0), [], 0
    for _ in range(12):
        batch = next(stream)
        details.append(float(batch["detail"]))
        # Photographs are greenish here, and paintings reddish.
        for photo, painting in zip(*(mean_covariance(batch[name])[0] for name in ("wanted", "style")), strict=True):
            torch.testing.assert_close(photo, painting, atol=0.05, rtol=0)
        dirty += not torch.equal(batch["input"], batch["wanted"])
        assert float((batch["input"] - batch["wanted"]).abs().mean()) < 0.1
        assert float(batch["ground conv3_2"].abs().max()) <= 3**0.5
    assert dirty > 6
    assert details.count(1.0) >= 1
    assert len(set(details)) > 6
    assert (min(details) >= 0, max(details) <= 1) == (True, True)


def test_contents_and_styles_are_drawn_apart(data: Data) -> None:
    """Folders of as many pictures of the same names: or each photograph would only ever meet one painting."""
    trainable = make(PAPER, dict.fromkeys(KINDS, data["content"]))
    names = [tuple(stream.pictures[stream._position(i)].name for stream in trainable.pictures) for i in range(40)]
    assert len(set(names)) > 8
    assert {(one, other) for one, other in names} != {(one, one) for one, _ in names}


# --- what it minimises -----------------------------------------------------------------------------------------------


def test_a_step_of_painting_minimises_what_its_objective_says(data: Data) -> None:
    trainable = make(SMALL, data)
    batch, objective, network = next(trainable.batches(0)), SMALL.objective, trainable.network
    layers = {*LAYERS, *objective.content_layers, *objective.style_layers}

    def painted(photo: Tensor, style: Tensor, detail: Tensor, grounds: dict[str, Tensor]) -> Tensor:
        codes = {layer: mean_std(value) for layer, value in trainable.encoder(style, LAYERS).items()}
        given = {
            layer: network.given(value, codes[layer], mean_std(value))
            for layer, value in trainable.encoder(photo, LAYERS).items()
        }
        return network(given, codes, detail, grounds)

    with torch.no_grad():
        grounds = {name: batch[f"ground {name}"] for name in network.grounds}
        first = {name: value[:1] for name, value in grounds.items()}
        result = painted(batch["input"], batch["style"], batch["detail"], grounds)
        clean = painted(batch["wanted"][:1], batch["style"][:1], batch["detail"], first)
        same = painted(batch["own"], batch["own"], torch.ones(1, 1), first)
        soft, target, style = (softened(x) for x in (result, batch["wanted"], batch["style"]))
        found, wanted, seen = (trainable.encoder(x, layers) for x in (soft, target, style))

        def sliced(x: Tensor, y: Tensor, name: str) -> Tensor:
            return sliced_wasserstein_loss(x, y, batch[f"filters {name}"], batch["places"])

        share = float(batch["detail"])
        amount = share * objective.content[0] + (1 - share) * objective.content[1]
        masses = F.avg_pool2d(result, 8) - F.avg_pool2d(batch["wanted"], 8)
        expected: dict[str, Any] = {
            "content": amount * sum(normalised_content_loss(found[x], wanted[x]) for x in objective.content_layers),
            "statistics": objective.statistics
            * sum(relative_statistics_loss(mean_std(found[x]), mean_std(seen[x])) for x in objective.style_layers),
            "covariance": objective.covariance * sum(relative_covariance_loss(found[x], seen[x]) for x in LAYERS),
            "sliced": objective.sliced * sum(sliced(found[x], seen[x], x) for x in LAYERS),
            "pixels": objective.pixels * sliced(soft, style, "pixels"),
            "neighbours": objective.neighbours
            * sum(nearest_neighbour_loss(found[x], seen[x]) for x in ("relu3_1", "relu4_1")),
            "alike": objective.alike
            * sum(nearest_neighbour_loss(found[x], seen[x], query=wanted[x]) for x in ("relu3_1", "relu4_1")),
            "identity": objective.identity * (same - batch["own"]).square().mean(),
            "steady": objective.steady * (result[:1] - clean).square().mean(),
            "masses": objective.masses * masses.square().mean(),
            "finest": objective.finest * ((result - soft) - (batch["wanted"] - target)).square().mean(),
        }
    losses = trainable.step(batch, 0)
    assert set(losses) == {"loss", *(f"loss/{name}" for name in LOSSES)}
    assert set(expected) == set(LOSSES)
    for name, value in expected.items():
        torch.testing.assert_close(losses[f"loss/{name}"], value, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(losses["loss"], torch.stack(list(expected.values())).sum(), rtol=1e-4, atol=1e-6)


def test_a_step_of_the_paper_minimises_what_its_objective_says(data: Data) -> None:
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


FEATURES = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")


def features(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        layer: (number + 1) * torch.rand(2, 3 + number, 5, 4, dtype=torch.float64, generator=generator)
        for number, layer in enumerate(FEATURES)
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


@pytest.mark.parametrize(("recipe", "steps", "peak"), [(SMALL, 30, 4e-3), (PAPER, 24, 2e-3)], ids=["painting", "paper"])
def test_it_learns(data: Data, recipe: Any, steps: int, peak: float) -> None:
    training = make(replace(recipe, schedule=Schedule(steps=steps), rates=OneCycle(peak=peak)), data)
    before = training.validate()
    assert set(before) == {"held out/loss", *(f"held out/{name}" for name in NAMES[recipe])}
    assert training.validate() == before, "the same pictures every time"
    assert before["held out/loss"] == pytest.approx(sum(before[f"held out/{name}"] for name in NAMES[recipe]))
    stream = training.batches(0)
    losses = [float(training.step(next(stream), step)["loss"]) for step in range(steps)]
    if recipe == PAPER:
        assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4])
    else:
        assert training.validate()["held out/loss"] < 0.8 * before["held out/loss"]


@pytest.mark.parametrize(("recipe", "steps"), [(SMALL, 2), (PAPER, 1)], ids=["painting", "paper"])
def test_every_weight_learns_in_half_precision_too(data: Data, recipe: Any, steps: int) -> None:
    # The conditioning of painting begins behind zeros, and so learns from the second step on.
    training = make(recipe, data, "bf16")
    stream, before = training.batches(0), state_of(training.modules["network"])
    for step in range(steps):
        losses = training.step(next(stream), step)
        assert all(loss.dtype == torch.float32 and torch.isfinite(loss) for loss in losses.values())
    after = state_of(training.modules["network"])
    assert {value.dtype for value in after.values()} == {torch.float32}
    for key, value in after.items():
        assert not torch.equal(value, before[key]), key


def after_two_steps(recipe: Any, data: Data) -> dict[str, Tensor]:
    """Two, because Adam forgives the length of its first gradient, and clipping with it."""
    return state_of(after_steps(make(recipe, data), 2).modules["average"])


@pytest.fixture(scope="module")
def unchanged(data: Data) -> dict[Any, dict[str, Tensor]]:
    return {recipe: after_two_steps(recipe, data) for recipe in (SMALL, PAPER)}


CHANGES: dict[str, Any] = {
    "rates": OneCycle(peak=1e-4),
    "seed": 1,
    "stages": ((0.0, 3, 32),),
    "clip": 1e-3,
    "average_decay": 0.0,
    "depths": (1, 1, 1, 1),
    "hidden": 8,
    "gain": 1.0,
    "grounds": (4,),
    "content_sides": (48,),
    "style_sides": (48,),
    "held_out": 1,
}
WEIGHTS: dict[str, Any] = {
    "content": (0.5, 0.5),
    **dict.fromkeys((name for name in LOSSES if name != "content"), 0.5),
    "filters": 8,
    "blocks": 4,
    "content_layers": ("relu3_1",),
    "style_layers": ("relu1_1", "relu2_1"),
}


PAPER_CHANGES: dict[str, Any] = {
    "rates": InverseDecay(rate=1e-3, decay=0.1),
    "clip": 1e-3,
    "average_decay": 0.0,
    "seed": 1,
    "batch": 3,
    "crop": 40,
    "shorter": (80, 90),
    "held_out": 1,
    "accumulate": 2,
    "objective": PaperObjective(style_weight=1.0),
}


def test_no_setting_is_forgotten() -> None:
    # Tried elsewhere: how long a run is, and which encoder it sees with.
    assert {*CHANGES, "schedule", "encoder", "objective"} == {field.name for field in fields(AdaINRecipe)}
    assert {*PAPER_CHANGES, "schedule", "encoder"} == {field.name for field in fields(PaperRecipe)}
    assert set(WEIGHTS) == {field.name for field in fields(PaintingObjective)}


@pytest.mark.parametrize(
    ("recipe", "change"),
    [*((SMALL, {name: value}) for name, value in CHANGES.items()),
     *((SMALL, {"objective": replace(SMALL.objective, **{name: value})}) for name, value in WEIGHTS.items()),
     *((PAPER, {name: value}) for name, value in PAPER_CHANGES.items())],
    ids=[*CHANGES, *(f"objective.{name}" for name in WEIGHTS), *(f"paper, {name}" for name in PAPER_CHANGES)],
)  # fmt: skip
def test_every_setting_changes_what_is_learned(
    data: Data, unchanged: dict[Any, dict[str, Tensor]], recipe: Any, change: dict[str, Any]
) -> None:
    assert is_other(after_two_steps(replace(recipe, **change), data), unchanged[recipe])


# --- what it shows and writes ----------------------------------------------------------------------------------------


@of_both
def test_the_average_is_what_is_validated_previewed_and_written(tmp_path: Path, data: Data, recipe: Any) -> None:
    training = after_steps(make(replace(recipe, held_out=1), data), 1)

    def seen() -> tuple[dict[str, float], Tensor, bytes]:
        training.finish(tmp_path)
        return training.validate(), training.preview(), (tmp_path / "decoder.safetensors").read_bytes()

    before = seen()
    with torch.no_grad():
        for parameter in training.network.parameters():
            parameter.zero_()
    after = seen()
    assert (after[0], after[2]) == (before[0], before[2])
    assert torch.equal(after[1], before[1])
    with torch.no_grad():
        for parameter in training.average.parameters():
            parameter.zero_()
    assert seen()[0] != before[0]


@pytest.mark.parametrize(("recipe", "rows", "side"), [(SMALL, 4, 32), (PAPER, 2, 256)], ids=["painting", "paper"])
def test_preview_rows_are_held_out_pairs_and_never_change(data: Data, recipe: Any, rows: int, side: int) -> None:
    training = make(recipe, data)
    first = training.preview()
    assert first.shape == (1, 3, rows * side, len(training.preview_columns) * side)
    training.step(next(training.batches(0)), 0)
    second = training.preview()
    assert torch.equal(first[..., : 2 * side], second[..., : 2 * side])
    assert not torch.equal(first[..., 2 * side :], second[..., 2 * side :])
    if recipe == PAPER:
        for learned_from, kept_back in zip(training.pictures, training.held_out, strict=True):
            assert {path.name for path in kept_back.pictures}.isdisjoint(path.name for path in learned_from.pictures)
        assert torch.equal(first[..., :256, :256], training.held_out[0][0][None].float() / 255)
    else:
        # Four of each kind for training, at one size and at two; two of each held out, at the largest.
        assert [len(source.places) for source in (*training.pictures, *training.held_out)] == [4, 8, 2, 2]


@of_both
def test_writes_a_decoder_that_can_be_built_from_its_file(tmp_path: Path, data: Data, recipe: Any) -> None:
    trained = run(tmp_path, make(recipe, data), SCHEDULE)
    assert {tensor.dtype for tensor in load(tmp_path / "decoder.safetensors")[0].values()} == {torch.float16}
    decoder, stored = load_decoder(tmp_path / "decoder.safetensors")
    assert stored["recipe"] == json.loads(json.dumps(asdict(recipe)))
    assert decoder.config == trained.average.config
    assert decoder.config.detailed == (recipe == SMALL)
    for key, value in trained.average.state_dict().items():
        torch.testing.assert_close(decoder.state_dict()[key], value, rtol=2e-3, atol=1e-3)
    curves = losses_of(tmp_path)
    names = {f"{kind}/{name}" for kind in ("loss", "held out") for name in NAMES[recipe]}
    assert set(curves) == names | {"loss", "held out/loss"}
    assert (list(curves["loss"]), list(curves["held out/loss"])) == ([1, 2, 3, 4], [2, 4])
    assert sorted(path.name for path in (tmp_path / "previews").iterdir()) == ["0000003.png", "0000004.png"]
    with Image.open(tmp_path / "previews.png") as strip:
        assert strip.width == 4 * (256 if recipe == PAPER else 32)  # content, style and two steps


@pytest.mark.parametrize(
    "recipe",
    [replace(SMALL, stages=((0.0, 2, 32), (0.75, 1, 48)), content_sides=(48,)), replace(PAPER, held_out=1)],
    ids=["painting", "paper"],
)
def test_resumes_bit_by_bit(tmp_path: Path, data: Data, recipe: Any) -> None:
    files = ("decoder.safetensors", "previews.png")
    check_resuming(tmp_path, lambda: make(recipe, data), SCHEDULE, files, stop_at=3)


# --- beginning, and what cannot be begun -----------------------------------------------------------------------------


def test_begins_with_the_weights_of_a_decoder(tmp_path: Path, data: Data) -> None:
    trained = make(SMALL, data)
    trained.step(next(trained.batches(0)), 0)
    trained.finish(tmp_path)
    path = tmp_path / "decoder.safetensors"
    begun = replace(SMALL, seed=3).build(Accelerator(cpu=True), data, start=path)
    for module in (begun.network, begun.average):
        for key, value in load_decoder(path)[0].state_dict().items():
            assert torch.equal(module.state_dict()[key], value)
    with pytest.raises(OptionError, match=r"--start is .*, but the recipe has another network"):
        replace(SMALL, hidden=8).build(Accelerator(cpu=True), data, start=path)


@of_both
def test_what_cannot_be_trained_is_said_before_the_first_step(data: Data, tmp_path: Path, recipe: Any) -> None:
    with pytest.raises(DataError, match="6 pictures are too few to hold 4 of them out"):
        make(replace(recipe, held_out=4), data)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        make(recipe, {**data, "style": [tmp_path / "nowhere"]})
    with pytest.raises(OptionError, match="no encoder 'vgg'"):
        make(replace(recipe, encoder="vgg"), data)
    with pytest.raises(OptionError, match="a file of weights is for the encoder vgg19"):
        recipe.build(Accelerator(cpu=True), data, weights=tmp_path / "vgg.pth")
    if recipe == SMALL:
        with pytest.raises(DataError, match="no picture is large enough for crops of 64 pixels"):
            make(replace(SMALL, stages=((0.0, 2, 32), (0.9, 2, 64))), data)


def test_losses_see_pictures_through_a_binomial_filter() -> None:
    dot = torch.zeros(1, 3, 9, 9)
    dot[..., 4, 4] = 1
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    torch.testing.assert_close(softened(dot)[0, 0, 2:7, 2:7], row[:, None] * row)
    mesh = (torch.arange(16) % 2).expand(1, 3, 16, 16).float()
    torch.testing.assert_close(softened(mesh), torch.full_like(mesh, 0.5))

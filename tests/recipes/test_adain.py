"""The recipe of the default method's decoder: what its training draws, minimises, shows, writes and resumes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
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

from impasto.engine.architecture import LAYERS, DecoderConfig
from impasto.errors import DataError, OptionError
from impasto.losses.feature_statistics import (
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
from impasto.methods.adain.painting import PaintingObjective, PaintingTraining, softened
from impasto.methods.adain.recipes import AdaINRecipe
from impasto.training.loop import Schedule
from impasto.training.optimisation import OneCycle
from impasto.training.runs import losses_of

SMALL = replace(
    recipes.adain(),
    schedule=Schedule(steps=4, log_every=1, preview_every=3, validate_every=2, save_every=2),
    stages=((0.0, 2, 32),), content_sides=(36,), style_sides=(36, 48), held_out=2,
)  # fmt: skip
LOSSES = (
    "content", "statistics", "covariance", "sliced", "pixels", "alike", "neighbours", "identity", "steady", "masses",
    "finest",
)  # fmt: skip
Data = Mapping[str, list[Path]]


def make(recipe: AdaINRecipe, data: Data, precision: str = "no") -> PaintingTraining:
    return recipe.build(Accelerator(cpu=True, mixed_precision=precision), data)


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


# --- what it minimises -----------------------------------------------------------------------------------------------


def test_a_step_minimises_what_its_objective_says(data: Data) -> None:
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


def test_it_learns(data: Data) -> None:
    trainable = make(replace(SMALL, schedule=Schedule(steps=30), rates=OneCycle(peak=4e-3)), data)
    before = trainable.validate()
    assert set(before) == {"held out/loss", *(f"held out/{name}" for name in LOSSES)}
    assert trainable.validate() == before, "the same pictures every time"
    assert before["held out/loss"] == pytest.approx(sum(before[f"held out/{name}"] for name in LOSSES))
    stream = trainable.batches(0)
    for step in range(30):
        trainable.step(next(stream), step)
    assert trainable.validate()["held out/loss"] < 0.8 * before["held out/loss"]


def test_every_weight_learns_in_half_precision_too(data: Data) -> None:
    check_learns_in_half_precision(make(SMALL, data, "bf16"), steps=2)  # the conditioning begins behind zeros


def after_two_steps(config: AdaINRecipe, data: Data) -> dict[str, Tensor]:
    """Two, because Adam forgives the length of its first gradient, and clipping with it."""
    return state_of(after_steps(make(config, data), 2).modules["average"])


@pytest.fixture(scope="module")
def unchanged(data: Data) -> dict[str, Tensor]:
    return after_two_steps(SMALL, data)


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


def test_no_setting_is_forgotten() -> None:
    # Tried elsewhere: how long a run is, and which encoder it sees with.
    assert {*CHANGES, "schedule", "encoder", "objective"} == {field.name for field in fields(AdaINRecipe)}
    assert set(WEIGHTS) == {field.name for field in fields(PaintingObjective)}


@pytest.mark.parametrize(
    "change",
    [*({name: value} for name, value in CHANGES.items()),
     *({"objective": replace(SMALL.objective, **{name: value})} for name, value in WEIGHTS.items())],
    ids=[*CHANGES, *(f"objective.{name}" for name in WEIGHTS)],
)  # fmt: skip
def test_every_setting_changes_what_is_learned(
    data: Data, unchanged: dict[str, Tensor], change: dict[str, Any]
) -> None:
    assert is_other(after_two_steps(replace(SMALL, **change), data), unchanged)


# --- what it shows and writes ----------------------------------------------------------------------------------------


def test_the_average_is_what_is_validated_previewed_and_written(tmp_path: Path, data: Data) -> None:
    check_average(make(SMALL, data), tmp_path)


def test_preview_rows_are_held_out_pairs_and_never_change(data: Data) -> None:
    trainable = make(SMALL, data)
    first = trainable.preview()
    assert first.shape == (1, 3, 4 * 32, len(trainable.preview_columns) * 32)
    trainable.step(next(trainable.batches(0)), 0)
    second = trainable.preview()
    assert torch.equal(first[..., :64], second[..., :64])
    assert not torch.equal(first[..., 64:], second[..., 64:])
    # Four of each kind for training, at one size and at two; two of each held out, at the largest.
    assert [len(source.places) for source in (*trainable.pictures, *trainable.held_out)] == [4, 8, 2, 2]


def test_writes_a_decoder_that_can_be_built_from_its_file(tmp_path: Path, data: Data) -> None:
    trained = run(tmp_path, make(SMALL, data), SMALL.schedule)
    decoder, stored = load_decoder(tmp_path / "decoder.safetensors")
    assert stored["recipe"] == json.loads(json.dumps(asdict(SMALL)))
    assert decoder.config == trained.average.config
    assert (decoder.config.detailed, decoder.config.grounds) == (True, (4, 3, 2))
    for key, value in trained.average.state_dict().items():
        torch.testing.assert_close(decoder.state_dict()[key], value, rtol=2e-3, atol=1e-3)
    curves = losses_of(tmp_path)
    names = {f"{kind}/{name}" for kind in ("loss", "held out") for name in LOSSES}
    assert set(curves) == names | {"loss", "held out/loss"}
    assert (list(curves["loss"]), list(curves["held out/loss"])) == ([1, 2, 3, 4], [2, 4])
    assert sorted(path.name for path in (tmp_path / "previews").iterdir()) == ["0000003.png", "0000004.png"]


def test_resumes_bit_by_bit(tmp_path: Path, data: Data) -> None:
    config = replace(SMALL, stages=((0.0, 2, 32), (0.75, 1, 48)), content_sides=(48,))
    files = ("decoder.safetensors", "previews.png")
    check_resuming(tmp_path, lambda: make(config, data), config.schedule, files, stop_at=3)


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


def test_what_cannot_be_trained_is_said_before_the_first_step(data: Data, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="6 pictures are too few to hold 4 of them out"):
        make(replace(SMALL, held_out=4), data)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        make(SMALL, {**data, "style": [tmp_path / "nowhere"]})
    with pytest.raises(DataError, match="no picture is large enough for crops of 64 pixels"):
        make(replace(SMALL, stages=((0.0, 2, 32), (0.9, 2, 64))), data)
    with pytest.raises(OptionError, match="no encoder 'vgg'"):
        make(replace(SMALL, encoder="vgg"), data)


def test_losses_see_pictures_through_a_binomial_filter() -> None:
    dot = torch.zeros(1, 3, 9, 9)
    dot[..., 4, 4] = 1
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    torch.testing.assert_close(softened(dot)[0, 0, 2:7, 2:7], row[:, None] * row)
    mesh = (torch.arange(16) % 2).expand(1, 3, 16, 16).float()
    torch.testing.assert_close(softened(mesh), torch.full_like(mesh, 0.5))

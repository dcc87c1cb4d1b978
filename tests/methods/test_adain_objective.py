"""What a decoder is asked for: which features count, in which layers, with which weights."""

from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.losses.feature_statistics import (
    Statistics,
    adain_content_loss,
    adain_style_loss,
    mean_std,
    normalised_content_loss,
    relative_statistics_loss,
)
from impasto.methods.adain.objective import PaperObjective, RelativeObjective

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")
Objective = PaperObjective | RelativeObjective


def features(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        layer: (number + 1) * torch.rand(2, 3 + number, 5, 4, dtype=torch.float64, generator=generator)
        for number, layer in enumerate(LAYERS)
    }


GIVEN, FOUND, CONTENT = features(0), features(1), features(2)
STYLE: dict[str, Statistics] = {layer: mean_std(value) for layer, value in features(3).items()}


def losses(objective: Objective, **other: Any) -> dict[str, float]:
    inputs = {"given": GIVEN, "found": FOUND, "content": CONTENT, "style": STYLE} | other
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


def test_the_default_methods_loss() -> None:
    found = losses(RelativeObjective(style_weight=3.0))
    content = sum(float(normalised_content_loss(FOUND[layer], CONTENT[layer])) for layer in ("relu3_1", "relu4_2"))
    style = sum(
        float(relative_statistics_loss(mean_std(FOUND[layer]), STYLE[layer])) for layer in LAYERS if layer != "relu4_2"
    )
    assert found == {"content": pytest.approx(content), "style": pytest.approx(3 * style)}


def test_paper_004_is_the_default_of_its_objective() -> None:
    assert PaperObjective().style_weight == 10
    assert PaperObjective().convention == "norm"
    assert PaperObjective().content_layers == ("relu4_1",)
    assert PaperObjective().identity_weight == 0


def test_the_paper_asks_for_what_the_decoder_was_given_the_other_for_the_photograph() -> None:
    other = features(9)
    for objective, counts, does_not in (
        (PaperObjective(), "given", "content"),
        (RelativeObjective(), "content", "given"),
    ):
        assert losses(objective, **{does_not: other}) == losses(objective)
        changed = losses(objective, **{counts: other})
        assert changed["content"] != losses(objective)["content"]
        assert changed["style"] == losses(objective)["style"]


@pytest.mark.parametrize("objective", [PaperObjective(), RelativeObjective()])
def test_what_is_asked_for_costs_nothing(objective: Objective) -> None:
    own = {layer: mean_std(value) for layer, value in FOUND.items()}
    assert losses(objective, given=FOUND, content=FOUND, style=own) == pytest.approx({"content": 0, "style": 0})


CHANGES: list[tuple[Objective, dict[str, Any]]] = [
    (PaperObjective(), {"style_weight": 1.0}),
    (PaperObjective(), {"convention": "mean-squared"}),
    (PaperObjective(), {"content_layers": ("relu3_1",)}),
    (PaperObjective(), {"style_layers": ("relu1_1",)}),
    (RelativeObjective(), {"style_weight": 1.0}),
    (RelativeObjective(), {"content_layers": ("relu4_1",)}),
    (RelativeObjective(), {"style_layers": ("relu1_1",)}),
]


@pytest.mark.parametrize(("objective", "change"), CHANGES)
def test_every_setting_changes_the_loss(objective: Objective, change: dict[str, Any]) -> None:
    assert losses(replace(objective, **change)) != losses(objective)


@pytest.mark.parametrize("kind", [PaperObjective, RelativeObjective])
def test_no_setting_is_forgotten(kind: type[Objective]) -> None:
    tried = {name for objective, change in CHANGES if isinstance(objective, kind) for name in change}
    # The identity term is the training's, which alone has the pictures that it compares.
    assert tried | {"identity_weight"} == {field.name for field in fields(kind)}


@pytest.mark.parametrize("objective", [PaperObjective(), RelativeObjective()])
def test_gradients_reach_every_layer_that_counts_and_no_other(objective: Objective) -> None:
    found = {layer: value.clone().requires_grad_() for layer, value in FOUND.items()}
    torch.stack(list(objective.losses(GIVEN, found, CONTENT, STYLE).values())).sum().backward()
    reached = {layer for layer, value in found.items() if value.grad is not None and value.grad.abs().sum() > 0}
    assert reached == {*objective.content_layers, *objective.style_layers}

"""What paper 004's decoder is asked for: which features count, in which layers, with which weights."""

from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.losses.feature_statistics import Statistics, adain_content_loss, adain_style_loss, mean_std
from impasto.methods.adain.training import PaperObjective

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


CHANGES: list[dict[str, Any]] = [
    {"style_weight": 1.0},
    {"convention": "mean-squared"},
    {"content_layers": ("relu3_1",)},
    {"style_layers": ("relu1_1",)},
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_setting_changes_the_loss(change: dict[str, Any]) -> None:
    assert losses(replace(PaperObjective(), **change)) != losses(PaperObjective())


def test_no_setting_is_forgotten() -> None:
    assert {name for change in CHANGES for name in change} == {field.name for field in fields(PaperObjective)}


def test_gradients_reach_every_layer_that_counts_and_no_other() -> None:
    objective = PaperObjective()
    found = {layer: value.clone().requires_grad_() for layer, value in FOUND.items()}
    torch.stack(list(objective.losses(GIVEN, found, STYLE).values())).sum().backward()
    reached = {layer for layer, value in found.items() if value.grad is not None and value.grad.abs().sum() > 0}
    assert reached == objective.layers

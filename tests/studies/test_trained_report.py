"""The ablation of paper 003: its rows, what is measured, what is called a failure, and all of it in miniature."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from trainings import draw

import impasto
from impasto.studies import STUDIES, TrainingStudy, trained, trained_report
from impasto.studies.trained import Budget, run
from impasto.studies.trained_report import Translation
from impasto.tensors import to_picture
from impasto.training import figures

NAME = "semantic-ablation"


def study() -> TrainingStudy:
    ablation = STUDIES[NAME]
    assert isinstance(ablation, TrainingStudy)
    return ablation


def picture(seed: int, side: int = 16) -> Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("slim", [True, False])
def test_rows_are_those_of_tables_1_and_2(slim: bool) -> None:
    budget = Budget(slim=slim, seed=3, size=64)
    configs = {variant.name: trained._config(variant, budget) for variant in study().variants}
    plain, _, aggan, loss, attention, both, letter = configs.values()
    assert (loss.semantic_weight, loss.generator.attention) == (1, "none")
    assert (attention.semantic_weight, attention.generator.attention) == (0, "full")
    assert (both.semantic_weight, both.generator.attention) == (1, "full")
    assert (letter.reconstruction_weight, letter.normalised_codes, letter.semantic_weight) == (0, False, 1)
    assert attention == replace(both, semantic_weight=0)
    assert loss == replace(both, generator=replace(both.generator, attention="none"))
    for config in configs.values():
        assert (config.batch, config.seed, config.crop, config.shorter, config.held_out) == (2, 3, 64, 72, 16)
    assert all(one.discriminator == both.discriminator for one in (plain, aggan, loss, attention, letter))
    if slim:
        assert {config.schedule.steps for config in configs.values()} == {20_000}
    published = {
        variant.name: list(trained_report.published(variant.published).values()) for variant in study().variants
    }
    assert published == {
        "both": ["25.59, 0.93, 33.6", "21.52, 0.68, 38.4"],
        "attention": ["22.46, 0.88, 36.4", "17.76, 0.59, 43.6"],
        "semantic loss": ["22.34, 0.83, 39.6", "14.52, 0.55, 54.2"],
        "CycleGAN": ["18.43, 0.75, 41.5", "15.51, 0.54, 59.7"],
        "MUNIT": ["19.44, 0.79, 39.5", "17.26, 0.59, 54.1"],
        "AgGAN": ["22.63, 0.81, 35.6", "19.24, 0.61, 44.7"],
        "by the letter": ["–", "–"],
    }


def test_the_whole_is_the_papers_equal_steps_and_slim_ones_are_equal_too(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    data = {kind: draw(tmp_path / kind, 2 * trained.HELD_OUT, random) for kind in ("A", "B")}
    for budget, expected in (
        (Budget(), (400_000, 8, 256)), (Budget(steps=500), (500, 8, 256)), (Budget(slim=True), (20_000, 2, 128))
    ):  # fmt: skip
        runs = [config for _, config in trained.runs_of(study(), data, budget)]
        assert {(config.schedule.steps, config.batch, config.crop) for config in runs} == {expected}


def test_what_is_compared_with_what() -> None:
    x = 0.2 + 0.6 * picture(0)
    values = trained_report.similarities(Translation(kind="A", picture=x, painted=x + 0.1, back=x + 0.01))
    assert values["structure PSNR"] == pytest.approx(20, abs=1e-3)
    assert values["cycle PSNR"] == pytest.approx(40, abs=1e-2)
    assert values["structure SSIM"] < values["cycle SSIM"] < 1


def test_distances_are_of_translations_and_their_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was translated perfectly has the distance 0 of a set from itself; what stayed the same has that of both."""
    monkeypatch.setattr(trained_report.points, "SIDE", 64)
    A, B = ([picture(seed, 40) * scale for seed in range(4)] for scale in (1.0, 0.3))

    def made(of_A: list[Tensor], of_B: list[Tensor]) -> list[Translation]:
        there = [Translation(kind="A", picture=a, painted=b, back=a) for a, b in zip(A, of_A, strict=True)]
        return there + [Translation(kind="B", picture=b, painted=a, back=b) for b, a in zip(B, of_B, strict=True)]

    perfect, copied = trained_report.distances(made(B, A)), trained_report.distances(made(A, B))
    assert perfect["FID-lite"] == pytest.approx(0, abs=1e-6)
    assert copied["FID-lite"] > 1e-3
    assert copied["KID-lite"] > perfect["KID-lite"]


def test_failures_are_those_with_the_worst_number(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(trained_report, "grid", lambda rows, columns, names: drawn.append((rows, names)))
    ssims = (0.5, 0.1, 0.9, 0.3, 0.2, 0.8)
    made = [Translation(kind="A", picture=picture(i), painted=picture(i), back=picture(i)) for i in range(len(ssims))]
    by_translation = {id(one): {"structure SSIM": value} for one, value in zip(made, ssims, strict=True)}
    monkeypatch.setattr(trained_report, "similarities", lambda one: by_translation[id(one)])
    trained_report.failures(made, "both")
    ((rows, names),) = drawn
    assert names == ["A: SSIM 0.10", "A: SSIM 0.20", "A: SSIM 0.30", "A: SSIM 0.50"]
    expected = impasto.image.to_pil(to_picture(picture(1)))
    assert np.array_equal(np.asarray(rows[0][0])[::8, ::8], np.asarray(expected)), "each pixel is a square of eight"


def test_the_numbers_are_those_of_the_files(
    data: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained_report.points, "SIDE", 32)
    monkeypatch.setattr(figures, "draw_losses", lambda folder: None)  # takes longer than the training
    small = replace(study(), variants=study().variants[4:6])
    budget = Budget(quick=True, device="cpu", precision="fp32")
    report = run(small, NAME, data, tmp_path / "study", budget).read_text()
    about = json.loads((tmp_path / "study" / "numbers.json").read_text())
    attention, both = about["measured"]
    assert (attention["variant"], both["variant"], both["steps"], both["pictures"]) == ("attention", "both", 2, 4)
    config = trained._config(small.variants[1], budget)
    method = impasto.load(
        "semantic-gan", device="cpu", weights=tmp_path / "study" / "runs" / "both" / "generators.safetensors"
    )
    made = trained_report.translations(method, trained._held_out(config, data))  # type: ignore[arg-type]
    assert [one.kind for one in made] == ["A", "A", "B", "B"]
    for name, value in trained_report.measures(made).items():
        assert both[name] == pytest.approx(value), name
    with Image.open(tmp_path / "study" / "failures.png") as drawn:
        assert drawn.height > 4 * 128
    assert "![failures](failures.png)" in report
    assert "published PSNR, SSIM, FID of Horse2zebra" in report

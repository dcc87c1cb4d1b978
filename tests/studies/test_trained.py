"""Studies of trainings: the papers' settings, runs that go on, and numbers and figures that are those of the runs."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accelerate import Accelerator
from PIL import Image

import impasto
from impasto import StylizeOptions, image
from impasto.errors import CheckpointError, OptionError, PictureError
from impasto.methods.nla_cyclegan import recipes as nla_cyclegan
from impasto.methods.nla_cyclegan.network import GeneratorConfig
from impasto.studies import STUDIES, TrainingStudy, statistics, trained
from impasto.studies.trained import Budget, run
from impasto.tensors import to_picture, to_tensor
from impasto.training import figures
from impasto.training.optimisation import Adam, NAdam, StepDecay
from impasto.training.runs import losses_of

QUICK = Budget(quick=True, device="cpu", precision="fp32")


def study_of(name: str) -> TrainingStudy:
    study = STUDIES[name]
    assert isinstance(study, TrainingStudy)
    return study


def configs(name: str, data: dict[str, list[Path]], budget: Budget) -> list[Any]:
    study = study_of(name)
    return [config for _, config in trained.runs_of(study, data, budget.of(study))]


def test_variants_differ_in_what_the_papers_compare(data: dict[str, list[Path]]) -> None:
    adam, nadam = configs("nadam-vs-adam", data, Budget(steps=7, seed=3))
    assert (adam.optimizer, nadam.optimizer) == (Adam(), NAdam())
    assert {name for name, value in vars(adam).items() if value != vars(nadam)[name]} == {"optimizer"}
    assert (adam.seed, adam.schedule.steps, adam.crop, adam.generator.width) == (3, 7, 256, 64)
    four = configs("nla-vs-cyclegan", data, Budget(slim=True, steps=7))
    assert [(run.generator.width, run.crop) for run in four] == [(16, 128)] * 4
    assert [(hasattr(run.generator, "position"), run.optimizer) for run in four] == [
        (False, Adam()), (False, NAdam()), (True, Adam()), (True, NAdam())
    ]  # fmt: skip
    assert len({run.rates for run in configs("nla-vs-cyclegan", data, Budget())}) == 1, "equal epochs"
    assert len({run.schedule.steps for run in configs("nla-vs-cyclegan", data, Budget())}) == 1
    positions = configs("nla-position", data, Budget(slim=True, steps=7))
    assert [run.generator.position for run in positions] == [1, 3, 5, 7, 9]


def test_small_batches_see_as_many_pictures(data: dict[str, list[Path]]) -> None:
    runs = configs("dncnn-batch-and-decay", data, Budget(steps=5))
    assert [(run.batch, run.schedule.steps) for run in runs] == [(2, 40), (16, 5), (16, 5), (2, 40)]
    decays = [run.rates for run in runs]
    assert decays[1] == StepDecay(rate=1e-3, epochs=200)
    assert decays[2] == decays[3] == StepDecay(rate=2e-3, epochs=200, factor=0.99)
    published = configs("dncnn-batch-and-decay", data, Budget())
    assert [run.schedule.steps for run in published] == [1800, 400, 400, 1800], "18 of 22 pictures are trained on"


def test_the_trend_is_slim_and_what_is_given_counts_more(data: dict[str, list[Path]]) -> None:
    study = study_of("nadam-vs-adam")
    trend = Budget(trend=True).of(study)
    assert (trend.slim, trend.steps, trend.size) == (True, study.trend["steps"], study.trend["size"])
    assert Budget(trend=True, steps=3).of(study).steps == 3
    assert Budget(steps=3).of(study) == Budget(steps=3)
    (first, *_) = configs("nla-vs-cyclegan", data, Budget(steps=1, size=128))
    assert (first.crop, first.shorter) == (128, 143)
    for budget, message in ((Budget(steps=0), "--steps"), (Budget(size=0), "--size"), (Budget(seeds=0), "--seeds")):
        with pytest.raises(OptionError, match=f"{message} is 0"):
            budget.of(study)


def test_files_are_those_of_the_runs_and_the_same_command_goes_on(
    data: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "draw_losses", lambda folder: None)  # takes longer than the training
    study = study_of("nla-vs-cyclegan")
    study = replace(study, variants=study.variants[::3])
    told: list[tuple[int, int, str]] = []
    report = run(study, "nla-vs-cyclegan", data, tmp_path, QUICK, lambda *what: told.append(what))
    assert {what for _, _, what in told} == {"CycleGAN, Adam", "NLA, NAdam"}
    assert (told[-1][0], told[-1][1]) == (4, 4)
    about = json.loads((tmp_path / "numbers.json").read_text())
    with (tmp_path / "numbers.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(about["rows"])
    curves = losses_of(tmp_path / "runs" / "NLA, NAdam")
    row = next(r for r in about["rows"] if (r["variant"], r["value"]) == ("NLA, NAdam", "A2B/cycle"))
    assert row["all"] == pytest.approx(sum(curves["A2B/cycle"].values()) / 2)
    assert row["last tenth"] == pytest.approx(curves["A2B/cycle"][2])
    assert "| NLA, NAdam | 0 | A2B/cycle |" in report.read_text()
    assert "![curves.png](curves.png)\n\n![held-out.png](held-out.png)" in report.read_text()
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("curves.png", "held-out.png"))

    # The figure: photo, CycleGAN, NLA-CycleGAN, attention; its second picture is what the file's generator paints.
    pixels = np.asarray(Image.open(tmp_path / "figure.png"))
    assert pixels.shape[1] == 4 * 128 + 5 * 8, "each pixel is a square of four"
    photo = pixels[28:156:4, 8:136:4]
    method = impasto.load(
        "cyclegan", device="cpu", weights=tmp_path / "runs" / "CycleGAN, Adam" / "generators.safetensors"
    )
    content = to_tensor(image.from_pil(Image.fromarray(photo)))
    painted = np.asarray(image.to_pil(to_picture(method(content, [], StylizeOptions(method="cyclegan")))))
    assert np.abs(pixels[28:156:4, 144:272:4].astype(int) - painted).max() <= 1

    # Again: nothing is trained, and all comes out the same.
    before = {name: (tmp_path / name).read_bytes() for name in ("figure.png", "numbers.csv")}
    told.clear()
    run(study, "nla-vs-cyclegan", data, tmp_path, QUICK, lambda *what: told.append(what))
    assert told == []
    assert before == {name: (tmp_path / name).read_bytes() for name in before}
    with pytest.raises(CheckpointError, match="seed was 0 and is now 1"):
        run(study, "nla-vs-cyclegan", data, tmp_path, Budget(quick=True, device="cpu", precision="fp32", seed=1))
    with pytest.raises(PictureError, match="is not of the study nadam-vs-adam"):
        run(study, "nadam-vs-adam", data, tmp_path, QUICK)


@pytest.mark.slow
def test_a_study_without_slim_kin_runs(data: dict[str, list[Path]], tmp_path: Path) -> None:
    study = study_of("dncnn-batch-and-decay")
    run(study, "dncnn-batch-and-decay", data, tmp_path, Budget(quick=True, steps=1, device="cpu", precision="fp32"))
    rows = json.loads((tmp_path / "numbers.json").read_text())["rows"]
    assert list(dict.fromkeys(row["variant"] for row in rows)) == [variant.name for variant in study.variants]


def test_how_long_it_takes_is_known_before(
    data: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of("nadam-vs-adam")
    clock = iter(float(n) for n in range(100))
    monkeypatch.setattr(trained.time, "perf_counter", lambda: next(clock))
    budget = Budget(quick=True, steps=10, seeds=3, device="cpu", precision="fp32")
    # Two variants of ten steps, half a tick of the clock each, three times.
    assert trained.seconds_of(study, data, tmp_path, budget) == 2 * 10 * 0.5 * 3
    (tmp_path / "runs").mkdir()
    assert trained.seconds_of(study, data, tmp_path, budget) == 0


@pytest.mark.slow
def test_three_seeds_give_intervals_and_a_paired_test(data: dict[str, list[Path]], tmp_path: Path) -> None:
    study = study_of("nadam-vs-adam")
    report = run(study, "nadam-vs-adam", data, tmp_path, replace(QUICK, seeds=3)).read_text()
    folders = {path.name for path in (tmp_path / "runs").iterdir()}
    assert folders == {name + seed for name in ("Adam", "NAdam") for seed in ("", ", seed 1", ", seed 2")}
    about = json.loads((tmp_path / "numbers.json").read_text())
    rows = [row for row in about["rows"] if row["value"] == "A2B/cycle"]
    assert [(row["variant"], row["seed"]) for row in rows] == [(v, s) for s in range(3) for v in ("Adam", "NAdam")]
    apart = [rows[2 * s + 1]["last tenth"] - rows[2 * s]["last tenth"] for s in range(3)]
    (found,) = (row for row in about["compared"] if (row["value"], row["variant"]) == ("A2B/cycle", "NAdam"))
    assert found["less Adam"] == str(statistics.mean(apart))
    assert f"| A2B/cycle | NAdam | {found['mean']} | {found['less Adam']} |" in report


def test_what_a_training_sees_is_what_a_run_draws(data: dict[str, list[Path]], tmp_path: Path) -> None:
    report = trained.show_pictures(data, tmp_path, size=64, seed=3)
    assert "the shorter side at 72 pixels, a random crop of 64" in report.read_text()
    config = replace(nla_cyclegan.nla_cyclegan(), seed=3, crop=64, shorter=72, generator=GeneratorConfig(width=2))
    run = config.build(Accelerator(cpu=True), data)
    (first, _), (second, _) = (next(batches) for batches in [run.batches(0)] for _ in range(2))
    pixels = np.asarray(Image.open(tmp_path / "figure.png"))
    for number, crop in enumerate((first[0], second[0])):
        left = 8 + number * (64 + 8)
        found = [
            top
            for top in range(pixels.shape[0] - 64)
            if np.array_equal(pixels[top : top + 64, left : left + 64], crop.permute(1, 2, 0).numpy())
        ]
        assert len(found) == 1

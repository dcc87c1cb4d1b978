"""Studies of trainings: the papers' settings, runs that go on, and numbers and figures that are those of the runs."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from trainings import draw

import impasto
from impasto import StylizeOptions, image
from impasto.errors import CheckpointError, OptionError, PictureError
from impasto.studies import STUDIES, TrainingStudy, trained
from impasto.studies.trained import Budget, run
from impasto.training.figures import read_curves
from impasto.training.optimizers import Adam, NAdam
from impasto.training.schedules import StepDecay

QUICK = Budget(quick=True, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    random = np.random.default_rng(0)
    return {kind: draw(tmp_path_factory.mktemp(kind), 22, random) for kind in ("A", "B")}


def configs(name: str, data: dict[str, list[Path]], budget: Budget) -> list[Any]:
    study = STUDIES[name]
    assert isinstance(study, TrainingStudy)
    return trained._configs(study, data, budget)


def test_variants_differ_in_what_the_papers_compare(data: dict[str, list[Path]]) -> None:
    adam, nadam = configs("nadam-vs-adam", data, Budget(steps=7, seed=3))
    assert (adam.optimizer, nadam.optimizer) == (Adam(), NAdam())
    assert {name for name, value in vars(adam).items() if value != vars(nadam)[name]} == {"optimizer"}
    assert (adam.seed, adam.schedule.steps, adam.crop, adam.generator.width) == (3, 7, 256, 64)
    plain, attentive = configs("nla-vs-cyclegan", data, Budget(slim=True, steps=7))
    assert (plain.generator.width, plain.crop, attentive.generator.position) == (16, 128, 5)
    assert (plain.optimizer, attentive.optimizer) == (Adam(), NAdam())


def test_small_batches_see_as_many_pictures(data: dict[str, list[Path]]) -> None:
    runs = configs("dncnn-batch-and-decay", data, Budget(steps=5))
    assert [(run.batch, run.schedule.steps) for run in runs] == [(2, 40), (16, 5), (16, 5), (2, 40)]
    decays = [run.rates for run in runs]
    assert decays[1] == StepDecay(rate=1e-3, epochs=200)
    assert decays[2] == decays[3] == StepDecay(rate=2e-3, epochs=200, factor=0.99)
    published = configs("dncnn-batch-and-decay", data, Budget())
    assert [run.schedule.steps for run in published] == [1800, 400, 400, 1800], "18 of 22 pictures are trained on"


def test_size_and_what_makes_no_sense(data: dict[str, list[Path]]) -> None:
    (first, *_) = configs("nla-vs-cyclegan", data, Budget(steps=1, size=128))
    assert (first.crop, first.shorter) == (128, 143)
    for budget, message in ((Budget(steps=0), "--steps is 0"), (Budget(size=0), "--size is 0")):
        with pytest.raises(OptionError, match=message):
            configs("nla-vs-cyclegan", data, budget)


def test_files_are_those_of_the_runs_and_the_same_command_goes_on(data: dict[str, list[Path]], tmp_path: Path) -> None:
    study = STUDIES["nla-vs-cyclegan"]
    assert isinstance(study, TrainingStudy)
    told: list[tuple[int, int, str]] = []
    report = run(study, "nla-vs-cyclegan", data, tmp_path, QUICK, lambda *what: told.append(what))
    assert {what for _, _, what in told} == {"CycleGAN", "NLA-CycleGAN"}
    assert (told[-1][0], told[-1][1]) == (4, 4)
    about = json.loads((tmp_path / "numbers.json").read_text())
    with (tmp_path / "numbers.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(about["rows"])
    curves = read_curves(tmp_path / "runs" / "NLA-CycleGAN" / "tensorboard")
    row = next(r for r in about["rows"] if (r["variant"], r["value"]) == ("NLA-CycleGAN", "A2B/cycle"))
    assert row["all"] == pytest.approx(sum(curves["A2B/cycle"].values()) / 2)
    assert row["last tenth"] == pytest.approx(curves["A2B/cycle"][2])
    assert "| NLA-CycleGAN | A2B/cycle |" in report.read_text()
    assert "![curves.png](curves.png)\n\n![held-out.png](held-out.png)" in report.read_text()
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("curves.png", "held-out.png"))

    # The figure: photo, CycleGAN, NLA-CycleGAN, attention; its second picture is what the file's generator paints.
    pixels = np.asarray(Image.open(tmp_path / "figure.png"))
    assert pixels.shape[1] == 4 * 128 + 5 * 8, "each pixel is a square of four"
    photo = pixels[28:156:4, 8:136:4]
    method = impasto.load("cyclegan", device="cpu", weights=tmp_path / "runs" / "CycleGAN" / "generators.safetensors")
    content = image.from_pil(Image.fromarray(photo)).pixels
    painted = np.asarray(image.to_pil(image.Picture(method(content, [], StylizeOptions(method="cyclegan")))))
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


@pytest.mark.parametrize("name", ["nadam-vs-adam", "dncnn-batch-and-decay"])
def test_every_study_runs(name: str, data: dict[str, list[Path]], tmp_path: Path) -> None:
    study = STUDIES[name]
    assert isinstance(study, TrainingStudy)
    run(study, name, data, tmp_path, Budget(quick=True, steps=1, device="cpu", precision="fp32"))
    rows = json.loads((tmp_path / "numbers.json").read_text())["rows"]
    assert list(dict.fromkeys(row["variant"] for row in rows)) == [variant.name for variant in study.variants]

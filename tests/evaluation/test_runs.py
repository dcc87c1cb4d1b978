"""Runs as numbers: the whole test set, there and back, checkpoints apart, several seeds as a mean."""

import statistics
from types import MappingProxyType

import pytest
import torch

from impasto.errors import CheckpointError, DataError, OptionError
from impasto.evaluation import Judges, evaluate_runs, numbers, picture_set
from impasto.evaluation.pictures import pixels
from impasto.methods.cyclegan.network import Generator
from impasto.metrics import psnr, ssim
from impasto.metrics.held_out import rounded
from impasto.record import read_record
from impasto.translation import load_generator, translate


@pytest.fixture
def test_set(draw):
    return {kind: picture_set([draw(f"test{kind}", 4, seed=ord(kind), size=(24, 40))]) for kind in "AB"}


def evaluated(runs, test, folder, train=MappingProxyType({})):
    told = []
    found = evaluate_runs(runs, test, train, folder, Judges(networks=()), side=16, warn=told.append)
    return {(number.subject, number.measure): number for number in found}, told


def test_there_and_back_through_png(run, test_set, tmp_path):
    folder = run("run", 1)
    numbers, _ = evaluated([folder], test_set, tmp_path / "out")
    there, back = (load_generator(folder / "generators.safetensors", Generator, d) for d in ("A2B", "B2A"))
    cycle, structure = [], []
    for path in sorted((tmp_path / "out" / "test" / "A").iterdir()):
        picture = pixels(path)
        assert picture.shape == (1, 3, 16, 16)
        with torch.inference_mode():
            painted = rounded(translate(there, picture))
            again = rounded(translate(back, painted))
        cycle.append(float(psnr(again, picture)))
        structure.append(float(ssim(painted, picture)))
    assert numbers["A2B last", "cycle PSNR"].value == pytest.approx(statistics.fmean(cycle), rel=1e-4)
    assert numbers["A2B last", "structure SSIM"].value == pytest.approx(statistics.fmean(structure), abs=1e-4)
    subjects = {subject for subject, measure in numbers if measure == "FID-lite"}
    assert subjects == {
        "A2B last", "B2A last", "identity: A as B", "identity: B as A",
        "floor: halves of the reference, A", "floor: halves of the reference, B",
    }  # fmt: skip
    protocol = numbers["A2B last", "FID-lite"].protocol
    assert (protocol["step"], protocol["training seed"], protocol["recipe"]) == (1234, 1, "cyclegan_slim")
    assert protocol["checkpoint"]["name"] == "last"
    assert protocol["sets"]["found"]["formats"] == {"PNG": 4}


def test_lpips_of_the_structure_and_of_the_cycle(run, test_set, lpips_files, tmp_path):
    judges = Judges(networks=("lpips",), files={"vgg16": lpips_files[0], "lpips": lpips_files[1]})
    out = tmp_path / "out"
    found = evaluate_runs([run("run", 1)], test_set, {}, out, judges, side=16, warn=lambda _: None)
    values = {number.measure: number.value for number in found if number.subject == "A2B last"}
    for measure, folder in (("structure LPIPS", "A2B"), ("cycle LPIPS", "A2B and back")):
        pairs = [(pixels(path), pixels(out / "last" / folder / path.name)) for path in (out / "test" / "A").iterdir()]
        expected = statistics.fmean(float(judges.lpips(painted, photo)) for photo, painted in pairs)
        assert values[measure] == pytest.approx(expected, rel=1e-4)


def test_last_and_best_are_apart(run, test_set, tmp_path):
    run("run", 1, "generators-best.safetensors")
    numbers, _ = evaluated([run("run", 2)], test_set, tmp_path / "out")
    last, best = (numbers[f"A2B {name}", "cycle PSNR"] for name in ("last", "best"))
    assert last.value != best.value
    assert (last.protocol["step"], best.protocol["step"]) == (1234, 1000)
    assert last.protocol["checkpoint"]["sha256"] != best.protocol["checkpoint"]["sha256"]


def test_several_seeds_are_a_mean_and_a_deviation(run, test_set, tmp_path):
    runs = [run(f"seed{seed}", seed) for seed in (1, 2, 3)]
    numbers, _ = evaluated(runs, test_set, tmp_path / "out")
    values = [numbers[f"A2B last, seed{seed}", "cycle PSNR"].value for seed in (1, 2, 3)]
    mean = numbers["A2B last, mean of 3 runs", "cycle PSNR"]
    assert mean.value == pytest.approx(statistics.fmean(values))
    assert mean.spread == pytest.approx(statistics.stdev(values))
    assert (mean.count, mean.spread_over) == (3, "runs")
    with pytest.raises(OptionError, match="one run twice"):
        evaluated([runs[0], runs[0]], test_set, tmp_path / "out")


def test_what_is_translated_already_stays_and_what_is_not_is_done_anew(run, test_set, tmp_path, monkeypatch):
    folder, out = run("run", 1), tmp_path / "out"
    first, _ = evaluated([folder], test_set, out)
    kept, broken = out / "last" / "A2B" / "p0.png", out / "last" / "A2B" / "p1.png"
    before = kept.stat().st_mtime_ns
    broken.write_bytes(broken.read_bytes()[:60])
    again, _ = evaluated([folder], test_set, out)
    assert kept.stat().st_mtime_ns == before
    assert again["A2B last", "cycle PSNR"].value == first["A2B last", "cycle PSNR"].value
    run("run", 2)
    evaluated([folder], test_set, out)
    assert kept.stat().st_mtime_ns != before, "other weights"
    assert read_record(kept)["content"] == "p0.png"
    made = {path: path.stat().st_mtime_ns for part in ("test", "last") for path in (out / part).rglob("*.png")}
    honest = numbers.version
    monkeypatch.setattr(numbers, "version", lambda name: "999" if name == "torch" else honest(name))
    again, _ = evaluated([folder], test_set, out)
    assert again["A2B last", "cycle PSNR"].protocol["software"]["torch"] == "999"
    assert len(made) == 2 * 4 + 4 * 4
    assert all(path.stat().st_mtime_ns != then for path, then in made.items()), "another version"


def test_the_training_set_is_the_floor_and_must_not_hold_the_test_set(run, test_set, tmp_path):
    numbers, told = evaluated([run("run", 1)], test_set, tmp_path / "out", train=test_set)
    assert numbers["floor: other real pictures, A", "FID-lite"].value == pytest.approx(0, abs=1e-6)
    assert any("4 files are among the test pictures A and among the training pictures A" in line for line in told)


def test_a_folder_without_generators_is_refused(run, test_set, tmp_path):
    with pytest.raises(CheckpointError, match="holds no run"):
        evaluated([tmp_path / "nothing"], test_set, tmp_path / "out")
    folder = run("run", 1)
    (folder / "generators.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is its training finished"):
        evaluated([folder], test_set, tmp_path / "out")


def test_test_pictures_of_one_name_are_refused(run, draw, tmp_path):
    twice = picture_set([draw("one", 2), draw("two", 2, seed=1)])
    with pytest.raises(DataError, match="two test pictures are called p0"):
        evaluated([run("run", 1)], {"A": twice, "B": twice}, tmp_path / "out")

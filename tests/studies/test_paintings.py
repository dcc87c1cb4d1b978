"""Studies: what the table says of the papers, and a runner whose numbers are those of its pictures."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from standalone import Page

from impasto import StylizeOptions, image, tensors
from impasto.api import Painting
from impasto.errors import DivergedError, OptionError, PictureError
from impasto.gallery import packaged
from impasto.methods.gatys.objective import objective_at
from impasto.methods.gatys.options import GatysOptions
from impasto.progress import Progress, ProgressCallback
from impasto.studies.gatys import STUDIES, Cell, PicturePair, Study, StudySetup, Variant, painted, total
from impasto.studies.paintings import QUICK, run

TINY = {"size": 32, "steps": 2, "precision": "fp32"}


def picture(seed: int) -> image.Picture:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return image.from_pil(Image.fromarray(coarse).resize((40, 32), Image.Resampling.BICUBIC))


def tiny(study: Study) -> StudySetup:
    return StudySetup(base=study.base, choices=TINY, device="cpu")


CONTENT, STYLE = [("photo", picture(0))], [("painting", picture(1))]
PICTURES = CONTENT[0], STYLE[0]
PAIR = Study(
    source="A test",
    question="Does it run?",
    base={"preset": "paper-001"},
    variants=[Variant("plain", {"attention_weight": 0.0}), Variant("with | attention")],
    by_time=True,
)


def losses_of(cell: Cell, setup: StudySetup, options: GatysOptions) -> dict[str, float]:
    """By hand, of the picture as it is shown."""
    painting = tensors.to_tensor(image.from_pil(cell.pictures[0][0]))
    content = tensors.resize(tensors.to_tensor(CONTENT[0][1]), *painting.shape[-2:])
    objective = objective_at(setup.gatys.encoder(options), content, [tensors.to_tensor(STYLE[0][1])], options)
    return {term: float(value) for term, value in objective.losses(painting).items()}


def test_the_table_has_the_papers_settings() -> None:
    def options(name: str, variant: int = 0) -> StylizeOptions:
        study = STUDIES[name]
        return StudySetup(base=study.base).options(study.variants[variant]).resolved()

    sizes = {name: options(name).size for name in STUDIES}
    assert sizes == {**dict.fromkeys(STUDIES, 512), "divergence": 96}
    quick = replace(tiny(STUDIES["divergence"]), choices=QUICK)
    assert quick.options().size == QUICK["size"], "what is asked for counts more"
    assert [options("ratio-sweep", i).style_weight for i in range(4)] == [1, 1e3, 1e6, 1e9]
    assert options("ratio-sweep").steps == 100
    vanilla, attention = (options("attention-vs-vanilla", i) for i in range(2))
    weights = [(o.content_weight, o.style_weight, o.attention_weight) for o in (vanilla, attention)]
    assert weights == [(1, 1e7, 0), (1, 1e7, 6e6)]
    assert (attention.steps, attention.attention_layers, attention.style_fit) == (500, "relu4_1", "content")
    assert options("attention-layers").attention_weight == 5e7
    adam = options("optimisers", 1)
    assert (adam.optimizer, adam.learning_rate, adam.style_weight, adam.attention_weight) == ("adam", 0.01, 1e6, 5e6)


def test_files_say_the_same_and_the_numbers_are_the_pictures(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    setup = tiny(PAIR)
    report = run(PAIR, "pair", CONTENT, STYLE, tmp_path, setup, lambda *what: told.append(what))
    plain, other = (variant.name for variant in PAIR.variants)
    assert told == [(0, 2, plain), (1, 2, plain), (1, 2, other), (2, 2, other)]
    about = json.loads((tmp_path / "numbers.json").read_text())
    with (tmp_path / "numbers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["variant"] for row in rows] == [row["variant"] for row in about["rows"]] == [plain, other]
    for text, row in zip(rows, about["rows"], strict=True):
        for key, value in row.items():
            assert text[key] == str(value)
        assert (row["content"], row["style"], row["steps"], row["outcome"]) == ("photo", "painting", 2, "finished")
        assert row["retreats"] == 0
    assert "attention loss" not in about["rows"][0]
    for name in ("figure.png", "curves.png", "curves-time.png"):
        with Image.open(tmp_path / name) as drawn:
            assert drawn.width > 32
        assert f"]({name})" in report.read_text()
    assert "with \\| attention" in report.read_text()
    assert len(Page((tmp_path / "index.html").read_text()).images) == 4

    cell = painted(setup, PICTURES, PAIR.variants[1])
    losses = losses_of(cell, setup, setup.options(PAIR.variants[1]))
    row = about["rows"][1]
    for term in ("content", "style", "attention"):
        # The picture was rounded to eight bits on its way here.
        assert row[f"weighted {term} loss"] == pytest.approx(losses[term], rel=0.02)
        assert cell.numbers[f"weighted {term} loss"] == row[f"weighted {term} loss"]
    assert row["weighted style loss"] == pytest.approx(1e7 * row["style loss"], rel=1e-4)
    assert row["weighted attention loss"] == pytest.approx(6e6 * row["attention loss"], rel=1e-4)
    assert list(cell.curves["style"]) == [1, 2]
    assert set(cell.clock) == {1, 2}


def test_of_three_pairs_the_report_compares_what_can_be_compared(tmp_path: Path) -> None:
    def measured(setup: StudySetup, pair: PicturePair, variant: Variant) -> Cell:
        style = 10.0 ** -"abc".index(pair[0][0]) * (2 if variant.name == "slow" else 1)
        numbers = {"style loss": style, "weighted style loss": 7 * style, "seconds": 1.0}
        pixels = Image.new("RGB", (32, 32))
        return Cell([[pixels]], numbers | total({"content loss": 1.0, "style loss": style}, setup.options(variant)))

    base = {"preset": "paper-001", "attention_weight": 0.0}
    variants = [Variant("fast"), Variant("slow", {"optimizer": "adam"})]
    study = Study(source="A test", question="?", base=base, variants=variants, make=measured)
    three = [(name, picture(number)) for number, name in enumerate("abc")]
    report = run(study, "three", three, STYLE, tmp_path / "same", tiny(study)).read_text()
    assert "geometric means, and ratios" in report
    (row,) = (line for line in report.splitlines() if line.startswith("| style loss | slow"))
    assert "2 (2 to 2)" in row
    assert "| total loss | slow |" in report
    assert "| weighted style loss | slow |" not in report
    heavier = replace(study, variants=[*variants[:1], Variant("slow", {"style_weight": 1.0})])
    report = run(heavier, "three", three, STYLE, tmp_path / "own", tiny(heavier)).read_text()
    assert "| total loss | slow |" not in report, "sums with other weights"
    assert total({"content loss": 1.0}, StudySetup(base=base).options()) == {}


def test_every_content_goes_with_every_style_and_is_asked_about_its_places(tmp_path: Path) -> None:
    study = STUDIES["attention-map"]
    two = [("a", picture(3)), ("b", picture(4))]
    setup = replace(tiny(study), places=["25%,50%"])
    run(study, "attention-map", two, two, tmp_path, setup)
    rows = json.loads((tmp_path / "numbers.json").read_text())["rows"]
    pairs = [(row["content"], row["style"]) for row in rows[::3]]
    assert pairs == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    assert {name for row in rows for name in row if "%" in name} == {"25%,50%: best match", "25%,50%: its weight"}
    assert 0 < rows[0]["25%,50%: its weight"] <= 1
    with pytest.raises(PictureError, match="other pictures or settings"):
        run(study, "attention-map", two, two, tmp_path, replace(setup, places=["75%,50%"]))


def test_what_was_given_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, progress: ProgressCallback, **__: object) -> Painting:
        progress(Progress(step=1, total=9, retreats=9))
        return Painting(CONTENT[0][1], {}, 0.0)

    monkeypatch.setattr("impasto.studies.gatys.paint", give_up)
    numbers = painted(tiny(PAIR), PICTURES, Variant("wild")).numbers
    assert (numbers["steps"], numbers["retreats"], numbers["outcome"]) == (1, 9, "given up after 1 steps")


def test_what_diverges_is_shown_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.full((1, 3, 26, 32), 0.5, np.float32)

    def explode(*_: object, progress: ProgressCallback, **__: object) -> None:
        progress(Progress(step=1, total=9, losses={"style": 6.0}, preview=lambda: grey))
        raise DivergedError("the loss is not finite any more")

    monkeypatch.setattr("impasto.studies.gatys.paint", explode)
    setup = tiny(PAIR)
    cell = painted(setup, PICTURES, Variant("no guard", {"guard": "off", "style_weight": 3.0}))
    assert cell.numbers["outcome"] == "not finite after step 1"
    assert cell.curves == {"style": {1: 2.0}}
    assert np.unique(np.asarray(cell.pictures[0][0])).tolist() == [128]
    # With the guard there is always a picture, so that this is an error like any other.
    with pytest.raises(DivergedError):
        painted(setup, PICTURES, PAIR.variants[1])


def test_variants_that_are_the_same_are_not_compared(tmp_path: Path) -> None:
    study = STUDIES["normalisation"]
    vgg = replace(tiny(study), choices={**TINY, "encoder": "vgg19"})
    with pytest.raises(OptionError, match="normalisation has nothing to compare"):
        run(study, "normalisation", CONTENT, STYLE, tmp_path, vgg)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_runs(name: str, tmp_path: Path) -> None:
    run(STUDIES[name], name, CONTENT, STYLE, tmp_path, tiny(STUDIES[name]))
    rows = json.loads((tmp_path / "numbers.json").read_text())["rows"]
    assert [row["variant"] for row in rows] == [variant.name for variant in STUDIES[name].variants]
    assert len({json.dumps(row) for row in rows}) == len(rows)


@pytest.mark.slow
def test_a_clamped_run_explodes_for_good_and_a_guarded_one_does_not() -> None:
    """Paper 002, Figure 1: "the style loss first decrease and after some epochs, it grows rapidly"."""
    study = STUDIES["divergence"]
    content, style = ((name, image.read(packaged()[name])) for name in study.pair)
    setup = StudySetup(base=study.base, device="cpu")
    plain, guarded = (study.make(setup, (content, style), variant) for variant in study.variants[:2])
    curve, tried = (list(cell.curves["style"].values()) for cell in (plain, guarded))
    best = curve.index(min(curve))
    assert 100 < best < 450, "first decrease"
    after = [value / min(curve) for value in curve[best:]]
    assert max(after) > 1e6, "grows rapidly"
    # How far above it stays depends on rounding, and so on threads and processors: between 4 and 1e6 times.
    assert min(after[10:]) > 2, "and never comes back"
    assert sum(value > 1e3 * min(tried) for value in tried[100:]) < 20, "single steps, which it takes back"
    assert guarded.numbers["retreats"] > 0
    assert guarded.numbers["style loss"] < 1.001 * min(tried), "the best that it came to"
    assert plain.numbers["style loss"] > 5 * guarded.numbers["style loss"]


def test_each_layer_is_measured_at_the_presets_layer_and_at_its_own() -> None:
    study = STUDIES["attention-layers"]
    setup = tiny(study)
    variants = {variant.name: variant for variant in study.variants}
    preset, other = (study.make(setup, PICTURES, variants[layer]) for layer in ("relu4_1", "relu3_1"))
    assert "own layers' attention loss" not in preset.numbers, "the preset's own"
    own, common = (other.numbers[name] for name in ("own layers' attention loss", "attention loss"))
    assert own != common
    options = replace(setup.options(variants["relu3_1"]).resolved(), attention_weight=1.0)
    assert own == pytest.approx(losses_of(other, setup, options)["attention"], rel=0.05)

"""`impasto attention` and `impasto study`: files where they are asked for, and clear refusals."""

import json
import re
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from impasto.cli.study import PAINTED, TRAINED
from impasto.methods.aggan import network as aggan
from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.methods.semantic_gan import network as semantic
from impasto.studies import STUDIES, TrainingStudy, trained
from impasto.translation import save_generators

TINY = ("--size", "32", "--steps", "2")


def test_draws_a_figure(impasto, folder):
    outcome = impasto("attention", "photo.png", "--style", "style.png", "--at", "50%,50%", "3,4", "--map")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.fullmatch(r"attention\.png: \d+\.\d s\n", outcome.out)
    with Image.open(folder / "attention.png") as picture:
        assert picture.width > 7 * 24
    again = impasto("attention", "photo.png", "-s", "style.png", "--at", "3,4")
    again.refuses(1, "impasto: attention.png: the file exists; choose another name, or --overwrite\n")
    assert impasto("attention", "photo.png", "-s", "style.png", "--at", "3,4", "--overwrite").code == 0


@pytest.fixture
def look(impasto):
    """`impasto attention` with generators of so many weights that this network has."""

    def run(method, network, *words):
        torch.manual_seed(0)
        save_generators(Path("generators.safetensors"), method, {"A2B": network(), "B2A": network()}, {})
        return impasto("attention", "photo.png", "--method", method, "--weights", "generators.safetensors", *words)

    return run


NLA = partial(Generator, GeneratorConfig(width=2, blocks=2, position=1))
AGGAN = partial(aggan.Generator, aggan.GeneratorConfig(width=2, blocks=1, attention_width=2))
SEMANTIC, WITHOUT = (
    partial(semantic.Generator, semantic.GeneratorConfig(width=2, blocks=1, attention=attention))
    for attention in ("full", "none")
)


@pytest.mark.parametrize(
    ("method", "network", "words", "columns"),
    [
        ("nla-cyclegan", NLA, ["--at", "50%,50%", "--map", "--direction", "B2A"], 3),
        ("semantic-gan", SEMANTIC, ["--at", "50%,50%"], 3),
        ("aggan", AGGAN, [], 4),  # photo, painting, attention, painted share
    ],
)
def test_draws_where_generators_look(method, network, words, columns, look, folder):
    outcome = look(method, network, *words)
    assert (outcome.code, outcome.err) == (0, "")
    assert re.fullmatch(r"attention\.png: \d+\.\d s\n", outcome.out)
    with Image.open(folder / "attention.png") as picture:
        assert columns * 32 < picture.width < (columns + 1) * 32 + 70
        assert picture.height > 24 * (2 if "--map" in words else 1)
    assert look(method, network, "-o", "look.html").code == 0
    assert "photo.png looks at itself" in (folder / "look.html").read_text()
    look(method, network, "-o", "look.html").refuses(
        1, "look.html: the file exists; choose another name, or --overwrite"
    )


def test_a_generator_without_attention_has_none_to_show(look, folder):
    look("semantic-gan", WITHOUT, "-o", "none.png").refuses(2, "this generator was trained without attention")
    assert not (folder / "none.png").exists()


def test_studies_are_listed(impasto):
    outcome = impasto("study")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()] == [*STUDIES, "training-pictures", "paper-tables"]


def test_the_names_that_are_known_without_pytorch_are_all():
    kinds = {name: isinstance(entry, TrainingStudy) for name, entry in STUDIES.items()}
    assert kinds == {**dict.fromkeys(PAINTED, False), **dict.fromkeys(TRAINED, True)}


def test_a_study_says_what_it_begins_and_how_far_it_is(impasto, folder):
    outcome = impasto("study", "init", "--content", "photo.png", "--style", "style.png", *TINY)
    count = len(STUDIES["init"].variants)
    lines = [line for line in outcome.err.splitlines() if line.startswith("init ")]
    assert [line.split()[1] for line in lines] == [
        f"{done}/{count}" for number in range(count) for done in (number, number + 1)
    ]


def test_a_study_of_other_numbers(impasto, folder):
    outcome = impasto(
        "study", "ratio-sweep", "--content", "photo.png", "--style", "style.png", "--values", "10,1e5", *TINY
    )
    assert (outcome.code, outcome.out) == (0, "study-ratio-sweep/report.md\n")
    numbers = json.loads((folder / "study-ratio-sweep" / "numbers.json").read_text())
    assert [row["variant"] for row in numbers["rows"]] == ["10", "100000"]
    assert [chosen["style_weight"] for chosen in numbers["options"].values()] == [10, 1e5]


def test_a_study_of_trainings_gets_everything_that_was_asked_for(impasto, folder, monkeypatch):
    for kind in ("a", "b"):
        (folder / kind).mkdir()
    asked = []
    monkeypatch.setattr(trained, "run", lambda *what: asked.append(what[4]) or what[3])
    monkeypatch.setattr(trained, "seconds_of", lambda *what: asked.append(what[3]) or 90.0)
    words = ["study", "nadam-vs-adam", "--data", "A=a", "B=b", "--device", "cpu", "--precision", "fp32", "--seed", "5"]
    outcome = impasto(*words, "--trend", "--seeds", "3", "--size", "32", "--steps", "4", "--slim")
    budget = trained.Budget(
        steps=4, size=32, seed=5, slim=True, trend=True, seeds=3, device="cpu", precision="fp32"
    )  # fmt: skip
    assert (outcome.code, asked) == (0, [budget, budget])
    assert outcome.err.splitlines() == [
        "nadam-vs-adam: 2 trainings (Adam, NAdam), each with 3 seeds, into study-nadam-vs-adam",
        "taking a few steps of each, to say how long they will take",
        "about 1:30 on this machine as it is now, from a few steps",
    ]
    assert impasto(*words, "--quick").code == 0
    assert len(asked) == 3, "what is quick is not timed beforehand"


def test_a_study_of_other_pictures_or_settings_replaces_an_older_one_only_if_allowed(impasto, folder):
    words = ["study", "pooling", "--style", "style.png"]
    usual = [*words, "--content", "photo.png", *TINY]
    assert impasto(*usual).code == 0
    before = (folder / "study-pooling" / "report.md").read_bytes()
    assert impasto(*usual).code == 0  # the same again
    for other in (["--content", "photo.png", "--size", "32", "--steps", "3"], ["--content", "style.png", *TINY]):
        impasto(*words, *other).refuses(1, "holds the study pooling of other pictures or settings")
    assert (folder / "study-pooling" / "report.md").read_bytes()[:200] == before[:200]
    assert impasto(*words, "--content", "style.png", *TINY, "--overwrite").code == 0
    assert "style" in (folder / "study-pooling" / "numbers.csv").read_text()

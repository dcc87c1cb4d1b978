"""`impasto attention` and `impasto study`: files where they are asked for, and clear refusals."""

import json
import re

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
    outcome = impasto("attention", "photo.png", "--style", "style.png", "--at", "50%,50%", "--at", "3,4", "--map")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.fullmatch(r"attention\.png: \d+\.\d s\n", outcome.out)
    with Image.open(folder / "attention.png") as picture:
        assert picture.width > 7 * 24
    again = impasto("attention", "photo.png", "-s", "style.png", "--at", "3,4")
    assert (again.code, again.err) == (
        1,
        "impasto: attention.png: the file exists; choose another name, or --overwrite\n",
    )
    assert impasto("attention", "photo.png", "-s", "style.png", "--at", "3,4", "--overwrite").code == 0


def test_writes_a_page(impasto, folder):
    assert (
        impasto("attention", "photo.png", "-s", "style.png", "--attention-layers", "relu3_1", "-o", "look.html").code
        == 0
    )
    text = (folder / "look.html").read_text()
    assert "photo.png looks at style.png" in text
    assert "relu3_1" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--at", "1,1", "-o", "look.jpg"], "--output is look.jpg, but must be NAME.png or NAME.html"),
        ([], "--at names no place"),
        (["--at", "100,1"], "place '100,1' lies outside the picture of 32 x 24 pixels"),
        (["--at", "1,1", "--attention-layers", "relu9_1"], "--attention-layers names 'relu9_1'"),
        (["--at", "1,1", "--style-scale", "0"], "--style-scale is 0"),
        (["--at", "1,1", "--attention-features", "deep"], "for --attention-features. Choose from"),
    ],
)
def test_refuses_what_makes_no_figure(words, message, impasto, folder):
    outcome = impasto("attention", "photo.png", "-s", "style.png", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (folder / "attention.png").exists()


@pytest.fixture
def generators(folder):
    torch.manual_seed(0)
    network = Generator(GeneratorConfig(width=2, blocks=2, position=1))
    save_generators(folder / "nla.safetensors", "nla-cyclegan", {"A2B": network, "B2A": network}, {})
    return "nla.safetensors"


def test_draws_where_a_generator_looks(impasto, folder, generators):
    words = ("attention", "photo.png", "--method", "nla-cyclegan", "--weights", generators)
    outcome = impasto(*words, "--at", "50%,50%", "--map", "--direction", "B2A")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.fullmatch(r"attention\.png: \d+\.\d s\n", outcome.out)
    with Image.open(folder / "attention.png") as picture:
        assert 3 * 32 < picture.width < 4 * 32 + 60
        assert picture.height > 2 * 24
    assert impasto(*words, "-o", "look.html").code == 0
    assert "photo.png looks at itself" in (folder / "look.html").read_text()
    again = impasto(*words, "-o", "look.html")
    assert (again.code, again.err) == (1, "impasto: look.html: the file exists; choose another name, or --overwrite\n")


def test_draws_where_a_generator_of_the_semantic_gan_looks(impasto, folder):
    torch.manual_seed(0)
    for attention in ("full", "none"):
        network = semantic.Generator(semantic.GeneratorConfig(width=2, blocks=1, attention=attention))
        save_generators(folder / f"{attention}.safetensors", "semantic-gan", {"A2B": network, "B2A": network}, {})
    words = ("attention", "photo.png", "--method", "semantic-gan", "--weights")
    assert impasto(*words, "full.safetensors", "--at", "50%,50%").code == 0
    with Image.open(folder / "attention.png") as picture:
        assert 3 * 32 < picture.width < 4 * 32 + 60
    assert impasto(*words, "full.safetensors", "-o", "look.html").code == 0
    outcome = impasto(*words, "none.safetensors", "-o", "none.png")
    assert outcome.code != 0
    assert "this generator was trained without attention" in outcome.err
    assert not (folder / "none.png").exists()


def test_draws_what_attention_guided_generators_paint(impasto, folder):
    torch.manual_seed(0)
    network = aggan.Generator(aggan.GeneratorConfig(width=2, blocks=1, attention_width=2))
    save_generators(folder / "aggan.safetensors", "aggan", {"A2B": network, "B2A": network}, {})
    assert impasto("attention", "photo.png", "--method", "aggan", "--weights", "aggan.safetensors").code == 0
    with Image.open(folder / "attention.png") as picture:
        assert 4 * 32 < picture.width < 5 * 32 + 70, "photo, painting, attention, painted share"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--method", "cyclegan"], 2, 'for --method. Choose from: "gatys", "nla-cyclegan", "aggan", "semantic-gan"'),
        (["--method", "nla-cyclegan"], 2, "--weights is missing: the method nla-cyclegan needs"),
        (["--method", "nla-cyclegan", "--style", "style.png"], 2, "--style is not for nla-cyclegan"),
        (["--method", "nla-cyclegan", "--encoder", "vgg19"], 2, "--encoder is for the methods adain, gatys, but"),
        (["--style", "style.png", "--direction", "B2A"], 2, "--direction is for the methods cyclegan, nla-cyclegan"),
        (["--at", "1,1"], 2, "--style is missing: the painting that the method gatys looks in"),
        (["--method", "nla-cyclegan", "--weights", "none"], 1, "none: there is no such file"),
    ],
)
def test_each_method_refuses_what_is_the_others(words, code, message, impasto, folder):
    outcome = impasto("attention", "photo.png", *words)
    assert outcome.code == code
    assert message in outcome.err
    assert not (folder / "attention.png").exists()


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


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["rotation"], "no study 'rotation'; there are ratio-sweep, ", 2),
        (["poling"], "no study 'poling'; did you mean 'pooling'?", 2),
        (["ratio-sweep", "--values", "a"], "--values is 'a', but must be numbers like 1,1e3,1e6", 2),
        (["pooling", "--values", "1"], "--values are for studies of one number, which pooling is not", 2),
        (["pooling", "--content", "nowhere.png"], "nowhere.png", 1),
        (["pooling", "--size", "0"], "size is 0", 2),
        (["pooling", "--data", "A=photos"], "--data is not for the study pooling", 2),
        (["pooling", "--slim"], "--slim is not for the study pooling", 2),
        (["nadam-vs-adam", "--style", "swirls", "--data", "A=a"], "--style is not for the study nadam-vs-adam", 2),
        (["nadam-vs-adam", "--overwrite"], "--overwrite is not for the study nadam-vs-adam", 2),
        (["nadam-vs-adam"], "--data needs A=FOLDER and B=FOLDER", 2),
        (["nadam-vs-adam", "--data", "A=a", "C=b"], "--data is 'C=b', but must be A=FOLDER or B=FOLDER", 2),
        (["nadam-vs-adam", "--data", "A=no", "B=no"], "no: there is no such folder", 1),
    ],
)
def test_refuses_what_is_no_study(words, message, code, impasto):
    outcome = impasto("study", *words)
    assert outcome.code == code
    assert message in outcome.err


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
        outcome = impasto(*words, *other)
        assert (outcome.code, "holds the study pooling of other pictures or settings" in outcome.err) == (1, True)
    assert (folder / "study-pooling" / "report.md").read_bytes()[:200] == before[:200]
    assert impasto(*words, "--content", "style.png", *TINY, "--overwrite").code == 0
    assert "style" in (folder / "study-pooling" / "numbers.csv").read_text()


def test_several_places_after_one_flag(impasto, folder):
    outcome = impasto("attention", "photo.png", "-s", "style.png", "--size", "32", "--at", "50%,50%", "3,4")
    assert (outcome.code, outcome.err) == (0, "")

"""The methods of unpaired translation at the command line: trained, applied, and refused where they make no sense."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from trainings import forget

from impasto import api
from impasto.blocks.patch_discriminator import PatchConfig
from impasto.methods.cyclegan import recipes as cyclegan
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.record import read_record
from impasto.training import figures
from impasto.training.loop import Schedule
from impasto.translation import DIRECTIONS, save_generators


@pytest.fixture
def trained(impasto, fill, monkeypatch, fresh_accelerator):
    """`impasto train cyclegan`, in miniature, into the folder `run`."""
    monkeypatch.delenv("ACCELERATE_TORCH_DEVICE", raising=False)

    small = replace(
        cyclegan.cyclegan(), crop=32, shorter=36, held_out=1, schedule=Schedule(steps=0, log_every=100),
        rates=replace(cyclegan.cyclegan().rates, epochs=2, constant=1), discriminator=PatchConfig(width=2),
        generator=GeneratorConfig(width=2, blocks=1),
    )  # fmt: skip
    monkeypatch.setattr(cyclegan, "cyclegan", lambda: small)
    monkeypatch.setattr(figures, "draw_losses", lambda folder: None)  # takes longer than the training
    fill("photos", 3)
    fill("paintings", 3, seed=10)

    def train(*words):
        forget()
        data = ("--data", "A=photos", "--data", "B=paintings")
        return impasto("train", "cyclegan", *data, "--out", "run", "--device", "cpu", *words)

    return train


@pytest.fixture
def translate(impasto, folder):
    """`impasto stylize` with generators in generators.safetensors."""
    torch.manual_seed(0)
    generators = {direction: Generator(GeneratorConfig(width=2, blocks=1)) for direction in DIRECTIONS}
    save_generators(folder / "generators.safetensors", "cyclegan", generators, {})
    return lambda *words: impasto("stylize", *words, "--method", "cyclegan", "--weights", "generators.safetensors")


def test_epochs_become_steps_that_a_resumed_run_finds_again(trained, impasto, folder):
    outcome = trained()
    assert (outcome.code, outcome.out) == (0, "run\n")
    assert "cyclegan 4/4" in outcome.err, "two epochs of two pictures"
    made = {path.name for path in (folder / "run").iterdir()}
    assert made >= {"config.json", "generators.safetensors", "previews.png", "state-0000004.safetensors"}
    assert trained("--resume").code == 0
    written = "run/generators.safetensors"
    assert impasto("stylize", "photo.png", "-o", "out.png", "--method", "cyclegan", "--weights", written).code == 0
    assert "schedule.steps was 4 and is now 3" in trained("--resume", "--steps", "3").err


def test_paints_in_both_directions_without_a_style(translate, pixels):
    for direction in ("A2B", "B2A"):
        outcome = translate("photo.png", "-o", f"{direction}.png", "--direction", direction)
        assert (outcome.code, outcome.err) == (0, "")
        record = read_record(f"{direction}.png")
        assert (record["method"], record["style"], set(record["weights"])) == ("cyclegan", [], {"cyclegan"})
    assert not np.array_equal(pixels("A2B.png"), pixels("B2A.png"))
    stylizer = api.load("cyclegan", device="cpu", weights="generators.safetensors")
    api.stylize("photo.png", stylizer=stylizer, direction="B2A", output="library.png")
    assert np.array_equal(pixels("library.png"), pixels("B2A.png"))


def test_a_folder_and_a_result_like_another(translate, impasto, folder, fill, pixels):
    fill("photos", 3)
    outcome = translate("photos", "-o", "out/", "--colour", "keep")
    assert outcome.code == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == [f"{n}-cyclegan.png" for n in range(3)]
    again = impasto(
        "stylize", "photos/1.png", "--like", "out/0-cyclegan.png", "--weights", "generators.safetensors",
        "-o", "again.png",
    )  # fmt: skip
    assert again.code == 0, again.err
    assert np.array_equal(pixels("again.png"), pixels("out/1-cyclegan.png"))


def test_what_an_adain_painting_was_made_with_is_left_behind(translate, impasto, folder):
    assert impasto("stylize", "photo.png", "-s", "style.png", "-o", "adain.png").code == 0
    outcome = translate("photo.png", "--like", "adain.png", "-o", "out.png")
    assert outcome.code == 0, outcome.err
    assert read_record("out.png")["style"] == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--style", "style.png"], 2, "style cannot be given: the weights of the method cyclegan are its style"),
        (["--mask", "style.png"], 2, "masks say where styles go, but the method cyclegan is shown none"),
        (["--grid", "sheet.png"], 2, "--grid shows contents in several styles, but the method cyclegan has one"),
        (["--style-scale", "2"], 2, "--style-scale is for the methods adain, gatys, but the method is cyclegan"),
        (["--encoder", "vgg19"], 2, "--encoder is for the methods adain, gatys, but the method is cyclegan"),
        (["--colour", "match"], 2, "--colour is 'match', but must be one of style, keep"),
        (["--save-every", "2"], 2, "--save-every is for paintings that take steps, and the method cyclegan takes one"),
        (["--direction", "B"], 2, "B"),
    ],
)
def test_what_makes_no_sense_is_refused(words, code, message, impasto):
    how = ("--method", "cyclegan", "--weights", "none")
    impasto("stylize", "photo.png", "-o", "out.png", *how, *words).refuses(code, message)


def test_generators_that_come_with_impasto_are_called_by_name(impasto, folder):
    words = ("stylize", "photo.png", "--method", "nla-cyclegan", "--weights", "monet")
    for direction in ("A2B", "B2A"):
        outcome = impasto(*words, "--direction", direction, "-o", f"{direction}.png")
        assert outcome.code == 0, outcome.err
    photo, painted, back = (
        torch.from_numpy(np.array(Image.open(folder / name).convert("RGB"))).float()
        for name in ("photo.png", "A2B.png", "B2A.png")
    )
    assert painted.shape == photo.shape
    assert (painted - photo).abs().mean() > 2
    assert (painted - back).abs().mean() > 2
    assert torch.corrcoef(torch.stack([photo.mean(2).flatten(), painted.mean(2).flatten()]))[0, 1] > 0.5
    outcome = impasto(*words[:3], "cyclegan", *words[4:], "-o", "other.png")
    assert "monet.safetensors: is of the method nla-cyclegan, but the method is cyclegan" in outcome.err
    assert "of its training, or monet" in impasto(*words[:4], "-o", "other.png").err


def test_weights_that_do_not_fit_are_named(translate, impasto):
    outcome = impasto("stylize", "photo.png", "-o", "out.png", "--method", "nla-cyclegan")
    assert (outcome.code, "--weights is missing: the method nla-cyclegan needs" in outcome.err) == (2, True)
    weights = ("--weights", "generators.safetensors")
    outcome = impasto("stylize", "photo.png", "-o", "out.png", "--method", "nla-cyclegan", *weights)
    assert outcome.code == 1
    assert "generators.safetensors: is of the method cyclegan, but the method is nla-cyclegan" in outcome.err
    outcome = impasto("stylize", "photo.png", "-o", "out.png", "--method", "nla-cyclegan", "--weights", "none")
    assert (outcome.code, "none: there is no such file" in outcome.err) == (1, True)
    outcome = impasto("stylize", "photo.png", "-s", "style.png", "-o", "out.png", "--direction", "B2A")
    assert "--direction is for the methods cyclegan, nla-cyclegan, dncnn-cyclegan, munit, aggan" in outcome.err

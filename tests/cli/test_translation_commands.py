"""The methods of unpaired translation at the command line: trained, applied, and refused where they make no sense."""

import numpy as np
import pytest
import torch
from PIL import Image

from impasto import api
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.record import read_record
from impasto.translation import DIRECTIONS, save_generators


@pytest.fixture
def translate(impasto, folder):
    """`impasto stylize` with generators in generators.safetensors."""
    torch.manual_seed(0)
    generators = {direction: Generator(GeneratorConfig(width=2, blocks=1)) for direction in DIRECTIONS}
    save_generators(folder / "generators.safetensors", "cyclegan", generators, {})
    return lambda *words: impasto("stylize", *words, "--method", "cyclegan", "--weights", "generators.safetensors")


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

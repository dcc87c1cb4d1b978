"""The styles that impasto knows by name: the file, what is said of them, and the library."""

import re
from pathlib import Path

import named_styles as tool
import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto.engine.styles import load_style
from impasto.errors import OptionError, PictureError
from impasto.gallery import STYLE_SUFFIX, is_encoded, named_styles, own_styles, packaged, shown, style_file, styles_file

ROOT = Path(__file__).parents[1]

PHOTO = torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(0))
ADAIN = impasto.load(device="cpu")


def test_there_are_24_of_which_each_is_another():
    names = list(named_styles())
    assert len(names) == 24
    assert not set(names) & set(packaged())
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    numbers = torch.tensor(
        np.stack([load_style(styles_file(), name).statistics["relu3_1"][0].ravel() for name in names])
    )
    assert torch.isfinite(numbers).all()
    assert torch.pdist(numbers).min() > 0.1
    assert styles_file().stat().st_size < 60_000


def test_every_one_has_a_small_picture_that_impasto_painted():
    for name, style in named_styles().items():
        with Image.open(shown(name, styles_file())) as picture:
            assert (picture.format, max(picture.size)) == ("JPEG", 256), style.name


def test_the_model_card_names_them():
    card = (ROOT / "src/impasto/assets/styles.md").read_text()
    for style in named_styles().values():
        assert style.title in " ".join(card.split())


def test_a_name_is_a_style():
    by_name = impasto.stylize(PHOTO, "starry-night", stylizer=ADAIN)
    assert torch.equal(by_name, impasto.stylize(PHOTO, load_style(styles_file(), "starry-night"), stylizer=ADAIN))
    assert not torch.equal(by_name, impasto.stylize(PHOTO, "great-wave", stylizer=ADAIN))
    mixed = impasto.stylize(PHOTO, ["starry-night", "great-wave", "swirls"], stylizer=ADAIN, style_blend="1,0,0")
    assert torch.allclose(mixed, by_name, atol=1e-5)


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 40), "red").save(tmp_path / "storm.png")
    expected = impasto.stylize(PHOTO, "storm.png", stylizer=ADAIN)
    (tmp_path / "storm.png").rename(tmp_path / "storm")
    assert torch.equal(impasto.stylize(PHOTO, "storm", stylizer=ADAIN), expected)
    (tmp_path / "dance").mkdir()
    assert style_file("dance") == styles_file()  # a folder is no style


@pytest.mark.parametrize(
    ("word", "hint"),
    [("stary-night", "did you mean 'starry-night'?"), ("swirl", "did you mean 'swirls'?"),
     ("impression-sunrise", "did you mean 'sunrise'?"), ("Impression, Sunrise", "did you mean 'sunrise'?"),
     ("Van Gogh", "did you mean 'starry-night' or 'wheat-field' or"),
     ("hokusai", "did you mean 'great-wave' or 'plum-blossom'?"),
     ("qqq", "`impasto styles` lists those"), ("none.png", "there is no such file")],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_what_may_be_meant(word, hint):
    with pytest.raises(PictureError, match=f"^{re.escape(word)}: there is no such file") as raised:
        impasto.stylize(PHOTO, word, stylizer=ADAIN)
    assert hint in str(raised.value)


@pytest.mark.parametrize(
    ("choices", "what"),
    [({"refine": 3}, "refine 3 needs the painting itself"), ({"quality": "finer"}, "quality finer needs the painting"),
     ({"colour": "match"}, "colour match needs the painting"),
     ({"method": "gatys"}, "the method gatys needs the painting itself"),
     ({"style_scale": 2.0}, "style_scale is 2, but the style 'wanderer' was encoded at 1")],
)  # fmt: skip
def test_what_needs_the_painting_says_so(choices, what):
    stylizer = None if "method" in choices else ADAIN
    with pytest.raises(OptionError, match=what):
        impasto.stylize(PHOTO, "wanderer", stylizer=stylizer, **choices)


def test_it_cannot_be_encoded_again():
    with pytest.raises(OptionError, match="style 'wanderer' is encoded already"):
        impasto.encode_style("wanderer", stylizer=ADAIN)


def test_a_style_is_asked_for_at_the_scale_it_was_encoded_at(tmp_path):
    painting = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    style = impasto.encode_style(painting, stylizer=ADAIN)
    file = tmp_path / f"small{STYLE_SUFFIX}"
    style.save(file)
    for given in (style, file):
        with pytest.raises(OptionError, match=r"style_scale is 0\.5, but the style 'Tensor' was encoded at 1"):
            impasto.stylize(PHOTO, given, stylizer=ADAIN, style_scale=0.5)


def test_a_file_of_several_holds_what_each_own_file_would(tmp_path):
    paintings = [torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    styles = [impasto.encode_style(one, stylizer=ADAIN) for one in paintings]
    file = tmp_path / "both.safetensors"
    tool.save_styles(file, styles, [{"name": "one"}, {"name": "two"}])
    for name, style in zip(("one", "two"), styles, strict=True):
        found = load_style(file, name)
        assert (found.name, found.scale, found.encoder) == (name, 1, style.encoder)
        assert np.array_equal(found.colours[1], style.colours[1])
        assert all(
            np.array_equal(found.statistics[x][k], style.statistics[x][k]) for x in found.statistics for k in (0, 1)
        )
    with pytest.raises(impasto.WeightsError, match="holds no style"):
        load_style(file, "three")


def test_own_styles_are_pictures_first():
    kinds = [is_encoded(file) for file in own_styles().values()]
    assert kinds == sorted(kinds)
    assert sum(kinds) == 24

from dataclasses import fields
from pathlib import Path

import pytest
from wishes import picture

from impasto.errors import OptionError
from impasto.gallery import named_styles, packaged
from impasto.options import StylizeOptions
from impasto.service import Offer, styles_in
from impasto.service.offer import NOTATIONS, WORDS

# Texts that name something else than a file, a word of a list or a notation are not known to the service.
TEXTS = [item.name for item in fields(StylizeOptions) if "str" in str(item.type)]


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "generators.safetensors"
    path.touch()
    return path


def test_every_option_is_offered_and_every_text_is_from_a_list_or_a_notation():
    offer = Offer()
    assert [item.name for item in offer.options()] == [item.name for item in fields(StylizeOptions)]
    free = [item.name for item in offer.options() if item.name in TEXTS and not offer.choices(item)]
    assert free == list(NOTATIONS)


def test_a_new_option_that_is_free_text_is_not_offered(monkeypatch):
    monkeypatch.setattr("impasto.service.offer.NOTATIONS", NOTATIONS[1:])
    with pytest.raises(OptionError, match="style_blend cannot be chosen on this server"):
        Offer().chosen({"style_blend": "1,2"})
    with pytest.raises(OptionError, match="style_blend cannot be chosen"):
        Offer().check(StylizeOptions(style_blend="1,2"))


@pytest.mark.parametrize("value", ["/etc/passwd", "runs/mine.safetensors", "http://127.0.0.1/x", "../adain"])
@pytest.mark.parametrize("name", list(WORDS))
def test_no_path_and_no_url_is_taken(name, value):
    with pytest.raises(OptionError, match=f"{name} is '{value}', but on this server must be one of"):
        Offer().chosen({name: value, **({"method": "gatys"} if name == "init" else {})})


def test_what_would_need_a_download_or_weights_is_not_offered(weights):
    for given in ({"encoder": "vgg19"}, {"method": "cyclegan"}):
        with pytest.raises(OptionError, match="on this server must be one of"):
            Offer().chosen(given)
    offer = Offer(weights={"cyclegan": weights})
    assert offer.chosen({"method": "cyclegan"}).method == "cyclegan"
    assert offer.schema()["method"]["enum"] == ["adain", "gatys", "cyclegan"]
    assert Offer().schema()["encoder"]["enum"] == ["lite"]


def test_weights_must_be_there_and_of_something(weights, tmp_path):
    with pytest.raises(OptionError, match="weights are given for 'adain'"):
        Offer(weights={"adain": weights})
    with pytest.raises(OptionError, match="there is no file"):
        Offer(weights={"vgg19": tmp_path / "none"})


def test_text_becomes_what_the_option_is_made_of():
    given = {"size": "64", "strength": "0.5", "colour": "keep", "style_blend": "", "refine": None}
    assert Offer().chosen(given) == StylizeOptions(size=64, strength=0.5, colour="keep")
    assert Offer().chosen({"size": 64, "strength": 1}) == StylizeOptions(size=64, strength=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": "big"}, "size is 'big', but must be a whole number"),
        ({"size": "1.5"}, "size is '1.5', but must be a whole number"),
        ({"size": "9" * 5000}, "size is '999"),
        ({"size": True}, "size is True, but must be a whole number"),
        ({"size": [1]}, r"size is \[1\], but must be a whole number"),
        ({"strength": "nan"}, "strength is nan"),
        ({"strength": "9"}, "strength is 9.0, but must be a finite number from 0 to 3"),
        ({"stylebend": "1"}, "no option 'stylebend'; did you mean 'style_blend'"),
        ({"steps": "3"}, "steps is for the method gatys"),
    ],
)
def test_wrong_values_are_named(given, message):
    with pytest.raises(OptionError, match=f"^{message}"):
        Offer().chosen(given)


def test_schema_is_the_options_own():
    schema = Offer().schema()
    for item in fields(StylizeOptions):
        shown, limits = schema[item.name], item.metadata
        assert shown["description"] == limits["help"]
        assert shown.get("minimum") == limits["minimum"]
        assert shown.get("default") == (item.default if item.default != "" else None)
    assert schema["size"]["type"] == "integer"
    assert schema["strength"]["type"] == "number"
    assert schema["init"]["enum"] == ["content", "noise", "grey"]


def test_named_styles_are_shown_by_what_was_painted_in_them():
    offer = Offer()
    assert offer.paintings == list(packaged())
    assert set(offer.styles) == set(packaged()) | set(named_styles())
    assert offer.picture("storm") == named_styles()["storm"].thumbnail
    assert offer.picture("ink") == offer.style("ink")


def test_a_folder_of_styles(tmp_path):
    for name in ("sea.png", "notes.txt", ".hidden.png", "wood.png"):
        (tmp_path / name).write_bytes(picture())
    assert styles_in(tmp_path) == {"sea": tmp_path / "sea.png", "wood": tmp_path / "wood.png"}
    offer = Offer(styles=styles_in(tmp_path))
    assert offer.style("sea") == tmp_path / "sea.png"
    for name in ("see", "../sea", "/etc/passwd", "sea.png"):
        with pytest.raises(OptionError, match="is not on this server"):
            offer.style(name)
    for wrong in (tmp_path / "none", Path(__file__).parent):
        with pytest.raises(OptionError, match="styles"):
            styles_in(wrong)

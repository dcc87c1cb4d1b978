from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fake_service import refusal
from wishes import picture

from impasto.errors import OptionError
from impasto.gallery import named_styles, packaged
from impasto.methods import METHODS, StylizeOptions, every_field
from impasto.options import Options, kinds_of, option
from impasto.service.offer import Offer, styles_in


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "generators.safetensors"
    path.touch()
    return path


FIELDS = {(name, method): item for name, owners in every_field().items() for method, item in owners.items()}


def test_every_text_is_from_a_list_or_a_notation():
    offer = Offer()
    for (name, method), item in FIELDS.items():
        if method in offer.methods:
            assert name in offer.options(method)
        if str in kinds_of(item)[0] and not offer.choices(item):
            assert item.metadata["words"] == (), name


@dataclass(frozen=True, kw_only=True)
class FreeOptions(Options):
    method: str = field(default="free", init=False)
    text: str = option("", "any text")


def test_a_new_option_that_is_free_text_is_not_offered(monkeypatch):
    monkeypatch.setitem(METHODS, "free", f"{__name__}:FreeOptions")
    with pytest.raises(OptionError, match="text cannot be chosen on this server"):
        Offer().chosen({"method": "free", "text": "x"})
    with pytest.raises(OptionError, match="text cannot be chosen"):
        Offer().check(FreeOptions(text="x"))
    assert "text" not in Offer().schema("free")


@pytest.mark.parametrize("value", ["/etc/passwd", "runs/mine.safetensors", "http://127.0.0.1/x", "../adain"])
@pytest.mark.parametrize(("name", "method"), [key for key, item in FIELDS.items() if item.metadata["words"]])
def test_no_path_and_no_url_is_taken(name, method, value):
    with pytest.raises(OptionError, match=f"{name} is '{value}', but on this server must be one of"):
        Offer().chosen({"method": method, name: value})


def test_what_would_need_a_download_or_weights_is_not_offered(weights):
    for given in ({"encoder": "vgg19"}, {"method": "cyclegan"}):
        with pytest.raises(OptionError, match="on this server must be one of"):
            Offer().chosen(given)
    offer = Offer(weights={"cyclegan": weights})
    assert offer.chosen({"method": "cyclegan"}).method == "cyclegan"
    assert offer.every_schema()["method"]["enum"] == ["adain", "gatys", "cyclegan"]
    assert Offer().schema("adain")["encoder"]["enum"] == ["lite"]


def test_without_torch_nothing_is_offered_that_needs_it(weights):
    lean = Offer(weights={"nla-cyclegan": weights, "vgg19": weights}, torch=False)
    assert (list(lean.methods), lean.looking()) == (["adain"], ())
    assert lean.lacking_torch == ("gatys", "nla-cyclegan", "refinement", "attention")
    schema = lean.schema("adain")
    assert {name: schema[name]["enum"] for name in ("encoder", "decoder", "quality")} == {
        "encoder": ["lite"], "decoder": ["adain"], "quality": ["instant"],
    }  # fmt: skip
    assert {"refine", "tv_weight", "steps"}.isdisjoint(schema)
    assert not any("refining" in shown for shown in schema.values())
    assert lean.every_schema()["method"]["enum"] == ["adain"]
    usual = {"quality": "instant", "refine": "0", "encoder": "lite", "strength": "0.5"}
    assert lean.chosen(usual) == StylizeOptions(strength=0.5)


@pytest.mark.parametrize(
    "given",
    [
        {"method": "gatys"}, {"method": "nla-cyclegan"}, {"quality": "finer"}, {"refine": "5"}, {"encoder": "vgg19"},
        {"decoder": "adain_paper"}, {"refine": "5", "tv_weight": "3"},
    ],
)  # fmt: skip
def test_without_torch_what_needs_it_says_so(given, weights):
    lean = Offer(weights={"nla-cyclegan": weights, "vgg19": weights}, torch=False)
    with refusal("no-torch", match=r" but this server cannot do that: it lacks the extra 'torch'"):
        lean.chosen(given)
    assert Offer(weights=lean.weights, torch=True).chosen(given)
    with pytest.raises(OptionError, match=r"must be one of adain$"):
        lean.chosen({"method": "cyclegan"})


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
        ({"strength": "9"}, "strength is 9.0, but must be from 0 to 3"),
        ({"stylebend": "1"}, "no option 'stylebend'; did you mean 'style_blend'"),
        ({"steps": "3"}, "steps is for the method gatys"),
    ],
)
def test_wrong_values_are_named(given, message):
    with pytest.raises(OptionError, match=f"^{message}"):
        Offer().chosen(given)


def test_schema_is_the_options_own(weights):
    offer = Offer(weights={"cyclegan": weights})
    for method in offer.methods:
        schema = offer.schema(method)
        plain = [shown.get("plain", False) for shown in schema.values() if "refining" not in shown]
        assert plain == sorted(plain, reverse=True)
        for name, shown in schema.items():
            item = FIELDS.get((name, method)) or FIELDS[name, "gatys"]
            assert ((name, method) in FIELDS) != shown.get("refining", False)
            assert shown["description"] == item.metadata["help"]
            assert shown.get("minimum") == item.metadata["minimum"]
            assert shown.get("default") == (item.default if item.default != "" else None)
    assert offer.schema("adain")["size"]["type"] == "integer"
    assert offer.schema("adain")["strength"]["type"] == "number"
    assert offer.schema("gatys")["init"]["enum"] == ["content", "noise", "grey"]
    assert offer.schema("cyclegan")["colour"]["enum"] == ["style", "keep"]


def test_the_schema_of_all_methods_together(weights):
    schema = Offer(weights={"cyclegan": weights}).every_schema()
    assert schema["method"]["enum"] == ["adain", "gatys", "cyclegan"]
    assert schema["colour"]["enum"] == ["style", "keep", "match"]
    assert "methods" not in schema["size"]
    assert schema["direction"]["methods"] == ["cyclegan"]
    assert schema["tv_weight"]["methods"] == ["adain", "gatys"], "adain's refinement has it, too"
    assert {name for name, _ in FIELDS} == set(schema) - {"method"}


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

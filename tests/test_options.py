"""Every option does something, and every wrong value is named."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import small_encoder
import torch
from numpy.typing import NDArray
from PIL import Image

import impasto
from impasto.api import paint
from impasto.errors import OptionError, PictureError
from impasto.image import Picture
from impasto.methods import DEFAULT, METHODS, REFINER, StylizeOptions, Stylizer, every_field, options_of, refinement
from impasto.methods.adain.options import QUALITIES, AdaINOptions
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.methods.gatys.options import OF_PAPERS, PRESETS, GatysOptions
from impasto.options import choosable
from impasto.translation import save_generators
from impasto.weights import save

FIELDS = every_field()
SHORT: dict[str, Any] = {"method": "gatys", "scales": 1, "steps": 3}
NOISE = SHORT | {"init": "noise"}
GRAM = NOISE | {"style_loss": "gram"}
ADAM = SHORT | {"optimizer": "adam"}
ADAIN: dict[str, Any] = {"method": "adain"}
TRANSLATION: dict[str, Any] = {"method": "cyclegan"}
LARGE = {"method": "gatys", "size": 150, "scales": 2, "steps": 1, "coarse_steps": 2}  # large enough for two scales

# So large that a window is smaller than the picture: with little memory, L-BFGS soon forgets.
WINDOWS = SHORT | {"encoder": "vgg19", "size": 300, "steps": 5}

ATTENTION = SHORT | {"attention_weight": 100.0}
CLAMPED = SHORT | {"range_weight": 0.0, "style_weight": 1e5, "steps": 4}
EXPLODING = ADAM | {"learning_rate": 10.0, "steps": 4, "style_weight": 1e4}

# Field: what the others are, and values of it that must all give different pictures.
CHANGES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "preset": ({"method": "gatys"}, list(PRESETS)),
    "decoder": (ADAIN, ["adain", "adain_paper"]),
    "strength": (ADAIN, [0, 0.5, 1.0, 2.0]),
    "colour": (ADAIN, ["style", "keep", "match"]),
    "quality": (ADAIN, ["instant", "finer", "finest"]),
    "detail": (ADAIN, [0.0, 0.5, 1.0]),
    "stroke": (ADAIN | {"size": 200}, [0.01, 0.08, 0.1]),  # so large that strokes of such sizes are several pixels wide
    "refine": (ADAIN, [0, 1, 2]),
    "size": (SHORT, [None, 16, 40]),
    "encoder": (SHORT, ["lite", "vgg19"]),
    "content_weight": (NOISE, [0, 1.0, 100]),
    "style_weight": (SHORT, [0, 1.0, 100.0]),
    "tv_weight": (SHORT, [0.0, 1.0, 1000]),
    "range_weight": (SHORT | {"style_weight": 1e5, "steps": 6}, [0.0, 400.0]),
    "direction": (TRANSLATION, ["A2B", "B2A"]),
    "precision": (ADAIN, ["fp32", "bf16"]),
    "convention": (GRAM, ["relative", "half-mean", "half-sum", "gatys-notebook", "jcjohnson"]),
    "content_colours": (SHORT, ["own", "style"]),
    "style_loss": (SHORT, ["covariance", "gram"]),
    "style_fit": (SHORT, ["area", "content", "own"]),
    "attention_weight": (SHORT, [0, 1.0, 100]),
    "attention_layers": (ATTENTION, ["relu2_1", "relu3_1", "relu2_1,relu3_1", "relu2_1:3,relu3_1"]),
    "attention_loss": (ATTENTION, ["gram", "raw-gram", "local"]),
    "attention_features": (ATTENTION | {"attention_layers": "relu3_1"}, ["layer", "shallower", "all"]),
    "attention_temperature": (ATTENTION, [0.1, 1.0, 10]),
    "guard": (EXPLODING, ["on", "off"]),
    "filters": (SHORT, ["own", "raw"]),
    "content_layers": (NOISE, ["relu4_2", "relu2_2", "relu2_2,relu4_2", "relu2_2:3,relu4_2"]),
    "style_layers": (SHORT, ["relu1_1", "relu2_1", "relu1_1,relu2_1", "relu1_1 : 2, relu2_1"]),
    "style_blend": (ADAIN, ["", "1,0", "0.25,0.75", "0,1"]),
    "style_scale": (ADAIN, [1.0, 0.5, 2]),
    "init": (SHORT, ["content", "noise", "grey", "start.png"]),
    "optimizer": (CLAMPED, ["lbfgs", "lbfgs-pixels", "lbfgs-clamped", "adam"]),
    "learning_rate": (ADAM, [0.02, 0.01]),
    "history": (SHORT | {"steps": 6}, [1, 2, 20]),
    "scales": (LARGE, [1, 2]),
    "steps": (SHORT, [0, 1, 2]),
    "coarse_steps": (LARGE, [0, 2]),
    "max_memory": (WINDOWS, [None, 0.045]),
    "pooling": (SHORT, ["average", "max"]),
    "seed": (NOISE, [0, 1, 2**63 - 1]),
}

CHOOSING = {name: item for name, owners in FIELDS.items() for item in owners.values() if item.metadata["choices"]}
NO_CHOICE = ["no such choice", 1, True]
NO_WEIGHT = [-0.1, float("nan"), float("inf"), "1", True]
NO_STEPS = [-1, 1.5, 1_000_001, "3", True]

# Field: values that are refused. Each message begins with the field's name.
WRONG: dict[str, list[Any]] = {
    "method": ["gaty", "", None, 1],
    **{name: [*NO_CHOICE, *([] if item.default is None else [None])] for name, item in CHOOSING.items()},
    **dict.fromkeys(("content_weight", "style_weight", "attention_weight", "tv_weight", "range_weight"), NO_WEIGHT),
    **dict.fromkeys(("refine", "steps", "coarse_steps"), NO_STEPS),
    "decoder": [None, 3],
    "strength": [-0.1, 3.5, float("nan"), None, "1"],
    "detail": [-0.1, 1.1, float("nan"), None, "1"],
    "stroke": [0, 0.0001, 0.2, float("nan"), None],
    "size": [0, -5, 1.5, "512", True],
    "attention_layers": ["", "relu4_1:x", "relu4_1:-1", None],
    "attention_temperature": [0, -1, float("inf"), None],
    "content_layers": ["", " , ", "relu4_2:x", "relu4_2:-1", "relu4_2:nan", "relu4_2:inf", None, 4],
    "style_layers": ["", "relu1_1:1:2", "relu1_1:-1", 4],
    "style_blend": ["a,b", "0.5;0.5", "-1,2", "0,0", "nan", "inf,1", None, 0.5],
    "style_scale": [0, 0.01, 11, float("nan"), None],
    "init": [3, Path("start.png")],
    "learning_rate": [0, -1, 11, float("nan"), None],
    "history": [0, 1001, 2.5, None],
    "scales": [0, 17, 1.0],
    "max_memory": [0, 0.001, -1, float("nan"), "1"],
    "seed": [-1, 2**63, 0.5, None],
}


def picture(height: int, width: int, seed: int) -> NDArray[np.float32]:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)).numpy()


Stylizers = dict[str, Stylizer]


@pytest.fixture(scope="module")
def stylizers(tmp_path_factory: pytest.TempPathFactory) -> Stylizers:
    """One for each way of painting and encoder, with tiny networks in place of VGG-19 and of trained generators."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    network = small_encoder.encoder().float()
    save(path, network.state_dict(), {"encoder": network.config.to_json()})
    generators = path.with_name("generators.safetensors")
    torch.manual_seed(0)
    config_of = GeneratorConfig(width=2, blocks=1)
    save_generators(generators, "cyclegan", {"A2B": Generator(config_of), "B2A": Generator(config_of)}, {})
    return {
        "cyclegan lite": impasto.load("cyclegan", device="cpu", weights=generators),
        "adain lite": impasto.load("adain", device="cpu"),
        "gatys lite": impasto.load("gatys", device="cpu"),
        "gatys vgg19": impasto.load("gatys", device="cpu", weights=path),
    }


def painted(stylizers: Stylizers, **choices: Any) -> NDArray[np.float32]:
    options = StylizeOptions(**choices)
    styles = [Picture(picture(24, 40, seed)) for seed in (1, 2)] if options.takes_styles else []
    stylizer = stylizers[f"{options.method} {choices.get('encoder', 'lite')}"]
    return paint(Picture(picture(32, 36, 10)), styles, options, stylizer=stylizer).picture.pixels


def test_every_field_is_shown_to_matter_and_to_be_checked() -> None:
    assert set(CHANGES) == set(FIELDS), "an option that no test shows to change the output is removed"
    assert set(WRONG) == {*FIELDS, "method"}
    for name, owners in FIELDS.items():
        for item in owners.values():
            assert item.metadata["help"]
            # What `auto` means differs between devices; tests/test_device.py holds it.
            assert set(item.metadata["choices"]) - {"auto"} <= set(CHANGES[name][1]), f"a choice of {name}"


@pytest.mark.parametrize("name", CHANGES)
def test_changes_the_picture(name: str, stylizers: Stylizers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    brief = {key: {**preset, "steps": preset["steps"] // 20, "coarse_steps": 0} for key, preset in PRESETS.items()}
    monkeypatch.setattr("impasto.methods.gatys.options.PRESETS", brief)
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save("start.png")
    base, values = CHANGES[name]
    results = {repr(value): painted(stylizers, **(base | {name: value})) for value in values}
    for first, mine in results.items():
        for second, other in results.items():
            assert np.array_equal(mine, other) == (first == second), f"{name} {first} and {second}"


def test_method_chooses_the_stylizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.api.load", lambda method: SimpleNamespace(method=f"what {method} loads"))
    for method in METHODS:
        styles = [Picture(picture(4, 4, 1))] if options_of(method).takes_styles else []
        with pytest.raises(OptionError, match=f"is of what {method} loads$"):
            paint(Picture(picture(4, 4, 0)), styles, StylizeOptions(method=method))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named(name: str, value: Any) -> None:
    method = next(iter(FIELDS[name])) if name in FIELDS else DEFAULT
    with pytest.raises(OptionError, match=rf"^{name}\b") as caught:
        StylizeOptions(**{"method": method, name: value})
    assert "\n" not in str(caught.value)
    if name in FIELDS:
        with pytest.raises(ValueError, match=name):
            replace(StylizeOptions(method), **{name: value})


def test_limits_are_stated() -> None:
    with pytest.raises(OptionError, match=r"style_scale is 11, but must be from 0\.05 to 10"):
        StylizeOptions(style_scale=11)
    with pytest.raises(OptionError, match="pooling is 'avg', but must be one of average, max"):
        GatysOptions(pooling="avg")
    with pytest.raises(OptionError, match=r"steps is 1\.5, but must be a whole number"):
        GatysOptions(steps=1.5)  # type: ignore[arg-type]


def test_what_only_painting_can_know_is_named_too(stylizers: Stylizers, tmp_path: Path) -> None:
    for name in ("content_layers", "style_layers", "attention_layers"):
        with pytest.raises(OptionError, match=rf"{name} names 'relu9_1'; the layers are relu1_1, .*relu5_1"):
            painted(stylizers, **SHORT, **{name: "relu1_1,relu9_1"})
    with pytest.raises(PictureError, match=r"nowhere\.png"):
        painted(stylizers, **SHORT, init=str(tmp_path / "nowhere.png"))
    content, style = (torch.from_numpy(picture(4, 4, seed)) for seed in (0, 1))
    with pytest.raises(
        OptionError, match=r"init is 'nowhere\.png', but must be content, noise, grey or a picture file"
    ):
        stylizers["gatys lite"](content, [style], StylizeOptions(**SHORT, init="nowhere.png"))


def test_presets_fill_in_what_is_not_given() -> None:
    for name, values in PRESETS.items():
        resolved = GatysOptions(preset=name).resolved()
        assert {key: getattr(resolved, key) for key in values} == dict(values)
        assert GatysOptions(preset=name, steps=7, scales=1).resolved() == replace(resolved, steps=7, scales=1)
    # None is the photo's own size, and all memory that is free.
    unset = {item.name for item in choosable(GatysOptions) if item.default is None} - {"size", "max_memory"}
    assert all(set(values) == unset for values in PRESETS.values())


def test_blend_weights() -> None:
    assert StylizeOptions().blend_weights(4) == (0.25,) * 4
    assert StylizeOptions(style_blend="3, 1").blend_weights(2) == (0.75, 0.25)


def test_the_papers_presets_are_the_papers() -> None:
    for name, earlier in zip(OF_PAPERS, ("paper-001", "paper-001-letter", "paper-002"), strict=True):
        papers = GatysOptions(preset=name)
        assert papers == GatysOptions(preset=earlier)
        assert (papers.chosen("style_loss"), papers.chosen("content_colours")) == ("gram", "own")
        assert papers.layers("style_layers") == {f"relu{block}_1": 1.0 for block in range(1, 6)}


def test_the_letter_of_paper_001_is_its_text() -> None:
    """Equations 1 and 3, a white noise image, total variation; its figures' weights, steps and optimiser."""
    letter, figures = (GatysOptions(preset=name).by_preset() for name in ("paper-attention-letter", "paper-attention"))
    different = {name: value for name, value in letter.items() if value != figures[name]}
    assert different.pop("tv_weight") > 0
    assert different == {"convention": "half-mean", "init": "noise"}


def test_layers() -> None:
    options = GatysOptions(style_layers=" relu1_1, relu2_1:0.5 ,")
    assert options.layers("style_layers") == {"relu1_1": 1.0, "relu2_1": 0.5}


# What would change nothing is refused, so that nobody waits for its effect.
def other(name: str) -> Any:
    default = next(iter(FIELDS[name].values())).default
    return next(value for value in CHANGES[name][1] if value != default)


@pytest.mark.parametrize("name", FIELDS)
def test_what_a_method_has_not_is_refused(name: str) -> None:
    owners = list(FIELDS[name])
    for method in METHODS:
        choices = {"method": method, name: other(name)}
        if method in owners:
            assert getattr(StylizeOptions(**choices), name) == other(name)
            continue
        plural = "s" if len(owners) > 1 else ""
        with pytest.raises(OptionError, match=f"^{name} is for the method{plural} {', '.join(owners)}.*is {method}"):
            StylizeOptions(**choices)
        # Of a record that holds every option there is.
        usual = next(iter(FIELDS[name].values())).default
        assert StylizeOptions(method, **{name: usual}) == StylizeOptions(method)


@pytest.mark.parametrize(
    "name", [item.name for item in choosable(GatysOptions) if item.name not in AdaINOptions.__dataclass_fields__]
)
def test_what_only_the_refiner_has_is_for_refining(name: str) -> None:
    if name in GatysOptions.set_by_refining:
        with pytest.raises(OptionError, match=f"^{name} cannot be chosen when refining"):
            StylizeOptions(refine=3, **{name: other(name)})
        return
    options = StylizeOptions(refine=3, **{name: other(name)})
    refined = refinement(options)
    assert isinstance(refined, GatysOptions)
    assert getattr(refined, name) == other(name)
    assert (refined.method, refined.steps, refined.scales) == (REFINER, 3, 1)
    assert options.to_json()[name] == other(name)
    assert StylizeOptions(**options.to_json()) == options


def test_quality_is_a_number_of_refinement_steps() -> None:
    assert [StylizeOptions(quality=name).refinement_steps for name in QUALITIES] == [0, 20, 60]
    finer = refinement(StylizeOptions(quality="finer", tv_weight=0.5))
    assert finer == refinement(StylizeOptions(refine=20, tv_weight=0.5))
    # The number that is given counts more.
    assert refinement(StylizeOptions(quality="finer", refine=3)) == refinement(StylizeOptions(refine=3))
    assert refinement(StylizeOptions()) is None
    with pytest.raises(OptionError, match=r"^steps cannot be chosen when refining"):
        StylizeOptions(quality="finer", steps=3)


@pytest.mark.parametrize(
    ("name", "message"),
    [("strenght", "; did you mean 'strength'?"), ("pretes", "; did you mean 'preset'?"), ("xyz", "$")],
)
def test_an_option_that_there_is_not(name: str, message: str) -> None:
    for refuse in (StylizeOptions, partial(impasto.stylize, picture(8, 8, 0), picture(8, 8, 1))):
        with pytest.raises(OptionError, match=f"no option '{name}'{message}"):
            refuse(**{name: 1})


def test_a_method_that_there_is_not() -> None:
    with pytest.raises(OptionError, match=r"method is 'gaty', but must be one of adain, .*; did you mean 'gatys'\?"):
        StylizeOptions("gaty")


def test_colours_of_a_translation(stylizers: Stylizers) -> None:
    assert not np.array_equal(painted(stylizers, **TRANSLATION), painted(stylizers, **TRANSLATION, colour="keep"))
    with pytest.raises(OptionError, match="colour is 'match', but must be one of style, keep"):
        StylizeOptions(**TRANSLATION, colour="match")


def test_how_many_styles_make_sense() -> None:
    assert StylizeOptions().takes_styles
    StylizeOptions().check_styles(2, masks=2)
    StylizeOptions(**TRANSLATION).check_styles(0)
    with pytest.raises(OptionError, match="masks say where styles go, but the method cyclegan is shown none"):
        StylizeOptions(**TRANSLATION).check_styles(0, masks=1)

"""What `--methods` may say."""

from pathlib import Path

import pytest

from impasto.comparison.entries import REFINE_STEPS, parse
from impasto.errors import OptionError


def test_methods_and_their_settings():
    adain, refined, gatys, own = parse(
        "adain, adain+refine:strength=0.5,gatys+draft:steps=7:tv-weight=0,cyclegan:weights=g.safetensors:size=64",
        {"size": 256, "encoder": "lite"},
    )
    assert (adain.options.method, adain.options.size, adain.weights) == ("adain", 256, None)
    assert (refined.options.refine, refined.options.strength) == (REFINE_STEPS, 0.5)
    assert (gatys.options.preset, gatys.options.steps, gatys.options.tv_weight) == ("draft", 7, 0.0)
    # An option of another method, such as the encoder for cyclegan, is not handed on.
    assert (own.options.size, own.weights) == (64, Path("g.safetensors"))
    assert parse("adain+finer", {})[0].options.quality == "finer"
    assert gatys.slug == "gatys_draft_steps=7_tv-weight=0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names none"),
        ("gatsy", "method is 'gatsy'"),
        ("adain+fine", r"\+fine in adain\+fine is unknown; there are \+refine, \+instant, \+finer"),
        ("adain:strengths=1", "did you mean 'strength'"),
        ("adain:method=gatys", "no option 'method'"),
        ("adain:strength", "not of the form option=value"),
        ("gatys:steps=many", "steps in gatys:steps=many is 'many', but must be a number"),
        ("adain:strength=9", "strength is 9"),
        ("adain:steps=9", "steps is for the method gatys"),
        ("adain,adain:strength=1.0", "adain and adain:strength=1.0 are the same"),
    ],
)
def test_what_makes_no_sense_is_refused(text, said):
    with pytest.raises(OptionError, match=said):
        parse(text, {})

"""Controls of the page, against what the options say of themselves."""

import asyncio

import gradio as gr
import pytest
from wishes import another

from impasto.errors import OptionError
from impasto.methods import StylizeOptions, applies, every_field
from impasto.service import Offer
from impasto.web.page.controls import FROM_STYLES, FRONT, Controls


@pytest.fixture(scope="module")
def controls(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    weights.touch()
    return asyncio.run(built(Offer(weights={"vgg19": weights, "cyclegan": weights})))


async def built(offer):
    # Without an event loop, gradio begins one that nobody closes.
    with gr.Blocks(analytics_enabled=False):
        made = Controls(offer)
        made.front()
        made.rest()
    return made


def values_of(controls, **changed):
    values = {control: control.value for control in controls.all}
    return values | {controls.shown[name]: value for name, value in changed.items()}


def test_every_option_that_can_be_chosen_has_a_control(controls):
    one = {name for name, owners in every_field().items() if len(controls.offer.choices(owners.popitem()[1])) == 1}
    assert set(controls.shown) == {"method", *every_field()} - one - set(FROM_STYLES)
    assert [name for name in controls.shown if name in FRONT] == list(FRONT)


def test_an_option_without_a_choice_has_none():
    made = asyncio.run(built(Offer()))
    assert "encoder" not in made.shown
    assert [value for _, value in made.shown["method"].choices] == ["adain", "gatys"]
    assert made.chosen(values_of(made)) == StylizeOptions()


def test_words_ranges_and_defaults_are_the_options_own(controls):
    for name, control in controls.shown.items():
        item = controls.fields[name]
        help_text = item.metadata["help"]
        assert control.info.startswith(help_text[0].upper() + help_text[1:])
        assert control.label.lower().startswith(name.replace("_", " "))
        words = controls.offer.choices(item)
        if words:
            assert tuple(value for _, value in control.choices if value) == words
            assert control.value == (item.default or "")
        elif isinstance(control, gr.Slider):
            ends = item.metadata["minimum"], item.metadata["maximum"], item.default
            assert (control.minimum, control.maximum, control.value) == ends
        else:
            assert str(control.value) == ("" if item.default is None else str(item.default))


def test_untouched_controls_are_the_default_options(controls):
    assert controls.chosen(values_of(controls)) == StylizeOptions()


@pytest.mark.parametrize("method", ["adain", "gatys", "cyclegan"])
def test_what_has_no_effect_with_a_method_is_hidden_and_not_used(controls, method):
    values = values_of(controls, method=method, strength=0.5, steps="7", direction="B2A")
    seen = {name for name, control in controls.shown.items() if controls.visibility(values)[control]["visible"]}
    assert seen == {"method"} | {name for name in controls.fields if applies(name, method, refines=False)}
    own = {"adain": {"strength": 0.5}, "gatys": {"steps": 7}, "cyclegan": {"direction": "B2A"}}[method]
    assert controls.chosen(values) == StylizeOptions(method, **own)


def test_refining_brings_what_it_can_use(controls):
    for choices in ({"refine": 5}, {"quality": "finer"}):
        values = values_of(controls, **choices, style_weight="3.5", steps="9")
        assert controls.chosen(values) == StylizeOptions(**choices, style_weight=3.5)
        seen = controls.visibility(values)
        assert seen[controls.shown["style_weight"]]["visible"]
        assert not seen[controls.shown["steps"]]["visible"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"strength": 5}, "strength is 5, but must be from 0 to 3"),
        ({"size": "wide"}, "size is 'wide', but must be a whole number"),
        ({"colour": "rainbow"}, "colour is 'rainbow', but must be one of"),
        ({"method": "gatys", "init": "/etc/passwd"}, "init is '/etc/passwd', but on this server must be one of"),
        ({"decoder": "/etc/passwd"}, "decoder is '/etc/passwd', but on this server must be one of"),
    ],
)
def test_what_no_control_sends_is_refused(controls, changed, said):
    with pytest.raises(OptionError, match=said):
        controls.chosen(values_of(controls, **changed))


def test_every_option_goes_into_a_control_and_out_again(controls):
    """Through the controls and back: what a painting's settings do when they are used again."""
    for name, owners in every_field().items():
        if name not in controls.shown:
            continue
        method, item = next(iter(owners.items()))
        options = StylizeOptions(method, **{name: another(controls.offer, item)})
        updates = controls.filled(options)
        assert updates[controls.shown[name]]["visible"]
        assert controls.chosen({control: updates[control]["value"] for control in controls.all}) == options

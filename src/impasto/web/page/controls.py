"""Controls for the options, made from what the options say of each: no label, range or default stands here."""

from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, make_dataclass
from typing import Any

import gradio as gr

from impasto.methods import METHODS, applies, every_field, options_of
from impasto.options import Options, kinds_of, option
from impasto.service import Offer

FRONT = ("method", "strength", "colour", "quality", "preset", "size", "seed")
"""What most people want to choose, in this order; everything else is one click away."""
FROM_STYLES = ("style_blend",)
"""What the weights beside the chosen styles say."""

FEW = 3
"""Choices that are shown side by side."""
LONGEST_SLIDER = 1000
"""Between the ends of what is chosen by sliding."""
STEP = 0.05
EXACT = 2**53
"""Up to here a browser's numbers are whole."""


class Controls:
    """The options of what a server offers. shown: {option: its control}; one without a choice has none."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.fields = {
            name: item
            for name, item in _every(offer).items()
            if name not in FROM_STYLES and len(offer.choices(item)) != 1
        }
        self.shown: dict[str, Any] = {}

    def front(self) -> None:
        """Build those in front, where gradio is building now."""
        self._build(name for name in FRONT if name in self.fields)

    def rest(self) -> None:
        """Build all others."""
        self._build(name for name in self.fields if name not in FRONT)

    @property
    def all(self) -> list[Any]:
        return list(self.shown.values())

    def chosen(self, values: Mapping[Any, Any], **more: Any) -> Options:
        """The options by the controls' values; of those that have no effect with the method, the values are not used.

        Raises OptionError.
        """
        given = {name: values[control] for name, control in self.shown.items()}
        applying = {name: value for name, value in given.items() if self._is_for(name, given)}
        return self.offer.chosen({**applying, **more})

    def method(self, values: Mapping[Any, Any]) -> str:
        """The method that is chosen, which has no control where there is but one."""
        return str(values[self.shown["method"]]) if "method" in self.shown else self.offer.default

    def visibility(self, values: Mapping[Any, Any]) -> dict[Any, Any]:
        """{control: update} that shows those that have an effect."""
        given = {name: values[control] for name, control in self.shown.items() if control in values}
        return {control: gr.update(visible=self._is_for(name, given)) for name, control in self.shown.items()}

    def filled(self, options: Options) -> dict[Any, Any]:
        """{control: update} that shows these options."""
        usual = {name: self.fields[name].default for name in self.shown}
        values = usual | {name: value for name, value in options.to_json().items() if name in self.shown}
        return {
            control: gr.update(value=_shown(self.fields[name], values[name]), visible=self._is_for(name, values))
            for name, control in self.shown.items()
        }

    def _build(self, names: Iterable[str]) -> None:
        defaults = {name: item.default for name, item in self.fields.items()}
        for name in names:
            item = self.fields[name]
            visible = self._is_for(name, defaults)
            self.shown[name] = control(item, self.offer.choices(item), visible=visible, elem_id=f"option-{name}")

    def _is_for(self, name: str, given: Mapping[str, Any]) -> bool:
        method = given.get("method", self.offer.default)
        asks = [n for n in options_of(method).refined_by if given.get(n, usual := self.fields[n].default) != usual]
        return name == "method" or applies(name, method, refines=bool(asks))


def _every(offer: Offer) -> "dict[str, Field[Any]]":
    """{option: field} of all methods together; the method itself is the first."""
    method = option(offer.default, "how the picture is painted", choices=tuple(METHODS))
    (chosen,) = fields(make_dataclass("Method", [("method", str, method)]))
    offered = {name for one in offer.methods for name in offer.options(one)}
    return {"method": chosen} | {n: next(iter(o.values())) for n, o in every_field().items() if n in offered}


def control(item: "Field[Any]", words: tuple[str, ...], **how: Any) -> Any:
    """The control of one option. words: what it may be on this server, if it is one of several."""
    limits, kind, value = item.metadata, kinds_of(item)[0], _shown(item, item.default)
    how = {"label": label(item), "info": info(item), "interactive": True, **how}
    low, high, is_whole = limits["minimum"], limits["maximum"], kind == (int,)
    if words:
        choices = [(_not_given(item), ""), *zip(words, words, strict=True)] if item.default is None else list(words)
        return (gr.Radio if len(choices) <= FEW else gr.Dropdown)(choices, value=value, **how)
    # gradio takes an empty number for 0, and a browser has no whole numbers beyond EXACT.
    if str in kind or item.default is None or (is_whole and high is not None and high > EXACT):
        return gr.Textbox(value=value, max_lines=1, **how)
    if _slides(item):
        return gr.Slider(low, high, value=value, step=1 if is_whole else STEP, **how)
    # Its range stands in the help, and what is outside is refused with impasto's own words.
    return gr.Number(value=value, precision=0 if is_whole else None, **how)


def label(item: "Field[Any]") -> str:
    """The option's name as words, and its unit."""
    unit = {"px": " (pixels)"}.get(item.metadata["unit"], "")
    return f"{item.name.replace('_', ' ').capitalize()}{unit}"


def info(item: "Field[Any]") -> str:
    """Its help, with a range that its control does not show."""
    limits, text = item.metadata, str(item.metadata["help"])
    low, high = limits["minimum"], limits["maximum"]
    if high is not None and high <= LONGEST_SLIDER and not _slides(item):
        text += f" ({low:g} to {high:g})"
    return f"{text[0].upper()}{text[1:]}"


def _slides(item: "Field[Any]") -> bool:
    value: Any = item.default
    low, high = item.metadata["minimum"], item.metadata["maximum"]
    if value is None or low is None or high is None or high - low > LONGEST_SLIDER:
        return False
    return isinstance(value, int) or all(abs(one / STEP - round(one / STEP)) < 1e-6 for one in (low, value))


def _not_given(item: "Field[Any]") -> str:
    return "not chosen" if item.name == "size" else "as the preset has it"


def _shown(item: "Field[Any]", value: Any) -> Any:
    """A value as a control holds it."""
    high = item.metadata["maximum"]
    is_text = item.default is None or (kinds_of(item)[0] == (int,) and high is not None and high > EXACT)
    return "" if value is None else str(value) if is_text else value

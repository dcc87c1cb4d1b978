"""What a column of a comparison is: a method and how it is set."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import OptionError, suggestion
from impasto.methods import DEFAULT, REFINER, StylizeOptions, every_field, fields_of, options_of
from impasto.options import Options, choosable, kinds_of

# Steps of `+refine`: where the loss of refinement has fallen by most of what it ever will.
REFINE_STEPS = 50

WEIGHTS = "weights"

SHORT = ("quality", "preset")
"""Options whose choices can stand alone, behind a +."""


@dataclass(frozen=True)
class Entry:
    """name: as it was written. weights: a file of the method's own, such as what its training wrote."""

    name: str
    options: Options
    weights: Path | None = None

    @property
    def slug(self) -> str:
        return "".join(sign if sign.isalnum() or sign in "-.=" else "_" for sign in self.name)


def parse(text: str, shared: Mapping[str, Any]) -> list[Entry]:
    """'adain,adain+refine,gatys:steps=50:tv_weight=0' as entries.

    METHOD, then any of +refine (50 steps of refinement), +QUALITY or +PRESET, as far as the method has them, then
    :OPTION=VALUE for any option of `impasto stylize`, and :weights=FILE. shared: options of all entries that have them.
    Raises OptionError for anything else, and for two entries of one meaning.
    """
    entries = [_entry(part.strip(), shared) for part in text.split(",") if part.strip()]
    if not entries:
        raise OptionError(f"methods names none; --methods {DEFAULT},{REFINER} compares two")
    for number, entry in enumerate(entries):
        for other in entries[:number]:
            if (entry.options, entry.weights) == (other.options, other.weights):
                raise OptionError(f"methods: {other.name} and {entry.name} are the same")
            if entry.slug.lower() == other.slug.lower():
                raise OptionError(f"methods: {other.name} and {entry.name} would be written to the same files")
    return entries


def _entry(word: str, shared: Mapping[str, Any]) -> Entry:
    head, *settings = word.split(":")
    method, *shorts = head.split("+")
    try:
        options_of(method)
    except OptionError as error:
        raise OptionError(f"methods: {word}: {error}") from None
    chosen: dict[str, Any] = {"method": method}
    weights = None
    for short in shorts:
        chosen |= _short(short, method, word)
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise OptionError(f"methods: '{setting}' in {word} is not of the form option=value")
        if name == WEIGHTS:
            weights = Path(value).expanduser()
        else:
            chosen[name] = _value(name, value, word)
    try:
        given = {name: value for name, value in shared.items() if name in fields_of(method)}
        return Entry(word, StylizeOptions(**(given | chosen)), weights)
    except OptionError as error:
        raise OptionError(f"methods: {word}: {error}") from None


def _short(short: str, method: str, word: str) -> dict[str, Any]:
    """A choice of one of the method's options by its name alone."""
    known = {"refine": {"refine": REFINE_STEPS}} if options_of(method).refined_by else {}
    for item in choosable(options_of(method)):
        if item.name in SHORT:
            known |= {choice: {item.name: choice} for choice in (*item.metadata["choices"], *item.metadata["aliases"])}
    if short not in known:
        there = f"there are {', '.join(f'+{name}' for name in known)}" if known else f"{method} has none"
        raise OptionError(f"methods: +{short} in {word} is unknown; {there}")
    return known[short]


def _value(name: str, text: str, word: str) -> Any:
    owners = every_field()
    if name not in owners:
        raise OptionError(f"methods: no option '{name}' in {word}{suggestion(name, owners)}")
    kind = kinds_of(next(iter(owners[name].values())))[0][-1]
    try:
        return kind(text)
    except ValueError:
        raise OptionError(f"methods: {name} in {word} is '{text}', but must be a number") from None

"""Any field of a recipe by its name, as `impasto train --set` takes it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from impasto.errors import OptionError, suggestion

Config = TypeVar("Config")

_WORDS: Mapping[Any, Mapping[str, Any]] = {bool: {"true": True, "false": False}, NoneType: {"none": None}}

AT_LEAST_ONE = ("batch", "accumulate", "crop", "shorter", "discriminator_steps", "steps", "epochs", "every")
"""Of whole numbers; all others may be 0."""


def with_settings(config: Config, given: Sequence[str]) -> Config:
    """The config, a dataclass that may hold others, with `NAME=VALUE` for each of `given`.

    NAME: of a field, or 'generator.width' of one in a field; the outer part may be left out where only one has it.
    Raises OptionError for what there is not, and for a value that is not of the field's kind.
    """
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise OptionError(f"--set is '{text}', but must be NAME=VALUE, like batch=4")
        config = _replaced(config, _place(config, name.strip()), name.strip(), value.strip())
    return config


def shown(config: Any, indent: str = "") -> Iterator[str]:
    """Lines of YAML with every field, and behind it what it may be."""
    import yaml

    hints = get_type_hints(type(config))
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            yield f"{indent}{field.name}:  # {type(value).__name__}"
            yield from shown(value, f"{indent}  ")
        else:
            plain = list(value) if isinstance(value, tuple) else value
            # Of a single value, the second line ends the document.
            text = yaml.safe_dump(plain, default_flow_style=True, width=1000).splitlines()[0]
            yield f"{indent}{field.name}: {text}  # {_said(hints[field.name])}"


def _places(config: Any, outer: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            yield from _places(value, (*outer, field.name))
        else:
            yield (*outer, field.name)


def _place(config: Any, name: str) -> tuple[str, ...]:
    places = {".".join(place): place for place in _places(config)}
    if name in places:
        return places[name]
    inner = [full for full, place in places.items() if place[-1] == name]
    if len(inner) == 1:
        return places[inner[0]]
    if inner:
        raise OptionError(f"--set {name} could be {' or '.join(inner)}; say which one")
    known = [*places, *(place[-1] for place in places.values())]
    hint = suggestion(name, known, otherwise=f"; there are {', '.join(places)}")
    raise OptionError(f"--set names '{name}', which the recipe has not{hint}")


def _replaced(config: Any, place: tuple[str, ...], name: str, text: str) -> Any:
    first, *rest = place
    if rest:
        return replace(config, **{first: _replaced(getattr(config, first), tuple(rest), name, text)})
    kind = get_type_hints(type(config))[first]
    try:
        value = _parsed(kind, text)
    except ValueError:
        raise OptionError(f"--set {name} is '{text}', but must be {_said(kind)}") from None
    least = int(first in AT_LEAST_ONE)
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int | float) and not (number >= least and isfinite(number)):
            raise OptionError(f"--set {name} is {text}, but must be {least} or more")
    return replace(config, **{first: value})


def _parsed(kind: Any, text: str) -> Any:
    """Raises ValueError for a text that is no value of this kind."""
    words: Mapping[str, Any] = _WORDS.get(kind, {})
    if get_origin(kind) is Literal:
        words = {str(value): value for value in get_args(kind)}
    if text in words:
        return words[text]
    if get_origin(kind) in (Union, UnionType):
        for one in get_args(kind):
            with suppress(ValueError):
                return _parsed(one, text)
        raise ValueError
    if get_origin(kind) is tuple:
        parts, kinds = text.split(","), get_args(kind)
        if kinds[1:] == (Ellipsis,):
            kinds = kinds[:1] * len(parts)
        return tuple(_parsed(one, part.strip()) for one, part in zip(kinds, parts, strict=True))
    if kind in (int, float, str):
        return kind(text)
    raise ValueError


def _said(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_said(one) for one in get_args(kind))
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return "values separated by commas"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", NoneType: "none"}
    return names.get(kind, "a value of another kind")

"""Command-line flags made from an options dataclass, so that every default, range and help text is written once."""

from collections.abc import Collection
from dataclasses import Field, field, fields, make_dataclass
from functools import partial
from typing import Annotated, Any, get_type_hints

from cyclopts import Group, Parameter


def flags(options: type, group: str, *, without: Collection[str] = ()) -> type:
    """A dataclass for cyclopts with one flag per field of `options`; None stands for a flag that is not given.

    Each field of `options` is made by `impasto.options.option`. The default is shown but not set, so that `given` can
    tell a choice from a default. group: the heading in `--help`. without: fields that get no flag.
    """
    hints = get_type_hints(options)
    heading = Group.create_ordered(group)
    members: list[tuple[str, Any, Any]] = [
        (item.name, Annotated[hints[item.name] | None, _parameter(item, heading)], field(default=None))
        for item in fields(options)
        if item.name not in without
    ]
    made = make_dataclass(f"{options.__name__}Flags", members, frozen=True, kw_only=True)
    # cyclopts takes a class apart into flags only if it does not look like a built-in one.
    made.__module__ = __name__
    return made


def given(chosen: Any) -> dict[str, Any]:
    """{option: value} of the flags that were given."""
    values = {item.name: getattr(chosen, item.name) for item in fields(chosen)}
    return {name: value for name, value in values.items() if value is not None}


def flag_of(name: str) -> str:
    """'style_weight' -> '--style-weight'."""
    return "--" + name.replace("_", "-")


def in_flags(message: str, options: type) -> str:
    """An OptionError's message, which begins with an option's name, as the command line calls that option."""
    first, space, rest = message.partition(" ")
    name = first.rstrip(":")
    known = {item.name for item in fields(options)}
    return f"{flag_of(name)}{first[len(name) :]}{space}{rest}" if name in known else message


def _parameter(item: "Field[Any]", group: Group) -> Parameter:
    limits = item.metadata
    shown = item.default not in (None, "")
    return Parameter(
        help=limits["help"] + _range(limits["minimum"], limits["maximum"]),
        choices=limits["choices"] or None,
        metavar=limits["unit"].upper() or None,
        show_default=partial(_shown, item.default) if shown else False,
        group=group,
    )


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return "" if high is None else f" ({high:,} or less)"
    return f" ({low:,} or more)" if high is None else f" ({low:,} to {high:,})"


def _shown(default: Any, _: Any) -> str:
    return str(default)

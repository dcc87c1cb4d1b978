"""`impasto info`: how a picture was painted, as the picture itself says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from impasto.cli.terminal import write


def info(
    picture: Annotated[Path, Parameter(help="a picture that impasto painted")],
    /,
    *,
    json: Annotated[bool, Parameter(help="print the record as JSON, nothing else")] = False,
) -> int:
    """Show how a picture was painted."""
    # Pillow is not needed to explain wrong usage.
    from impasto.record import opened, read_record, to_text

    if json:
        write(to_text(read_record(picture)))
        return 0
    with opened(picture) as file:
        kind = f"{picture}: {file.format}, {file.width} x {file.height} pixels"
    write(kind)
    record = read_record(picture)
    for line in _lines(_with_preset(record)):
        write(line)
    if "options" in record:
        write(f"The same again: impasto stylize CONTENT --like {picture}")
    return 0


def _with_preset(record: dict[str, Any]) -> dict[str, Any]:
    """The record as it is shown: what the preset decided among the options."""
    decided, options = record.get("by_preset"), record.get("options")
    if not isinstance(decided, dict) or not isinstance(options, dict):
        return record
    chosen = {name: f"{value}, by the preset" for name, value in decided.items() if options.get(name) is None}
    return {name: value for name, value in record.items() if name != "by_preset"} | {"options": options | chosen}


def _lines(values: dict[str, Any], indent: str = "  ") -> Iterator[str]:
    """'name  value' in two columns; what is inside of a value stands below it, further in."""
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name:{width}}  {_text(name, value)}"


def _text(name: str, value: Any) -> str:
    if name == "size" and isinstance(value, list):
        return " x ".join(map(str, value))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None or value == "":
        return "not given"
    return str(value)

"""`impasto info`: how a picture was painted, as the picture itself says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from impasto.cli.terminal import write
from impasto.errors import from_extra
from impasto.video.options import FILMS


def info(
    picture: Annotated[Path, Parameter(help="a picture or a film that impasto painted")],
    /,
    *,
    json: Annotated[bool, Parameter(help="print the record as JSON, nothing else")] = False,
) -> None:
    """Show how a picture was painted."""
    # Pillow is not needed to explain wrong usage.
    from impasto import record as records

    describe: Callable[[Path], str] = _described
    read: Callable[[Path], dict[str, Any]] = records.read_record
    is_film = picture.suffix.lower() in FILMS
    if is_film:
        with from_extra("video", "reading films"):
            from impasto.video import reading
        describe, read = reading.describe, reading.read_record
    if json:
        write(records.to_text(read(picture)))
        return
    write(f"{picture}: {describe(picture)}")
    record = read(picture)
    for line in _lines(_with_preset(record)):
        write(line)
    if "options" in record and not is_film:
        write(f"The same again: impasto stylize CONTENT --like {picture}")


def _described(picture: Path) -> str:
    from impasto.record import opened

    with opened(picture) as file:
        return f"{file.format}, {file.width} x {file.height} pixels"


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
        return ", ".join(str(item) for item in value if item != "")
    if value is None or value == "":
        return "not given"
    return str(value)

"""`impasto compare`: several methods on the same pictures, side by side."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from impasto.cli.failures import Failure, SomeFailedError
from impasto.cli.flags import Device, check_least
from impasto.cli.pictures import find_contents, find_painting, left_out
from impasto.cli.terminal import Screen
from impasto.comparison.entries import parse
from impasto.errors import ImpastoError, OptionError
from impasto.methods import DEFAULT, REFINER

SIZE = 512


def compare(
    content: Annotated[list[str], Parameter(help="pictures, folders, globs; or mountains, still_life: impasto's own")],
    /,
    *,
    style: Annotated[tuple[str, ...], Parameter(alias="-s", help="paintings; or swirls, cubes, ink: impasto's own")],
    methods: Annotated[
        str,
        Parameter(
            help="separated by commas: METHOD, METHOD+QUALITY or METHOD+PRESET, and then any :option=value of `impasto"
            " stylize`, as in adain+finer,gatys:steps=50; :weights=FILE for a method's own file"
        ),
    ] = f"{DEFAULT},{DEFAULT}+refine,{REFINER}",
    output: Annotated[Path, Parameter(alias="-o", help="folder for the pictures, the sheet and the page")] = Path(
        "compared"
    ),
    size: Annotated[int, Parameter(metavar="PX", help="longer side of every painting; 0 is the content's own")] = SIZE,
    device: Device = "auto",
) -> None:
    """Paint every content in every style by every method, and put it side by side.

    Every method works in a process of its own, one after the other, so that its memory can be told. What an earlier
    call painted, and would be painted the same, is taken as it is.
    """
    check_least(0, size=size)
    entries = parse(methods, {"size": size or None})
    for entry in entries:
        if entry.options.needs_weights and entry.weights is None:
            raise OptionError(f"--methods: {entry.name} needs :weights=FILE, what its training wrote")
    screen = Screen()
    contents, problems = find_contents(content)
    for note in left_out(content, str(output)):
        screen.note(note)
    styles = [find_painting(word) for word in style]
    if problems and not contents:
        raise problems[0]
    _refuse_one_name([source.name for source in contents], "contents")
    _refuse_one_name([source.name for source in styles], "styles")
    from impasto import image
    from impasto.comparison.runner import Comparison

    comparison = Comparison(
        contents=[(one.name, one.path) for one in contents],
        styles=[(one.name, one.path) for one in styles],
        variants={entry.name: entry for entry in entries},
        folder=output,
        device=device,
    )
    comparison.prepare()
    failures: list[Failure] = [("", problem) for problem in problems]
    readable = []
    for source in contents:
        try:
            image.read(source.path)
            readable.append((source.name, source.path))
        except ImpastoError as error:
            failures.append((source.name, error))
    for source in styles:
        image.read(source.path)
    if not readable:
        raise failures[0][1]
    comparison.contents = readable
    with screen.counting("comparing") as count:
        comparison.run(count)
    failures += comparison.failures
    if comparison.cells:
        for path in comparison.write():
            screen.written(path)
    if failures:
        total = (len(contents) + len(problems)) * len(styles) * len(entries)
        raise SomeFailedError(failures, total, "could not be painted", count=total - len(comparison.cells))


def _refuse_one_name(names: list[str], what: str) -> None:
    stems = [Path(name).stem for name in names]
    for stem in stems:
        if stems.count(stem) > 1:
            raise OptionError(f"two {what} are called {stem}, and would be written to the same files")

"""`impasto study`: an experiment of the papers as a figure, numbers and a report in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from impasto.cli.pictures import find_contents, find_style
from impasto.cli.terminal import Screen, write
from impasto.errors import OptionError

TABLES = "paper-tables"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is painted."""

    quick: Annotated[
        bool, Parameter(help="small and short, to see that it works: under a minute", show_default=False)
    ] = False
    size: Annotated[int | None, Parameter(help="longer side of the pictures; 512 if not given")] = None
    steps: Annotated[int | None, Parameter(help="optimisation steps; the paper's if not given")] = None
    values: Annotated[
        str, Parameter(help="numbers, separated by commas, instead of the study's own: the ratios of ratio-sweep")
    ] = ""


@dataclass(frozen=True, kw_only=True)
class Network:
    """What sees the pictures."""

    encoder: Annotated[str | None, Parameter(help="lite or vgg19; lite if not given")] = None
    weights: Annotated[Path | None, Parameter(help="file of weights for the encoder vgg19")] = None
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1, mps")] = "auto"


def study(
    name: Annotated[str, Parameter(help="the study; without one they are listed")] = "",
    /,
    *,
    content: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, help="pictures, folders, or impasto's own")
    ] = (),
    style: Annotated[tuple[str, ...], Parameter(alias="-s", consume_multiple=True, help="paintings")] = (),
    output: Annotated[
        Path | None, Parameter(alias="-o", help="folder for the outcome; study-NAME if not given")
    ] = None,
    evaluated: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            metavar="ROW=FILE",
            help="for paper-tables: evaluation.json of `impasto evaluate --run` and the row that it belongs to, as in"
            " Horse2zebra/CycleGAN=run/evaluation/evaluation.json",
        ),
    ] = (),
    scale: Annotated[Scale, Parameter(name="*")] = Scale(),
    network: Annotated[Network, Parameter(name="*")] = Network(),
) -> int:
    """Every content goes with every style; impasto's own pictures if none are given."""
    from impasto.studies import STUDIES, Settings, run
    from impasto.studies.runner import QUICK

    if not name:
        for known, entry in STUDIES.items():
            write(f"{known:22} {entry.source}. {entry.question}")
        write(f"{TABLES:22} Paper 003, Tables 1 and 2. What do trained runs reach, beside the published figures?")
        return 0
    if name == TABLES:
        return _tables(evaluated, output or Path(f"study-{TABLES}"))
    if evaluated:
        raise OptionError(f"--evaluated is for {TABLES}, which {name} is not")
    if name not in STUDIES:
        raise OptionError(f"no study '{name}'; there are {', '.join([*STUDIES, TABLES])}")
    chosen = _with_values(STUDIES[name], name, scale.values)
    wanted = {"size": scale.size, "steps": scale.steps, "encoder": network.encoder}
    choices = {**(QUICK if scale.quick else {}), **{key: value for key, value in wanted.items() if value is not None}}
    contents, styles = _read(content or ("mountains",)), _read([find_style(word).path for word in style or ("swirls",)])
    settings = Settings(choices=choices, device=network.device, weights=network.weights)
    folder = output or Path(f"study-{name}")
    screen = Screen()
    with screen.counting(name) as count:
        report = run(chosen, name, contents, styles, folder, settings, count)
    screen.result(str(report))
    return 0


def _tables(evaluated: Sequence[str], folder: Path) -> int:
    from impasto.studies.paper_tables import assemble

    files: dict[str, Path] = {}
    for word in evaluated:
        row, equals, file = word.partition("=")
        if not equals or row in files:
            raise OptionError(f"--evaluated is '{word}', but must be ROW=FILE, each row once")
        files[row] = Path(file)
    for path in assemble(files, folder):
        write(str(path))
    return 0


def _with_values(chosen: Any, name: str, text: str) -> Any:
    from dataclasses import replace

    if not text:
        return chosen
    if chosen.of_numbers is None:
        raise OptionError(f"--values are for studies of one number, which {name} is not")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--values is '{text}', but must be numbers like 1,1e3,1e6") from None
    return replace(chosen, variants=chosen.of_numbers(values))


def _read(words: Sequence[str | Path]) -> list[tuple[str, Any]]:
    """Names and pictures. Raises PictureError for the first that cannot be read."""
    from impasto import image

    sources, failures = find_contents([str(word) for word in words])
    if failures:
        raise failures[0]
    return [(source.path.stem, image.read(source.path)) for source in sources]

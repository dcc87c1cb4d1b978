"""`impasto demo`: one picture painted with nothing but what comes with impasto."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from impasto.cli.pictures import source
from impasto.cli.terminal import Screen, write
from impasto.methods import DEFAULT, REFINER, StylizeOptions
from impasto.progress import interrupt, stoppable

CONTENT, STYLE = "mountains", "swirls"
CHOICES: dict[str, Any] = {"size": 512}


def demo(
    *,
    output: Annotated[Path, Parameter(alias="-o", help="file to write; an earlier demo picture is replaced")] = Path(
        "impasto-demo.png"
    ),
    method: Annotated[str, Parameter(choices=(DEFAULT, REFINER), help="how it is painted")] = DEFAULT,
) -> int:
    """Paint the photo `mountains` in the style `swirls` with the default options, at 512 pixels."""
    # PyTorch comes in here.
    from impasto import api
    from impasto.cli.outputs import Job
    from impasto.cli.painting import Habits, Result, Studio, paint_all

    job = Job(source(CONTENT), (source(STYLE),), output)
    screen = Screen(results=False)
    results: list[Result] = []
    options = StylizeOptions(method=method, **CHOICES)
    habits = Habits(overwrite=_is_demo(output))
    inputs = [job.content.path, job.styles[0].path]
    studio = Studio(api.load(options.method, download=screen.download), options, habits, screen, inputs)
    studio.check(job)
    studio.read_styles([job])
    with stoppable(interrupt):
        failures = paint_all(studio, [job], results.append)
    for _, error in failures:
        raise error
    picture, seconds = results[0].picture, results[0].seconds or 0.0
    write(f"{output.absolute()}: {picture.width} x {picture.height} pixels, painted in {seconds:.1f} s by {method}")
    if method != REFINER:
        screen.note(f"slower and finer: impasto demo --method {REFINER}, or --quality finer with impasto stylize")
    return 0


def _is_demo(path: Path) -> bool:
    from impasto.record import find_record

    record = find_record(path) or {}
    return (record.get("content"), record.get("style")) == (CONTENT, [STYLE])

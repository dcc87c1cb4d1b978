"""`impasto demo`: one picture painted with nothing but what comes with impasto."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from impasto.cli.pictures import source
from impasto.cli.terminal import Screen, write
from impasto.device import has_torch
from impasto.errors import missing_extra
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
) -> None:
    """Paint the photo `mountains` in the style `swirls` with the default options, at 512 pixels."""
    from impasto import api
    from impasto.jobs.file_target import FileTarget
    from impasto.jobs.job import PaintJob
    from impasto.jobs.pipeline import paint
    from impasto.jobs.session import Session

    content, style = source(CONTENT), source(STYLE)
    screen = Screen(results=False)
    target = FileTarget(path=output, overwrite=_is_demo(output), inputs=[content.path, style.path])
    job = PaintJob(content, (style,), StylizeOptions(method=method, **CHOICES), target=target)
    session = Session(lambda options: api.load(options.method, download=screen.download))
    target.check(job)
    with stoppable(interrupt), screen.painting(job.title) as show:
        painted = paint(job, session, show)
    width, height, seconds = painted.picture.width, painted.picture.height, painted.seconds
    place = "in place of an earlier demo's picture, " if target.overwrite else ""
    write(f"{output.absolute()}: {place}{width} x {height} pixels, painted in {seconds:.1f} s by {method}")
    if method != REFINER:
        finer = f"impasto demo --method {REFINER}, or impasto stylize --quality finer"
        missing = not has_torch()
        screen.note(
            missing_extra(f"slower and finer ({finer})", "torch", "torch") if missing else f"slower and finer: {finer}"
        )


def _is_demo(path: Path) -> bool:
    from impasto.record import find_record

    record = find_record(path) or {}
    return (record.get("content"), record.get("style")) == (CONTENT, [STYLE])

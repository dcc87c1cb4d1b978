"""One method's share of a comparison, in a process of its own, so that its memory is nobody else's.

Reads a job as JSON from stdin and writes a line of JSON to stdout for every pair.
"""

import json
import os
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from impasto import api, image
from impasto.comparison.memory import held_bytes, peak_bytes, reset_peak
from impasto.jobs.events import Failed, Painted, Started
from impasto.jobs.job import FileSource, PaintingTarget, PaintJob
from impasto.jobs.pipeline import run
from impasto.jobs.session import Session
from impasto.methods import StylizeOptions
from impasto.options import Options
from impasto.record import Record

WARM_UP_SIDE = 32


class MeasuredTarget(PaintingTarget):
    """A file of a comparison. peak_bytes: the most memory that painting took; writing takes some, too."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number, self.peak_bytes = path, number, 0

    def write(self, picture: image.Picture, record: Record) -> None:
        self.peak_bytes = peak_bytes()
        image.write(picture, self.path, overwrite=True, record=record)


def main(source: TextIO, out: TextIO) -> int:
    """Paint the pairs of the job in `source` and tell `out` of each. One that fails does not stop the others."""
    task = json.load(source)
    options = StylizeOptions(**task["options"])
    idle = held_bytes()
    # Encoding the style counts as painting, as it does where there is one picture to paint.
    session = Session(
        lambda options: api.load(options.method, device=task["device"], weights=task["weights"]), encode_styles=False
    )
    jobs = [_job(pair, options) for pair in task["pairs"]]
    # A tiny picture first: loading networks is no part of painting, and happens once for any number.
    warm_up = replace(jobs[0], options=replace(options, size=WARM_UP_SIDE), target=None)
    for event in chain(run([warm_up], session), run(jobs, session, batch_pixels=0)):
        match event:
            case Started():
                reset_peak()
            case Painted(PaintJob(target=MeasuredTarget() as target)):
                facts = {"before_bytes": idle, "seconds": event.seconds, "peak_bytes": target.peak_bytes}
                _tell(out, {"pair": target.number, **facts})
            case Failed() if event.is_final:
                _tell(out, {"error": str(event.error), "fatal": True})
                return 1
            case Failed():
                for job in event.jobs:
                    if isinstance(job.target, MeasuredTarget):
                        _tell(out, {"pair": job.target.number, "error": str(event.error)})
    return 0


def _job(pair: dict[str, Any], options: Options) -> PaintJob:
    content, style = pair["names"]
    styles = (FileSource(Path(pair["style"]), style),) if options.takes_styles else ()
    target = MeasuredTarget(Path(pair["target"]), pair["number"])
    return PaintJob(FileSource(Path(pair["content"]), content), styles, options, target=target)


def _tell(out: TextIO, line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()


def own_stdout() -> TextIO:
    """Standard output for the lines alone: what a library prints goes to standard error from now on."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


if __name__ == "__main__":
    sys.exit(main(sys.stdin, own_stdout()))

"""One method's share of a comparison, in a process of its own, so that its memory is nobody else's."""

import logging
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from impasto import api, image
from impasto.comparison.entries import Entry
from impasto.device import peak_bytes, reset_peak, resident_memory
from impasto.jobs.job import Failed, FileSource, Painted, PaintingTarget, PaintJob, Started
from impasto.jobs.pipeline import run
from impasto.jobs.session import Session
from impasto.record import Record

WARM_UP_SIDE = 32


Pairs = Mapping[int, tuple[FileSource, FileSource, Path]]
"""{number: (content, style, file to write)}."""

Message = tuple[int | None, Mapping[str, Any] | str]
"""Number of a pair, None for all that are left; what its `PaintedCell` says of painting, or why it is not painted."""


@dataclass(eq=False)
class MeasuredTarget(PaintingTarget):
    """A file of a comparison. peak_bytes: the most memory that painting took; writing takes some, too."""

    path: Path
    number: int
    peak_bytes: int = 0

    def write(self, picture: image.Picture, record: Record) -> None:
        self.peak_bytes = peak_bytes()
        image.write(picture, self.path, overwrite=True, record=record)


def work(entry: Entry, device: str, pairs: Pairs, link: Connection) -> None:
    """What the process does: paint, and tell of each pair through the link."""
    # Ctrl-C in a terminal reaches the whole group of processes; the one that compares decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.WARNING)
    # What a library may print is nothing that was found.
    os.dup2(2, 1)
    try:
        for message in paint(entry, device, pairs):
            link.send(message)
    except Exception as error:  # noqa: BLE001  (whatever it is, the other methods go on)
        link.send((None, f"its process failed: {type(error).__name__}: {error}"))


def paint(entry: Entry, device: str, pairs: Pairs) -> Iterator[Message]:
    """Paint the pairs, and tell of each. One that fails does not stop the others."""
    idle = resident_memory() or None
    # Encoding the style counts as painting, as it does where there is one picture to paint.
    session = Session(
        lambda options: api.load(options.method, device=device, weights=entry.weights), encode_styles=False
    )
    jobs = []
    for number, (content, style, path) in pairs.items():
        styles = (style,) if entry.options.takes_styles else ()
        jobs.append(PaintJob(content, styles, entry.options, target=MeasuredTarget(path, number)))
    # A tiny picture first: loading networks is no part of painting, and happens once for any number.
    warm_up = replace(jobs[0], options=replace(entry.options, size=WARM_UP_SIDE), target=None)
    for event in chain(run([warm_up], session), run(jobs, session, batch_pixels=0)):
        match event:
            case Started():
                reset_peak()
            case Painted(PaintJob(target=MeasuredTarget() as target)):
                facts = {"seconds": event.seconds, "peak_bytes": target.peak_bytes, "before_bytes": idle}
                yield target.number, facts
            case Failed() if event.is_final:
                yield None, str(event.error)
                return
            case Failed():
                for job in event.jobs:
                    if isinstance(job.target, MeasuredTarget):
                        yield job.target.number, str(event.error)

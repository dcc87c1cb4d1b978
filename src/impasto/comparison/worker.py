"""One method's share of a comparison, in a process of its own, so that its memory is nobody else's."""

import logging
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path

from impasto import api, image
from impasto.comparison.memory import peak_bytes, reset_peak
from impasto.device import resident_memory
from impasto.jobs.events import Failed, Painted, Started
from impasto.jobs.job import FileSource, PaintingTarget, PaintJob
from impasto.jobs.pipeline import run
from impasto.jobs.session import Session
from impasto.options import Options
from impasto.record import Record

WARM_UP_SIDE = 32


@dataclass(frozen=True)
class Share:
    """What one method is to do. weights: a file of its own. pairs: {number: (content, style, file to write)}."""

    options: Options
    weights: Path | None
    device: str
    pairs: Mapping[int, tuple[FileSource, FileSource, Path]]


@dataclass(frozen=True)
class Message:
    """What became of a pair; None for all that are left. error: why it is not painted. before_bytes: as in a
    `PaintedCell`."""

    pair: int | None
    error: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0
    before_bytes: int | None = None


@dataclass(eq=False)
class MeasuredTarget(PaintingTarget):
    """A file of a comparison. peak_bytes: the most memory that painting took; writing takes some, too."""

    path: Path
    number: int
    peak_bytes: int = 0

    def write(self, picture: image.Picture, record: Record) -> None:
        self.peak_bytes = peak_bytes()
        image.write(picture, self.path, overwrite=True, record=record)


def work(share: Share, link: Connection) -> None:
    """What the process does: paint, and tell of each pair through the link."""
    # Ctrl-C in a terminal reaches the whole group of processes; the one that compares decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.WARNING)
    # What a library may print is nothing that was found.
    os.dup2(2, 1)
    try:
        for message in paint(share):
            link.send(message)
    except Exception as error:  # noqa: BLE001  (whatever it is, the other methods go on)
        link.send(Message(None, f"its process failed: {type(error).__name__}: {error}"))


def paint(share: Share) -> Iterator[Message]:
    """Paint the pairs, and tell of each. One that fails does not stop the others."""
    idle = resident_memory() or None
    # Encoding the style counts as painting, as it does where there is one picture to paint.
    session = Session(
        lambda options: api.load(options.method, device=share.device, weights=share.weights), encode_styles=False
    )
    jobs = []
    for number, (content, style, path) in share.pairs.items():
        styles = (style,) if share.options.takes_styles else ()
        jobs.append(PaintJob(content, styles, share.options, target=MeasuredTarget(path, number)))
    # A tiny picture first: loading networks is no part of painting, and happens once for any number.
    warm_up = replace(jobs[0], options=replace(share.options, size=WARM_UP_SIDE), target=None)
    for event in chain(run([warm_up], session), run(jobs, session, batch_pixels=0)):
        match event:
            case Started():
                reset_peak()
            case Painted(PaintJob(target=MeasuredTarget() as target)):
                yield Message(target.number, "", event.seconds, target.peak_bytes, idle)
            case Failed() if event.is_final:
                yield Message(None, str(event.error))
                return
            case Failed():
                for job in event.jobs:
                    if isinstance(job.target, MeasuredTarget):
                        yield Message(job.target.number, str(event.error))

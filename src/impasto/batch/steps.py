"""The three steps of a painting: read and decoded, painted, encoded and written.

A worker does them one after the other; on a cluster with GPUs each may be done somewhere else. Nothing here raises:
what keeps a picture from being painted is its outcome.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

from impasto import addresses, api, image
from impasto.batch import outputs
from impasto.batch.settings import Files, Settings
from impasto.batch.task import Chunk, Outcome, Task, Work, failure, outcome
from impasto.device import compute_in
from impasto.jobs.events import Failed, Painted
from impasto.jobs.job import PaintJob
from impasto.jobs.pipeline import BATCH_PIXELS, run
from impasto.jobs.session import Session
from impasto.record import Named
from impasto.sources import depth

AHEAD = 2
"""Pictures that are read while one is painted, and those that are written."""

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, eq=False)
class DecodedSource:
    """A content that was decoded before."""

    work: Work

    @property
    def name(self) -> str:
        return self.work.task.input.name.rpartition("/")[2]

    @property
    def key(self) -> str:
        return self.work.key

    def read(self, pixel_limit: int) -> image.Picture:
        content, self.work.content = self.work.content, None
        assert content
        return image.from_decoded(content)


class Worker:
    """Paints chunks, with networks and styles that are loaded once."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._paint = settings, PaintStep(settings)

    def __call__(self, chunk: Chunk) -> Iterator[Outcome]:
        return write(self._paint(read(chunk, self._settings)), self._settings)


def read(chunk: Chunk, settings: Settings) -> Iterator[Work]:
    """Every task's content, decoded, unless its painting is there."""
    try:
        existing = outputs.Existing(chunk)
    except Exception as error:  # noqa: BLE001
        yield from (Work(task, outcome=failure(task, error)) for task in chunk)
        return
    yield from _in_background(partial(_read, existing=existing, settings=settings), chunk)


def _read(task: Task, existing: outputs.Existing, settings: Settings) -> Work:
    one = task.input
    work = Work(task)
    try:
        data = addresses.read(one.address, one.start, one.size)
        work.key = hashlib.sha256(data).hexdigest()
        if found := existing.find(task, work.key, overwrite=settings.overwrite):
            work.data = found
            work.outcome = outcome(task, "skipped", key=work.key, bytes=len(found))
        else:
            work.content = image.read_decoded(Named(data, str(one)), pixel_limit=settings.pixel_limit)
    except Exception as error:  # noqa: BLE001
        work.outcome = failure(task, error, key=work.key)
    return work


class PaintStep:
    """The step in the middle, with networks and styles that are loaded once."""

    def __init__(self, settings: Settings) -> None:
        files = Files(settings)
        compute_in(settings.threads)
        self._files = files
        self._session = Session(
            lambda options: api.load(options.method, device=settings.device, weights=files.weights),
            pixel_limit=settings.pixel_limit,
        )
        # Alone, a picture gets the same pixels on every machine; and on CPUs several at once are no faster.
        self._batch_pixels = 0 if settings.device == "cpu" else BATCH_PIXELS
        self._bits = settings.bits

    def __call__(self, works: Iterable[Work]) -> Iterator[Work]:
        """Paint what was decoded, in the same order; the rest passes. On a GPU, those of one size go at once."""
        if not self._batch_pixels:
            yield from self._paint(works)
            return
        painted = list(self._paint(sorted(works, key=_alike)))
        yield from sorted(painted, key=lambda work: work.task.number)

    def _paint(self, works: Iterable[Work]) -> Iterator[Work]:
        for _, alike in groupby(works, key=lambda work: work.task.version):
            yield from self._paint_version(alike)

    def _paint_version(self, works: Iterator[Work]) -> Iterator[Work]:
        begun: deque[Work] = deque()
        final: Exception | None = None

        def jobs() -> Iterator[PaintJob]:
            for work in works:
                begun.append(work)
                if not work.outcome:
                    yield self._job(work)

        for event in run(jobs(), self._session, batch_pixels=self._batch_pixels):
            match event:
                case Painted():
                    work, picture = _work(event.job), event.picture
                    work.pixels = image.samples(picture, self._bits or depth(picture, Path(work.task.name)))
                    work.record, work.seconds = event.record, event.seconds
                case Failed():
                    final = event.error if event.is_final else None
                    for work in map(_work, event.jobs):
                        work.outcome = failure(work.task, event.error, key=work.key, is_final=event.is_final)
            while begun and (begun[0].outcome or begun[0].pixels is not None):
                yield begun.popleft()
        for work in chain(begun, works):
            if final and not work.outcome and work.pixels is None:
                # What one of them meets so, all would.
                work.outcome = failure(work.task, final, key=work.key, is_final=True)
            yield work

    def _job(self, work: Work) -> PaintJob:
        styles = tuple(self._files.styles[word] for word in work.task.styles)
        return PaintJob(DecodedSource(work), styles, work.task.options, facts=outputs.fact(work.task, work.key))


def write(works: Iterable[Work], settings: Settings) -> Iterator[Outcome]:
    """Encode what was painted and put it where it goes."""
    works = iter(works)
    first = next(works, None)
    if first is None:
        return
    files = _in_background(partial(outputs.encoded, bits=settings.bits), chain([first], works))
    if first.task.is_packed:
        yield from outputs.written_shard(files)
    else:
        yield from _in_background(partial(outputs.written, settings=settings), files)


def _alike(work: Work) -> tuple[str, tuple[int, ...]]:
    return work.task.version, work.content.samples.shape if work.content else ()


def _work(job: PaintJob) -> Work:
    assert isinstance(job.content, DecodedSource)
    return job.content.work


def _in_background(call: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """`map` that is a few items ahead of whoever takes the results."""
    with ThreadPoolExecutor(AHEAD) as pool:
        begun: deque[Future[B]] = deque()
        for item in items:
            begun.append(pool.submit(call, item))
            if len(begun) > AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

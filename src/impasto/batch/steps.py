"""The three steps of a painting: read and decoded, painted, encoded and written to a folder or a shard.

A worker does them one after the other; on a cluster with GPUs each may be done somewhere else. Nothing here raises:
what keeps a picture from being painted is its outcome.
"""

import hashlib
import io
import shutil
import tarfile
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, TypeVar

from impasto import addresses, api, image
from impasto.batch.task import Carried, Chunk, Outcome, Settings, Task, Work
from impasto.device import compute_in
from impasto.errors import PictureError
from impasto.files import is_same_file
from impasto.gallery import STYLE_SUFFIX, own_styles
from impasto.jobs.job import Failed, FileSource, Painted, PaintJob
from impasto.jobs.pipeline import BATCH_PIXELS, run
from impasto.jobs.session import Session
from impasto.record import Named, find_record
from impasto.sources import depth

AHEAD = 2
"""Pictures that are read while one is painted, and those that are written."""

FACT = "batch"
"""The member of a record that says what a painting was made of, by which it is known again."""

A = TypeVar("A")
B = TypeVar("B")


class Worker:
    """Paints chunks, with networks and styles that are loaded once."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._paint = settings, PaintStep(settings)

    def __call__(self, chunk: Chunk) -> Iterator[Outcome]:
        return write(self._paint(read(chunk, self._settings)), self._settings)


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


# --- reading ---------------------------------------------------------------------------------------------------------


def read(chunk: Chunk, settings: Settings) -> Iterator[Work]:
    """Every task's content, decoded, unless its painting is there."""
    first = chunk[0]
    try:
        members = _members(first.place) if first.is_packed and first.is_there else {}
    except Exception as error:  # noqa: BLE001
        yield from (Work(task, outcome=task.failure(error)) for task in chunk)
        return
    has_others = bool(set(members) - {task.name for task in chunk})
    yield from _in_background(partial(_read, settings=settings, members=members, has_others=has_others), chunk)


def _members(shard: str) -> dict[str, bytes]:
    data = addresses.read(shard)
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            return {one.name: file.read() for one in tar if (file := tar.extractfile(one)) is not None}
    except tarfile.TarError as error:
        raise PictureError(f"{shard}: is no tar, or is damaged: {error}") from error


def _read(task: Task, settings: Settings, members: Mapping[str, bytes], *, has_others: bool) -> Work:
    """members: of the shard that lies there. has_others: whether some of them are none of the chunk's paintings."""
    one, work = task.input, Work(task)
    try:
        data = addresses.read(one.address, one.start, one.size)
        work.key = hashlib.sha256(data).hexdigest()
        there = _existing(task, members)
        if there is not None and (find_record(there) or {}).get(FACT) == _fact(work)[FACT]:
            work.data = there
            work.outcome = task.outcome("skipped", key=work.key, bytes=len(there))
        elif task.is_there and not settings.overwrite and (there is not None or has_others):
            what = task.place if there is None else task.output
            raise PictureError(f"{what}: something else than this painting lies there; --overwrite replaces it")
        else:
            work.content = image.read_decoded(Named(data, str(one)), pixel_limit=settings.pixel_limit)
    except Exception as error:  # noqa: BLE001
        work.fail(error)
    return work


def _existing(task: Task, members: Mapping[str, bytes]) -> bytes | None:
    """The file that lies where the painting goes."""
    if task.is_packed:
        return members.get(task.name)
    return addresses.read(task.output) if task.is_there else None


def _fact(work: Work) -> dict[str, Any]:
    return {FACT: {"key": work.key, "version": work.task.version}}


# --- painting --------------------------------------------------------------------------------------------------------


class PaintStep:
    """The step in the middle, with networks and styles that are loaded once."""

    def __init__(self, settings: Settings) -> None:
        folder = Path(tempfile.mkdtemp(prefix="impasto-batch-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        compute_in(settings.threads)
        styles = enumerate(settings.styles.items())
        self._styles = {word: _style_source(style, folder / str(number)) for number, (word, style) in styles}
        weights = None if settings.weights is None else settings.weights.unpacked(folder / "weights")
        self._session = Session(
            lambda options: api.load(options.method, device=settings.device, weights=weights),
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
                    styles = tuple(self._styles[word] for word in work.task.styles)
                    yield PaintJob(work, styles, work.task.options, facts=_fact(work))

        for event in run(jobs(), self._session, batch_pixels=self._batch_pixels):
            match event:
                case Painted(PaintJob(content=Work() as work), picture):
                    work.pixels = image.samples(picture, self._bits or depth(picture, Path(work.task.name)))
                    work.record, work.seconds = event.record, event.seconds
                case Failed():
                    final = event.error if event.is_final else None
                    for job in event.jobs:
                        assert isinstance(job.content, Work)
                        job.content.fail(event.error, is_final=event.is_final)
            while begun and (begun[0].outcome or begun[0].pixels is not None):
                yield begun.popleft()
        for work in chain(begun, works):
            if final and not work.outcome and work.pixels is None:
                # What one of them meets so, all would.
                work.fail(final, is_final=True)
            yield work


def _style_source(style: Carried, path: Path) -> FileSource:
    """path: of the file that it becomes, without its suffix."""
    if style.data is None:
        return FileSource(own_styles()[style.name], style.name, packaged=True)
    suffix = STYLE_SUFFIX if style.name.endswith(STYLE_SUFFIX) else Path(style.name).suffix
    return FileSource(style.unpacked(path.with_name(path.name + suffix)), style.name)


def _alike(work: Work) -> tuple[str, tuple[int, ...]]:
    return work.task.version, work.content.samples.shape if work.content else ()


# --- writing ---------------------------------------------------------------------------------------------------------


def write(works: Iterable[Work], settings: Settings) -> Iterator[Outcome]:
    """Encode what was painted and put it where it goes."""
    works = iter(works)
    first = next(works, None)
    if first is None:
        return
    files = _in_background(partial(_encode, bits=settings.bits), chain([first], works))
    if first.task.is_packed:
        yield from _write_shard(files, first.task.place)
    else:
        yield from _in_background(partial(_write, settings=settings), files)


def _encode(work: Work, bits: int | None) -> Work:
    """With the painting as a file."""
    if work.outcome or work.pixels is None:
        return work
    try:
        # How long it took is in the ledger: a painting is the same file wherever and whenever it is made.
        record = {name: value for name, value in work.record.items() if name != "seconds"}
        picture, bits = image.from_array(work.pixels), bits or 8 * work.pixels.itemsize
        work.data = image.encode(picture, Path(work.task.name).suffix, bits=bits, record=record)
        work.pixels = None
    except Exception as error:  # noqa: BLE001  (a picture that cannot be encoded does not stop the others)
        work.fail(error)
    return work


def _write(work: Work, settings: Settings) -> Outcome:
    """Put a painting into its folder."""
    task = work.task
    if work.outcome:
        return work.outcome
    try:
        place = Path(task.output)
        if settings.overwrite and not addresses.is_remote(task.output) and is_same_file(place, task.input.address):
            raise PictureError(f"{task.output}: this is an input, which is never overwritten; choose another --output")
        addresses.write(task.output, work.data)
    except Exception as error:  # noqa: BLE001
        return task.failure(error, key=work.key)
    return _done(work, len(work.data))


def _write_shard(works: Iterable[Work], shard: str) -> Iterator[Outcome]:
    """Put the paintings of a chunk into their shard, with those that lie there."""
    kept: list[tuple[Work, bool]] = []
    with tempfile.TemporaryFile(prefix="impasto-batch-") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for work in works:
                if work.data:
                    entry = tarfile.TarInfo(work.task.name)
                    entry.size, entry.mode = len(work.data), 0o644
                    tar.addfile(entry, io.BytesIO(work.data))
                kept.append((work, bool(work.data)))
                work.data = b""
        size = file.tell()
        problem: Exception | None = None
        if any(is_in and not work.outcome for work, is_in in kept):
            file.seek(0)
            try:
                addresses.write(shard, file.read())
            except Exception as error:  # noqa: BLE001
                problem = error
    for work, is_in in kept:
        if work.outcome:
            yield replace(work.outcome, bytes=size) if is_in else work.outcome
        else:
            yield work.task.failure(problem, key=work.key) if problem else _done(work, size)


def _done(work: Work, num_bytes: int) -> Outcome:
    return work.task.outcome("done", key=work.key, seconds=round(work.seconds, 3), bytes=num_bytes)

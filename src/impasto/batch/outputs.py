"""Paintings as files in folders or shards, and how they are known again."""

import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto import addresses, image
from impasto.batch.settings import Settings
from impasto.batch.task import Chunk, Outcome, Task, Work, failure, outcome
from impasto.errors import PictureError
from impasto.files import is_same_file
from impasto.record import find_record

FACT = "batch"
"""The member of a record that says what a painting was made of."""


def fact(task: Task, key: str) -> dict[str, Any]:
    """What a painting's record says, to be known again."""
    return {FACT: {"key": key, "version": task.version}}


class Existing:
    """What lies at the outputs of a chunk already."""

    def __init__(self, chunk: Chunk) -> None:
        self._members: Mapping[str, bytes] = {}
        self._others = False
        first = chunk[0]
        if first.is_packed and first.is_there:
            self._members = _members(first.place)
            self._others = bool(set(self._members) - {task.name for task in chunk})

    def find(self, task: Task, key: str, *, overwrite: bool) -> bytes | None:
        """The task's very painting, if it is there. Raises PictureError for what must not be replaced."""
        if not task.is_there:
            return None
        data = self._members.get(task.name) if task.is_packed else addresses.read(task.output)
        found = None if data is None else (find_record(data) or {}).get(FACT)
        if found == fact(task, key)[FACT]:
            return data
        if not overwrite and (data is not None or self._others):
            what = task.place if data is None else task.output
            raise PictureError(f"{what}: something else than this painting lies there; --overwrite replaces it")
        return None


def _members(shard: str) -> dict[str, bytes]:
    data = addresses.read(shard)
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            return {one.name: file.read() for one in tar if (file := tar.extractfile(one)) is not None}
    except tarfile.TarError as error:
        raise PictureError(f"{shard}: is no tar, or is damaged: {error}") from error


@dataclass(frozen=True)
class Encoded:
    """A painting as its file, or why there is none."""

    work: Work
    data: bytes = b""
    error: Exception | None = None


def encoded(work: Work, bits: int | None) -> Encoded:
    """What a work ends in, as a file."""
    if work.outcome or work.pixels is None:
        return Encoded(work, work.data)
    try:
        # How long it took is in the ledger: a painting is the same file wherever and whenever it is made.
        record = {name: value for name, value in work.record.items() if name != "seconds"}
        picture = image.from_array(work.pixels)
        depth = bits or (16 if work.pixels.dtype.itemsize == 2 else 8)
        return Encoded(work, image.encode(picture, Path(work.task.name).suffix, bits=depth, record=record))
    except Exception as error:  # noqa: BLE001  (a picture that cannot be encoded does not stop the others)
        return Encoded(work, error=error)


def written(one: Encoded, settings: Settings) -> Outcome:
    """Put a painting into its folder."""
    work, task = one.work, one.work.task
    if work.outcome:
        return work.outcome
    try:
        if one.error:
            raise one.error
        place = Path(task.output)
        if settings.overwrite and not addresses.is_remote(task.output) and is_same_file(place, task.input.address):
            raise PictureError(f"{task.output}: this is an input, which is never overwritten; choose another --output")
        addresses.write(task.output, one.data)
    except Exception as error:  # noqa: BLE001
        return failure(task, error, key=work.key)
    return outcome(task, "done", key=work.key, seconds=round(work.seconds, 3), bytes=len(one.data))


def written_shard(paintings: Iterator[Encoded]) -> Iterator[Outcome]:
    """Put the paintings of a chunk into their shard, with those that lie there."""
    kept: list[Encoded] = []
    with tempfile.TemporaryFile(prefix="impasto-batch-") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for one in paintings:
                if one.data:
                    entry = tarfile.TarInfo(one.work.task.name)
                    entry.size, entry.mode = len(one.data), 0o644
                    tar.addfile(entry, io.BytesIO(one.data))
                kept.append(Encoded(one.work, b"-" if one.data else b"", one.error))
        is_new = any(one.data and not one.work.outcome for one in kept)
        problem: Exception | None = None
        size = file.tell()
        if is_new:
            file.seek(0)
            try:
                addresses.write(kept[0].work.task.place, file.read())
            except Exception as error:  # noqa: BLE001
                problem = error
    for one in kept:
        work = one.work
        if work.outcome:
            yield replace(work.outcome, bytes=size) if one.data else work.outcome
        elif one.error or problem:
            yield failure(work.task, one.error or problem or "", key=work.key)
        else:
            yield outcome(work.task, "done", key=work.key, seconds=round(work.seconds, 3), bytes=size)

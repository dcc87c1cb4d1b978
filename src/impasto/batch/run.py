"""A batch from its words to its ledger: where every painting goes, under which name, and whether it is done already."""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from impasto import __version__, addresses
from impasto.batch.inputs import Input, find_inputs
from impasto.batch.task import SHARD, Carried, Chunk, Outcome, Settings, Task, carried_style
from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.image import FORMATS
from impasto.methods import StylizeOptions, fields_of
from impasto.options import Options

CHUNK = 8
"""Paintings that a worker is given at once, where they are files of their own."""

_KINDS: Mapping[Any, Any] = {int: pa.int64(), str: pa.string(), float: pa.float64()}
SCHEMA = pa.schema([
    (item.name, _KINDS.get(item.type, pa.string())) for item in fields(Outcome) if item.name != "is_final"
])  # fmt: skip

SAVE_SECONDS = 60.0
"""Between two ledgers on the disk, at least; more where writing takes long."""

Executor = Callable[[Sequence[Chunk], Settings], Iterator[Outcome]]
"""Does chunks somewhere, and tells of every task once or more often."""


class Batch:
    """What is to be painted, checked and planned, and then run.

    chunks: what is to be done. settings: with the styles of all. total: inputs. ledger: its address.
    """

    def __init__(
        self, words: Sequence[str], settings: Settings, *, output: str, options: Options, styles: Sequence[str] = (),
        format: str | None = None, per_shard: int = 1000, ledger: str | None = None,  # noqa: A002
    ) -> None:  # fmt: skip
        """options, styles: of all inputs that do not say otherwise. output: an address of a folder, or, ending with
        .tar, of shards. format: suffix of what is written; None for the content's own. per_shard: paintings in each.
        ledger: its address; below the output if not given.

        Raises PictureError where there is nothing to paint, ImpastoError if a style is nowhere, and OptionError for
        what cannot be: two inputs that would be written to one place, or one to where another is read.
        """
        addresses.check_writable(output)
        self.ledger = ledger or ledger_of(output)
        self._ledger = Ledger(self.ledger)
        inputs, problems = find_inputs(words, output)
        if not inputs and problems:
            raise problems[0][1]
        self._options, self._words = options, tuple(styles)
        self._format, self._per_shard = format, per_shard
        self._is_packed = output.endswith(SHARD)
        files, path = addresses.file_system(output)
        self._output = addresses.in_full(files, path)
        folder = self._output.rpartition("/")[0] if self._is_packed else self._output
        listed = addresses.listed(folder, deep=not self._is_packed)
        self._sizes = {addresses.in_full(files, place): about.get("size") for place, about in listed.items()}
        weights = settings.weights and settings.weights.digest
        self._decisive = {"impasto": __version__, "weights": weights, "bits": settings.bits}
        self._styles: dict[str, Carried] = {}
        self._versions: dict[str, tuple[Options, str]] = {}
        if any(one.styles is None and not one.options for one in inputs):
            # What is wrong with all is not told of each.
            self._resolved(self._words, {})
        self._known = [
            Outcome(number, word, "", "failed", str(why)) for number, (word, why) in enumerate(problems, len(inputs))
        ]
        self.chunks = self._planned(inputs)
        self.settings = replace(settings, styles=self._styles)
        self.total = sum(map(len, self.chunks)) + len(self._known)

    def run(self, executor: Executor) -> Iterator[Outcome]:
        """Every input's outcome, as it comes. The ledger is there at the end, however it ends.

        Raises ImpastoError for what every painting would meet.
        """
        versions = {task.version for chunk in self.chunks for task in chunk}
        try:
            for row in self._known:
                self._ledger.add(row)
                yield row
            for row in executor(self.chunks, self.settings) if self.chunks else ():
                is_known = row.number in self._ledger.rows
                self._ledger.add(row)
                if row.is_final and len(versions) == 1:
                    raise ImpastoError(row.reason)
                if not is_known:
                    yield row
        finally:
            self._ledger.save()

    def _planned(self, inputs: Sequence[Input]) -> list[Chunk]:
        """What is to be done; what became of all other inputs is known."""
        tasks: list[Task] = []
        for number, one in enumerate(inputs):
            try:
                tasks.append(self._task(number, one))
            except ImpastoError as error:
                self._known.append(Outcome(number, str(one), "", "failed", str(error), tag=one.tag))
        _refuse_collisions(tasks, {one.address for one in inputs})
        done = {task.number: row for task in tasks if (row := self._done(task))}
        chunks: list[Chunk]
        if self._is_packed:
            shards = [list(group) for _, group in groupby(tasks, key=lambda task: task.place)]
            # What is done of a shard has to be in it when it is written anew.
            chunks = [shard for shard in shards if any(task.number not in done for task in shard)]
        else:
            waiting = [task for task in tasks if task.number not in done]
            chunks = [waiting[at : at + CHUNK] for at in range(0, len(waiting), CHUNK)]
        again = {task.number for chunk in chunks for task in chunk}
        self._known += [row for number, row in done.items() if number not in again]
        return chunks

    def _task(self, number: int, one: Input) -> Task:
        """Raises ImpastoError if the input cannot be painted as it is wished."""
        styles = self._words if one.styles is None else one.styles
        options, version = self._resolved(styles, one.options)
        shard = f"{self._output.removesuffix(SHARD)}-{number // self._per_shard:06}{SHARD}"
        place = shard if self._is_packed else self._output
        task = Task(number, one, place, _named(one, self._format), styles, options, version)
        before = self._ledger.before.get(task.output)
        tries = before.attempt if before and before.state == "failed" else 0
        return replace(task, attempt=tries + 1, is_there=_written(task) in self._sizes)

    def _done(self, task: Task) -> Outcome | None:
        """That it is done, if the ledger says so of this content and these settings, and the file is still there."""
        row = self._ledger.before.get(task.output)
        if not row or row.state == "failed" or not task.input.tag:
            return None
        same = (row.tag, row.version, row.bytes) == (task.input.tag, task.version, self._sizes.get(_written(task)))
        return task.outcome("skipped", key=row.key, bytes=row.bytes) if same else None

    def _resolved(self, styles: tuple[str, ...], own: Mapping[str, object]) -> tuple[Options, str]:
        """The options of an input, and the version of everything that decides its pixels. Raises ImpastoError."""
        chosen = json.dumps([styles, dict(own)], sort_keys=True)
        if chosen not in self._versions:
            options = _merged(self._options, own)
            for word in styles:
                if word not in self._styles:
                    self._styles[word] = carried_style(word)
            options.check_styles(len(styles))
            if options.files:
                raise OptionError(f"{next(iter(options.files))} names a file, which workers elsewhere do not see")
            digests = [self._styles[word].digest for word in styles]
            said = {**self._decisive, "options": options.to_json(), "styles": digests}
            self._versions[chosen] = options, sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return self._versions[chosen]


def ledger_of(output: str) -> str:
    """Where the ledger of an output lies, if nothing else is said."""
    if output.endswith(SHARD):
        return f"{output.removesuffix(SHARD)}.ledger.parquet"
    return addresses.joined(output, "ledger.parquet")


def _written(task: Task) -> str:
    """The address of the file that it is written to."""
    return task.place if task.is_packed else task.output


def _merged(usual: Options, own: Mapping[str, object]) -> Options:
    """The options of a row of a manifest, over those that are given for all."""
    method = own.get("method", usual.method)
    known = usual.to_json()
    if method != usual.method:
        known = {name: value for name, value in known.items() if name in fields_of(str(method))}
    return StylizeOptions(**(known | dict(own)))


def _named(one: Input, format: str | None) -> str:  # noqa: A002
    """Where it goes below the output: its own name, and what of its format cannot be written gets another suffix."""
    path = PurePosixPath(one.name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise PictureError(f"{one}: its name {one.name!r} leads out of the output")
    suffix = path.suffix.lower()
    wanted = suffix if format is None and suffix in FORMATS else f".{(format or 'png').lower().lstrip('.')}"
    if FORMATS.get(suffix) == FORMATS.get(wanted):
        return str(path)
    # The whole name, as tree.gif and tree.png may lie side by side.
    return f"{path}{wanted}"


def _refuse_collisions(tasks: Sequence[Task], read: set[str]) -> None:
    taken: dict[str, Task] = {}
    for task in tasks:
        if not task.is_packed and task.output in read:
            raise OptionError(f"{task.output} is read, and would be written; choose another --output")
        other = taken.setdefault(task.output, task)
        if other is not task:
            raise OptionError(
                f"{other.input} and {task.input} would both be written to {task.output}; the column name of a manifest"
                " tells them apart"
            )


# --- the ledger ------------------------------------------------------------------------------------------------------


class Ledger:
    """What became of every input, as a Parquet file: the rows of this run, and of earlier ones those whose outputs it
    has nothing to do with."""

    def __init__(self, address: str) -> None:
        """Reads what an earlier run left. Raises PictureError if that is something else."""
        self.address = address
        self.before = {row.output: row for row in _read(address) if row.output}
        self.rows: dict[int, Outcome] = {}
        self._due = time.monotonic() + SAVE_SECONDS

    def add(self, row: Outcome) -> None:
        """Keep a row, and now and then all of them on the disk."""
        self.rows[row.number] = row
        if time.monotonic() > self._due:
            self.save()

    def save(self) -> None:
        """Write all of it. Raises PictureError."""
        began = time.monotonic()
        rows = sorted(self.rows.values(), key=lambda row: row.number)
        known = {row.output for row in rows}
        others = [row for output, row in self.before.items() if output not in known]
        table = pa.Table.from_pylist([row.to_json() for row in [*rows, *others]], SCHEMA)
        stream = io.BytesIO()
        pq.write_table(table, stream, compression="zstd")
        addresses.write(self.address, stream.getvalue())
        now = time.monotonic()
        self._due = now + max(SAVE_SECONDS, 20 * (now - began))


def _read(address: str) -> list[Outcome]:
    files, path = addresses.file_system(address)
    if not addresses.explained(address, lambda: files.exists(path), "read"):
        return []
    try:
        table = pq.read_table(pa.BufferReader(addresses.read(address)))
        return [Outcome(**row) for row in table.select(SCHEMA.names).to_pylist()]
    except (pa.ArrowException, KeyError, TypeError) as error:
        raise PictureError(
            f"{address}: this is no ledger of impasto batch, or damaged; choose another --ledger"
        ) from error

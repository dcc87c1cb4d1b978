"""What becomes of every input: where it goes, under which name, and whether it is done already."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby
from pathlib import PurePosixPath

from impasto import __version__, addresses
from impasto.batch.inputs import Input, Problem
from impasto.batch.settings import Carried, carried_style
from impasto.batch.task import SHARD, Chunk, Outcome, Task, outcome
from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.image import FORMATS
from impasto.methods import StylizeOptions, fields_of
from impasto.options import Options

CHUNK = 8
"""Paintings that a worker is given at once, where they are files of their own."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for all inputs that do not say otherwise.

    output: an address of a folder, or, ending with .tar, of shards. format: suffix of what is written; None for the
    content's own. per_shard: paintings in each.
    """

    output: str
    options: Options
    styles: tuple[str, ...] = ()
    format: str | None = None
    per_shard: int = 1000


@dataclass(frozen=True)
class Plan:
    """chunks: what is to be done. known: what became of all other inputs. styles: {word: style} of all."""

    chunks: list[Chunk]
    known: list[Outcome]
    styles: Mapping[str, Carried]

    @property
    def total(self) -> int:
        """Inputs."""
        return sum(map(len, self.chunks)) + len(self.known)


def make_plan(
    inputs: Sequence[Input],
    problems: Sequence[Problem],
    wish: Wish,
    before: Mapping[str, Outcome],
    *,
    weights: Carried | None,
    bits: int | None,
) -> Plan:
    """before: {output: row} of the ledger.

    Raises ImpastoError if a style is nowhere, and OptionError if two inputs would be written to one place, or one to
    where another is read.
    """
    planner = _Planner(wish, before, weights, bits)
    if any(one.styles is None and not one.options for one in inputs):
        # What is wrong with all is not told of each.
        planner.resolved(wish.styles, {})
    tasks: list[Task] = []
    known = [Outcome(len(inputs) + place, word, "", "failed", str(why)) for place, (word, why) in enumerate(problems)]
    for number, one in enumerate(inputs):
        try:
            tasks.append(planner.task(number, one))
        except ImpastoError as error:
            known.append(Outcome(number, str(one), "", "failed", str(error), tag=one.tag))
    _refuse_collisions(tasks, {one.address for one in inputs})
    if not planner.is_packed:
        known += filter(None, map(planner.done, tasks))
        waiting = [task for task in tasks if not planner.done(task)]
        return Plan([waiting[at : at + CHUNK] for at in range(0, len(waiting), CHUNK)], known, planner.styles)
    chunks: list[Chunk] = []
    for _, group in groupby(tasks, key=lambda task: task.place):
        shard = list(group)
        rows = [row for task in shard if (row := planner.done(task))]
        # What is done of a shard has to be in it when it is written anew.
        if len(rows) == len(shard):
            known += rows
        else:
            chunks.append(shard)
    return Plan(chunks, known, planner.styles)


class _Planner:
    def __init__(self, wish: Wish, before: Mapping[str, Outcome], weights: Carried | None, bits: int | None) -> None:
        self.styles: dict[str, Carried] = {}
        self.is_packed = wish.output.endswith(SHARD)
        self._wish, self._before = wish, before
        self._versions: dict[str, tuple[Options, str]] = {}
        self._decisive = {"impasto": __version__, "weights": weights and weights.digest, "bits": bits}
        files, path = addresses.file_system(wish.output)
        self._output = addresses.in_full(files, path)
        folder = self._output.rpartition("/")[0] if self.is_packed else self._output
        listed = addresses.listed(folder, deep=not self.is_packed)
        self._sizes = {addresses.in_full(files, place): about.get("size") for place, about in listed.items()}

    def task(self, number: int, one: Input) -> Task:
        """Raises ImpastoError if the input cannot be painted as it is wished."""
        styles = self._wish.styles if one.styles is None else one.styles
        options, digest = self.resolved(styles, one.options)
        shard = f"{self._output.removesuffix(SHARD)}-{number // self._wish.per_shard:06}{SHARD}"
        place = shard if self.is_packed else self._output
        task = Task(number, one, place, _named(one, self._wish.format), styles, options, digest)
        before = self._before.get(task.output)
        tries = before.attempt if before and before.state == "failed" else 0
        return replace(task, attempt=tries + 1, is_there=self._written(task) in self._sizes)

    def done(self, task: Task) -> Outcome | None:
        """That it is done, if the ledger says so of this content and these settings, and the file is still there."""
        row = self._before.get(task.output)
        if not row or row.state == "failed" or not task.input.tag:
            return None
        same = (row.tag, row.version, row.bytes) == (task.input.tag, task.version, self._sizes.get(self._written(task)))
        return outcome(task, "skipped", key=row.key, bytes=row.bytes) if same else None

    def _written(self, task: Task) -> str:
        return task.place if task.is_packed else task.output

    def resolved(self, styles: tuple[str, ...], own: Mapping[str, object]) -> tuple[Options, str]:
        """The options of an input, and the version of everything that decides its pixels. Raises ImpastoError."""
        chosen = json.dumps([styles, dict(own)], sort_keys=True)
        if chosen not in self._versions:
            options = _merged(self._wish.options, own)
            for word in styles:
                if word not in self.styles:
                    self.styles[word] = carried_style(word)
            options.check_styles(len(styles))
            if options.files:
                raise OptionError(f"{next(iter(options.files))} names a file, which workers elsewhere do not see")
            digests = [self.styles[word].digest for word in styles]
            said = {**self._decisive, "options": options.to_json(), "styles": digests}
            self._versions[chosen] = options, sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return self._versions[chosen]


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

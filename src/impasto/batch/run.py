"""A batch from its words to its ledger."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from impasto import addresses
from impasto.batch.inputs import find_inputs
from impasto.batch.ledger import Ledger
from impasto.batch.plan import Wish, make_plan
from impasto.batch.settings import Settings
from impasto.batch.task import SHARD, Chunk, Outcome
from impasto.errors import ImpastoError

Executor = Callable[[Sequence[Chunk], Settings], Iterator[Outcome]]
"""Does chunks somewhere, and tells of every task once or more often."""


class Batch:
    """What is to be painted, checked and planned, and then run."""

    def __init__(self, words: Sequence[str], wish: Wish, settings: Settings, ledger: str | None = None) -> None:
        """ledger: its address; below the output if not given.

        Raises PictureError where there is nothing to paint, and OptionError for what cannot be.
        """
        addresses.check_writable(wish.output)
        self._ledger = Ledger(ledger or ledger_of(wish.output))
        self.ledger = self._ledger.address
        inputs, problems = find_inputs(words, wish.output)
        if not inputs and problems:
            raise problems[0][1]
        self._plan = make_plan(
            inputs, problems, wish, self._ledger.before, weights=settings.weights, bits=settings.bits
        )
        self._settings = replace(settings, styles=self._plan.styles)
        self.total = self._plan.total

    def run(self, executor: Executor) -> Iterator[Outcome]:
        """Every input's outcome, as it comes. The ledger is there at the end, however it ends.

        Raises ImpastoError for what every painting would meet.
        """
        try:
            for row in self._plan.known:
                self._ledger.add(row)
                yield row
            if self._plan.chunks:
                yield from self._done(executor(self._plan.chunks, self._settings))
        finally:
            self._ledger.save()

    def _done(self, rows: Iterator[Outcome]) -> Iterator[Outcome]:
        versions = {task.version for chunk in self._plan.chunks for task in chunk}
        for row in rows:
            is_known = row.number in self._ledger.rows
            self._ledger.add(row)
            if row.is_final and len(versions) == 1:
                raise ImpastoError(row.reason)
            if not is_known:
                yield row


def ledger_of(output: str) -> str:
    """Where the ledger of an output lies, if nothing else is said."""
    if output.endswith(SHARD):
        return f"{output.removesuffix(SHARD)}.ledger.parquet"
    return addresses.joined(output, "ledger.parquet")

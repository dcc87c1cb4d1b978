"""Workers as processes of this machine."""

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from math import ceil
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from impasto.batch.task import Chunk, Outcome, Settings, Task

DEATHS = 2
"""Processes that a picture may take with it before it counts as failed."""


def run(chunks: Sequence[Chunk], settings: Settings, workers: int) -> Iterator[Outcome]:
    """Every task's outcome, in the order in which they come."""
    if workers == 1:
        from impasto.batch.steps import Worker

        worker = Worker(settings)
        for chunk in chunks:
            yield from worker(chunk)
        return
    pool = _Pool(settings, chunks, workers)
    try:
        yield from pool.run()
    finally:
        pool.close()


class _Pool:
    """Processes, and the tasks of each of which it has not told."""

    def __init__(self, settings: Settings, chunks: Sequence[Chunk], workers: int) -> None:
        self._settings = settings
        self._workers = workers
        self._waiting = deque(chunks)
        self._deaths: Counter[int] = Counter()
        self._processes: dict[Connection, tuple[BaseProcess, dict[int, Task]]] = {}

    def run(self) -> Iterator[Outcome]:
        for _ in range(self._workers):
            if self._waiting:
                self._start()
        while self._processes:
            for link in wait(list(self._processes)):
                assert isinstance(link, Connection)
                try:
                    said: Outcome | None = link.recv()
                except (EOFError, ConnectionError):
                    yield from self._died(link)
                    continue
                if said is None:
                    self._give(link)
                else:
                    del self._processes[link][1][said.number]
                    yield said

    def close(self) -> None:
        for process, _ in self._processes.values():
            process.terminate()
            process.join()

    def _start(self) -> None:
        # Not forked: threads of PyTorch do not survive that.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._settings), daemon=True)
        process.start()
        theirs.close()
        self._processes[ours] = process, {}
        self._give(ours)

    def _give(self, link: Connection) -> None:
        """The next chunk, or leave."""
        process, doing = self._processes[link]
        if not self._waiting:
            del self._processes[link]
            link.close()
            process.join()
            return
        chunk = self._next()
        doing.update((task.number, task) for task in chunk)
        link.send(chunk)

    def _next(self) -> Chunk:
        """A chunk, and towards the end a part of one, so that no process waits long for the last one."""
        chunk = self._waiting.popleft()
        if chunk[0].is_packed or len(self._waiting) >= 2 * self._workers:
            return chunk
        share = ceil((len(chunk) + sum(map(len, self._waiting))) / (2 * self._workers))
        if len(chunk) > share:
            self._waiting.appendleft(chunk[share:])
        return chunk[:share]

    def _died(self, link: Connection) -> Iterator[Outcome]:
        """What it had not told of is tried again: one by one, as one of them may be why it died."""
        process, doing = self._processes.pop(link)
        left = list(doing.values())
        process.join()
        link.close()
        self._deaths.update(task.number for task in left)
        again = [task for task in left if self._deaths[task.number] < DEATHS]
        why = f"the process that painted it ended with {_named(process.exitcode)}, and so did another one"
        yield from (task.failure(why) for task in left if task not in again)
        if again:
            self._waiting.extendleft([again] if again[0].is_packed else [[task] for task in reversed(again)])
        if self._waiting:
            self._start()


def _named(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    return f"{name}, as when memory is short" if name == "SIGKILL" else name


def _serve(link: Connection, settings: Settings) -> None:
    """Paint chunks that come through the link until it is closed, and tell of each picture; then None."""
    # Ctrl-C in a terminal reaches the whole group of processes; the first one decides what becomes of the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from impasto.batch.steps import Worker

    worker = Worker(settings)
    while True:
        try:
            chunk: Chunk = link.recv()
        except EOFError:
            return
        for outcome in worker(chunk):
            link.send(outcome)
        link.send(None)

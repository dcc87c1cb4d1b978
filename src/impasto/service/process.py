"""The server's end of one painting process: starts it, gives it a job, hears of its progress, stops or replaces it."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import impasto
from impasto.service import wire
from impasto.service.job import Failure, ServiceJob

START_SECONDS = 180.0
"""After which a process that is not ready counts as dead."""
STOP_SECONDS = 5.0
"""That a painting which was told to stop is given, before its process is killed."""
MOST_UNREAD = 100
"""Messages that wait to be read; nobody reads what a process says without a job."""
TICK = 0.1
"""Seconds between two looks at whether a job shall stop."""

WORKER = (sys.executable, "-P", "-m", "impasto.service.worker")


class WorkerDiedError(Exception):
    """The process ended, or was ended as it wrote something that makes no sense."""


@dataclass(frozen=True)
class JobOutcome:
    """What became of a job. data: the picture, or the best so far of a painting that was stopped."""

    data: bytes | None = None
    failure: Failure | None = None
    stopped: bool = False
    seconds: float | None = None
    cache: Mapping[str, tuple[int, int]] | None = None


@dataclass(frozen=True)
class JobProgress:
    """How far a job is. preview: a small JPEG file."""

    step: int
    total: int
    seconds_left: float | None
    preview: bytes | None = None


# What a message raises that lacks something, or has something else in its place.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class WorkerProcess:
    """One process. command: how it is started; tests have their own."""

    def __init__(self, settings: dict[str, Any], command: Sequence[str], on_death: Callable[[], None]) -> None:
        # The same impasto as here, even if this one was not installed.
        home = str(Path(impasto.__file__).parents[1])
        path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path}
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._inbox: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
        # Never written to directly: a process that has stopped reading must not stop the server.
        self._outbox: queue.SimpleQueue[tuple[str, Sequence[bytes], dict[str, Any]] | None] = queue.SimpleQueue()
        self._on_death = on_death
        self.is_dead = False
        for work in (self._read_messages, self._write_messages):
            threading.Thread(target=work, daemon=True).start()
        self.send("start", **settings)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, kind: str, blobs: Sequence[bytes] = (), **values: Any) -> None:
        self._outbox.put((kind, blobs, values))

    def receive(self, timeout: float) -> wire.Message | None:
        """The next message, or None if there is none in time. Raises WorkerDiedError."""
        try:
            message = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None
        if message is None:
            self._inbox.put(None)
            raise WorkerDiedError
        return message

    def wait_until_ready(self, timeout: float, given_up: Callable[[], bool]) -> str:
        """The reason why it cannot begin; empty if it can. Raises WorkerDiedError."""
        until = time.monotonic() + timeout
        while time.monotonic() < until and not given_up():
            message = self.receive(TICK)
            if message is not None and message.kind == "ready":
                return ""
            if message is not None:
                return str(message.values.get("message") or "the painting process does not say why it cannot begin")
        raise WorkerDiedError

    def kill(self) -> None:
        """At once."""
        self._process.kill()

    def close(self) -> None:
        """Let go of it, and of the threads that talk to it."""
        self._outbox.put(None)
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                assert pipe is not None
                pipe.close()
            except OSError:
                continue

    def _read_messages(self) -> None:
        assert self._process.stdout is not None
        try:
            while (message := wire.read(self._process.stdout)) is not None:  # type: ignore[arg-type]
                self._enqueue(message)
        except (wire.WireError, OSError, ValueError, MemoryError):
            self._process.kill()
        self.is_dead = True
        self._inbox.put(None)
        self._on_death()

    def _enqueue(self, message: wire.Message) -> None:
        if self._inbox.qsize() >= MOST_UNREAD:
            self._process.kill()
        else:
            self._inbox.put(message)

    def _write_messages(self) -> None:
        assert self._process.stdin is not None
        while (message := self._outbox.get()) is not None:
            kind, blobs, values = message
            try:
                wire.write(self._process.stdin, kind, blobs, **values)  # type: ignore[arg-type]
            except (OSError, ValueError):
                # `_read_messages` hears of it as well, and tells.
                return


def run(worker: WorkerProcess, job: ServiceJob, limit: float, report: Callable[[JobProgress], None]) -> JobOutcome:
    """Have a job painted. report: called with each report.

    limit: seconds after which it is stopped. What was told to stop and does not is killed, and the worker with it.
    Raises WorkerDiedError if the worker died by itself, or was killed for saying what makes no sense.
    """
    request = job.request
    assert request is not None
    worker.send(
        "paint" if request.place is None else "look",
        list(_blobs(job)),
        job=job.id,
        options=request.options.to_json(),
        styles=[style if isinstance(style, str) else None for style in request.styles],
        masks=[mask is not None for mask in request.masks],
        format=request.format,
        place=request.place,
    )
    deadline, kill_at = time.monotonic() + limit, None
    while True:
        now = time.monotonic()
        if now >= deadline and not job.stop:
            job.stop = "time-limit"
        if job.stop and kill_at is None:
            worker.send("cancel", job=job.id)
            kill_at = now + STOP_SECONDS
        if kill_at is not None and now >= kill_at:
            worker.kill()
        try:
            message = worker.receive(TICK)
        except WorkerDiedError:
            if kill_at is None:
                raise
            return stopped(job, None, limit)
        if message is None:
            continue
        try:
            answer = _parse(message, job.id)
        except _MALFORMED as error:
            worker.kill()
            raise WorkerDiedError(f"it said '{message.kind[:20]}', which makes no sense: {error!r:.200}") from error
        if isinstance(answer, JobProgress):
            report(answer)
        elif job.stop and (message.kind == "cancelled" or answer.failure is None):
            return stopped(job, answer.data, limit)
        else:
            return answer


def _blobs(job: ServiceJob) -> list[bytes]:
    request = job.request
    assert request is not None
    styles = [style for style in request.styles if isinstance(style, bytes)]
    return [request.content, *styles, *(mask for mask in request.masks if mask is not None)]


def _parse(message: wire.Message, job_id: str) -> "JobProgress | JobOutcome":
    """Raises one of _MALFORMED: the process may have been taken over by a picture, and may say anything."""
    values = message.values
    if values["job"] != job_id:
        raise ValueError("another job")
    data = next(iter(message.blobs), None)
    match message.kind:
        case "progress":
            left = None if values["seconds_left"] is None else _seconds(values["seconds_left"])
            return JobProgress(_count(values["step"]), _count(values["total"]), left, data)
        case "done" if data is not None:
            cache = {name: (_count(hits), _count(misses)) for name, (hits, misses) in values["cache"].items()}
            return JobOutcome(data, seconds=_seconds(values["seconds"]), cache=cache)
        case "cancelled":
            return JobOutcome(data, stopped=True)
        case "failed" if isinstance(values["code"], str) and isinstance(values["message"], str):
            return JobOutcome(failure=Failure(values["code"], values["message"]))
    raise ValueError("of no kind")


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("no count")
    return value


def _seconds(value: Any) -> float:
    if not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("no number of seconds")
    return max(0.0, float(value))


def stopped(job: ServiceJob, data: bytes | None, limit: float) -> JobOutcome:
    """What becomes of a job that was told to stop. data: the best so far, if there is one."""
    if job.stop == "time-limit":
        return JobOutcome(data, failure=Failure("time-limit", f"it took longer than {limit:g} s; {_ADVICE}"))
    if job.stop == "stopping":
        return JobOutcome(data, failure=Failure("stopping", "the server was shut down while it painted; send it again"))
    return JobOutcome(data, stopped=True)


_ADVICE = "choose a smaller size, fewer steps or a faster method"

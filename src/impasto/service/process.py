"""The server's end of one painting process: starts it, gives it a job, hears of its progress, stops or replaces it."""

import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import impasto
from impasto.service import wire
from impasto.service.job import PAINTED, Failure, JobOutcome, JobProgress, JobResult, ServiceJob

START_SECONDS = 180.0
"""After which a process that is not ready counts as dead."""
STOP_SECONDS = 5.0
"""That a painting which was told to stop is given, before its process is killed."""
VIDEO_STOP_SECONDS = 60.0
"""That a film is given, whose frames so far are put together."""
MOST_UNREAD = 100
"""Messages that wait to be read; nobody reads what a process says without a job."""
TICK = 0.1
"""Seconds between two looks at whether a job shall stop."""
POLL_SECONDS = 2.0
"""That one question for a message waits in a cluster."""

WORKER = (sys.executable, "-P", "-m", "impasto.service.worker")
RAY_WORKER = (sys.executable, "-P", "-m", "impasto.service.ray_worker")
"""With the address of a cluster behind it: a process that paints there."""


class WorkerDiedError(Exception):
    """The process ended, or was ended as it wrote something that makes no sense."""


def environment() -> dict[str, str]:
    """Of a process of ours: the same impasto as here, even if this one was not installed."""
    home = str(Path(impasto.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))}


# What a message raises that lacks something, or has something else in its place.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class WorkerProcess:
    """One process. command: how it is started; tests have their own."""

    def __init__(self, settings: dict[str, Any], command: Sequence[str], on_death: Callable[[], None]) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
        )
        self._inbox: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
        # Never written to directly: a process that has stopped reading must not stop the server.
        self._outbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._on_death = on_death
        self.pid = self._process.pid
        self.is_dead = False
        self.was_ended = False
        """Whether its death is the server's will."""
        self.lacking: Mapping[str, str] = {}
        """{what it is not confined in: why}, once it is ready."""
        for work in (self._read_messages, self._write_messages):
            threading.Thread(target=work, daemon=True).start()
        self.send("start", **settings)

    def send(self, kind: str, blobs: Sequence[bytes] = (), **values: Any) -> None:
        assert self._process.stdin is not None
        self._outbox.put(partial(wire.write, self._process.stdin, kind, blobs, **values))  # type: ignore[arg-type]

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
                self.lacking = {str(part): str(why)[:200] for part, why in message.values.get("lacking", {}).items()}
                return ""
            if message is not None:
                return str(message.values.get("message") or "the painting process does not say why it cannot begin")
        raise WorkerDiedError

    def kill(self, *, wanted: bool = False) -> None:
        """At once. wanted: not because it did anything wrong."""
        self.was_ended = self.was_ended or wanted
        self._process.kill()

    def close(self) -> None:
        """Let go of it, and of the threads that talk to it."""
        self.was_ended = True
        self._outbox.put(None)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

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
        while (write := self._outbox.get()) is not None:
            try:
                write()
            except (OSError, ValueError):
                # `_read_messages` hears of it as well, and tells.
                return


def run(worker: WorkerProcess, job: ServiceJob, report: Callable[[JobProgress], None], film_bytes: int) -> JobOutcome:
    """Have a job painted. report: called with each report. film_bytes: that a film may need while it is painted.

    After the job's limit it is stopped. What was told to stop and does not is killed, and the worker with it.
    Raises WorkerDiedError if the worker died by itself, or was killed for saying what makes no sense.
    """
    request = job.request
    assert request is not None
    values = {} if job.folder is None else {"folder": str(job.folder), "num_bytes": film_bytes}
    worker.send(request.kind, list(request.uploads().values()), job=job.id, **request.task(), **values)
    deadline, kill_at = time.monotonic() + job.limit, None
    while True:
        now = time.monotonic()
        if now >= deadline and not job.stop:
            job.stop = "time-limit"
        if job.stop and kill_at is None:
            worker.send("cancel", job=job.id)
            kill_at = now + _seconds_to_stop(job)
        if kill_at is not None and now >= kill_at:
            worker.kill(wanted=True)
        try:
            message = worker.receive(TICK)
        except WorkerDiedError:
            if kill_at is None:
                raise
            return stopped(job, None)
        if message is None:
            continue
        try:
            answer = _parse(message, job)
        except _MALFORMED as error:
            worker.kill()
            raise WorkerDiedError(f"it said '{message.kind[:20]}', which makes no sense: {error!r:.200}") from error
        if isinstance(answer, JobProgress):
            report(answer)
        elif job.stop and answer.failure is None:
            return stopped(job, answer.result)
        else:
            return answer


def _parse(message: wire.Message, job: ServiceJob) -> JobProgress | JobOutcome:
    """Raises one of _MALFORMED: the process may have been taken over by a picture, and may say anything."""
    values = message.values
    if values["job"] != job.id:
        raise ValueError("another job")
    data = next(iter(message.blobs), None)
    result = None if message.kind == "progress" else _result(job, data)
    match message.kind:
        case "progress":
            return JobProgress(_count(values["step"]), _count(values["total"]), _seconds(values["seconds_left"]), data)
        case "done" if result is not None:
            cache = {name: (_count(hits), _count(misses)) for name, (hits, misses) in values["cache"].items()}
            return JobOutcome(result, cache=cache)
        case "cancelled":
            return JobOutcome(result, stopped=True)
        case "failed" if isinstance(values["code"], str) and isinstance(values["message"], str):
            return JobOutcome(result, Failure(values["code"], values["message"]))
    raise ValueError("of no kind")


def _seconds_to_stop(job: ServiceJob) -> float:
    """Until what was told to stop is killed. Of a service that ends, nobody will fetch the film."""
    return STOP_SECONDS if job.folder is None or job.stop == "stopping" else VIDEO_STOP_SECONDS


def _result(job: ServiceJob, data: bytes | None) -> JobResult | None:
    """What there is of a job: the picture that was sent, or a film where it has to lie."""
    assert job.request is not None
    if job.folder is None:
        return None if data is None else JobResult(data, job.request.format)
    path = job.folder / f"{PAINTED}.{job.request.format}"
    return JobResult(b"", job.request.format, path) if path.is_file() else None


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("no count")
    return value


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("no number of seconds")
    return max(0.0, float(value))


def stopped(job: ServiceJob, result: JobResult | None) -> JobOutcome:
    """What becomes of a job that was told to stop. result: the best so far, if there is one."""
    if job.stop == "time-limit":
        return JobOutcome(result, Failure("time-limit", f"it took longer than {job.limit:g} s; {_ADVICE}"))
    if job.stop == "stopping":
        return JobOutcome(result, Failure("stopping", "the server was shut down while it painted; send it again"))
    return JobOutcome(result, stopped=True)


_ADVICE = "choose a smaller size, fewer steps or a faster method"


class RayLane:
    """An actor of a Ray cluster: one painting process on its node, and files for it.

    settings: of the message `start`. files: {path in the settings: what it holds}. Raises RuntimeError for another
    version of impasto than `version`.
    """

    def __init__(self, settings: dict[str, Any], files: Mapping[str, bytes], version: str) -> None:
        if version != impasto.__version__:
            raise RuntimeError(f"the cluster has impasto {impasto.__version__}, and the server {version}")
        self._folder = tempfile.TemporaryDirectory(prefix="impasto-lane-")
        copies = {}
        for number, (path, data) in enumerate(files.items()):
            # The name says of which style a file is, and its suffix of which kind.
            place = Path(self._folder.name, str(number), Path(path).name)
            place.parent.mkdir()
            place.write_bytes(data)
            copies[path] = str(place)
        for kind in ("styles", "weights"):
            settings = settings | {kind: {name: copies[path] for name, path in settings[kind].items()}}
        self._worker = WorkerProcess(settings, WORKER, lambda: None)

    def send(self, kind: str, blobs: Sequence[bytes], values: Mapping[str, Any]) -> None:
        self._worker.send(kind, blobs, **values)

    def receive(self) -> wire.Message | None:
        """From it; None if it says nothing for a while. Raises WorkerDiedError."""
        return self._worker.receive(POLL_SECONDS)

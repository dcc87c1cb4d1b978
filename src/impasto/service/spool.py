"""Accepted jobs and their results on the disk, so that they outlive the server: a table in SQLite, and files.

A job's files are what it needs to be painted, in the form in which the painting process gets it, and its painting. No
pickle: what lies on the disk is read as carefully as what comes from the network.
"""

import io
import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from impasto.errors import ImpastoError, reason_of
from impasto.files import replacing
from impasto.service import wire
from impasto.service.job import Failure, JobResult, ServiceJob, Status
from impasto.service.request import PaintRequest, VideoRequest, restored

logger = logging.getLogger("impasto.service")

DATABASE, LOCK = "jobs.sqlite", ".lock"
REQUEST, RESULT = ".request", ".result"
"""With a job's id before them, the names of its files."""

MOST_BEGUN = 3
"""Times that a job is begun by servers that died over it."""

_VERSION = 1
_SAME = ("id", "user", "kind", "method", "pixels", "expected", "num_bytes", "step", "total")
"""Columns that hold what a job's fields of these names do."""
_TABLE = """
create table if not exists jobs (
    id text primary key, user text not null, kind text not null, method text not null, status text not null,
    pixels integer not null, expected real not null, most_seconds real not null, num_bytes integer not null,
    begun integer not null default 0, created real not null, finished real, seconds real, step integer, total integer,
    format text, failure text
) strict
"""


class Spool:
    """One folder, which belongs to one service at a time. Not safe between threads by itself.

    folder: made if it is not there, readable for its owner alone. clock: of the times of jobs; on the disk they are
    those of the calendar, as a clock of this process says nothing to the next one.
    """

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self.folder, self._clock = folder, clock
        self._lock = FileLock(folder / LOCK, thread_local=False, mode=0o600)
        self._table: sqlite3.Connection | None = None

    def open(self) -> list[ServiceJob]:
        """All jobs: the finished ones in the order in which they were, then those to paint, the oldest first.

        A job that cannot be painted any more has failed. Files that belong to no job are removed.
        Raises ImpastoError if the folder is another service's, cannot be used, or is damaged.
        """
        with ExitStack() as stack:
            stack.callback(self.close)
            try:
                self._claim()
                jobs = self._loaded()
            except Timeout as error:
                raise ImpastoError(f"{self.folder}: another server keeps its jobs there") from error
            except OSError as error:
                raise ImpastoError(f"{self.folder}: jobs cannot be kept there: {reason_of(error)}") from error
            except sqlite3.Error as error:
                raise ImpastoError(f"{self.folder / DATABASE}: is damaged ({error}); move the folder away") from error
            stack.pop_all()
        return jobs

    def close(self) -> None:
        """What is there stays."""
        if self._table is not None:
            self._table.close()
            self._table = None
        self._lock.release()

    def keep(self, job: ServiceJob) -> None:
        """The job as it is now. Raises OSError and sqlite3.Error, and what was there of it before stays."""
        if job.request is not None:
            _write(self._file(job.id, REQUEST), _packed(job.request))
        if job.result is not None and job.result.path is None:
            _write(self._file(job.id, RESULT), job.result.data)
        row = self._row(job)
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        # How often it was begun stays.
        changes = ", ".join(f"{name} = excluded.{name}" for name in row)
        self._do(f"insert into jobs ({names}) values ({marks}) on conflict (id) do update set {changes}", row)  # noqa: S608  (the names are ours)
        if job.status.is_final:
            self._file(job.id, REQUEST).unlink(missing_ok=True)

    def begin(self, job: ServiceJob) -> None:
        """It is about to be painted, which may be the end of this server."""
        self._do("update jobs set begun = begun + 1 where id = ?", (job.id,))

    def forget(self, job_id: str) -> None:
        try:
            self._do("delete from jobs where id = ?", (job_id,))
            for suffix in (REQUEST, RESULT):
                self._file(job_id, suffix).unlink(missing_ok=True)
        except (OSError, sqlite3.Error):
            logger.exception("job %s cannot be removed from the disk", job_id)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (mode := self.folder.stat().st_mode & 0o777) & 0o077 and os.name == "posix":
            logger.warning("%s: others may look into this folder (mode %o): chmod 700 it", self.folder, mode)
        self._lock.acquire(timeout=0)
        # Only one thread at a time uses it: whoever holds the service's lock.
        self._table = table = sqlite3.connect(self.folder / DATABASE, check_same_thread=False, isolation_level=None)
        (self.folder / DATABASE).chmod(0o600)
        table.row_factory = sqlite3.Row
        table.execute("pragma journal_mode = wal")
        # Each transaction is on the disk when it is over: an accepted job outlives a cut of power, too.
        table.execute("pragma synchronous = full")
        (version,) = table.execute("pragma user_version").fetchone()
        if version not in (0, _VERSION):
            raise ImpastoError(f"{self.folder}: another version of impasto keeps its jobs there; choose another folder")
        table.execute(_TABLE)
        table.execute(f"pragma user_version = {_VERSION}")

    def _loaded(self) -> list[ServiceJob]:
        rows = self._do("select * from jobs order by finished is null, finished, created").fetchall()
        jobs = [self._job(row) for row in rows]
        known = {job.id for job in jobs}
        for path in self.folder.iterdir():
            if path.suffix == ".part" or (path.suffix in (REQUEST, RESULT) and path.stem not in known):
                path.unlink(missing_ok=True)
            elif path.suffix in (REQUEST, RESULT):
                # Earlier versions let others read them.
                path.chmod(0o600)
        return jobs

    def _do(self, what: str, values: Any = ()) -> sqlite3.Cursor:
        assert self._table is not None
        return self._table.execute(what, values)

    def _file(self, job_id: str, suffix: str) -> Path:
        return self.folder / f"{job_id}{suffix}"

    def _row(self, job: ServiceJob) -> dict[str, Any]:
        return {name: getattr(job, name) for name in _SAME} | {
            "status": job.status if job.status.is_final else Status.QUEUED, "most_seconds": job.limit,
            "created": self._calendar(job.created), "finished": self._calendar(job.finished),
            "seconds": None if job.finished is None or job.started is None else job.finished - job.started,
            "format": job.result.format if job.result else None,
            "failure": job.failure and json.dumps([job.failure.code, job.failure.message]),
        }  # fmt: skip

    def _job(self, row: sqlite3.Row) -> ServiceJob:
        job = ServiceJob(
            request=None, is_kept=True, status=Status(row["status"]), limit=row["most_seconds"],
            created=self._uptime(row["created"]) or 0.0, finished=self._uptime(row["finished"]),
            **{name: row[name] for name in _SAME},
        )  # fmt: skip
        if job.finished is not None and row["seconds"] is not None:
            job.started = job.finished - row["seconds"]
        if row["failure"] is not None:
            job.failure = Failure(*json.loads(row["failure"]))
        try:
            if not job.status.is_final:
                job.request = _unpacked(row["kind"], self._file(job.id, REQUEST).read_bytes())
            elif row["format"] is not None and row["kind"] != VideoRequest.kind:
                job.result = JobResult(self._file(job.id, RESULT).read_bytes(), row["format"])
        # Of another version, or touched by somebody.
        except (OSError, ImpastoError, wire.WireError, LookupError, TypeError, ValueError) as error:
            self._lose(job, f"what the server had kept of it cannot be read: {error}")
        if not job.status.is_final and row["begun"] >= MOST_BEGUN:
            self._lose(job, f"the server died {MOST_BEGUN} times while it painted this; try a smaller size")
        return job

    def _lose(self, job: ServiceJob, why: str) -> None:
        job.status, job.failure, job.finished = Status.FAILED, Failure("lost", why), self._clock()
        job.request = None
        self.keep(job)

    def _calendar(self, moment: float | None) -> float | None:
        return None if moment is None else time.time() - (self._clock() - moment)

    def _uptime(self, moment: float | None) -> float | None:
        """Never in the future: what was kept while the calendar was wrong would stay for ever."""
        return None if moment is None else self._clock() - max(0.0, time.time() - moment)


def _write(target: Path, data: bytes) -> None:
    """In one step, and for the owner alone: it is a picture of somebody's."""
    with replacing(target) as part:
        part.touch(mode=0o600)
        part.write_bytes(data)


def _packed(request: PaintRequest | VideoRequest) -> bytes:
    stream = io.BytesIO()
    wire.write(stream, request.kind, list(request.uploads().values()), **request.task())
    return stream.getvalue()


def _unpacked(kind: str, data: bytes) -> PaintRequest | VideoRequest:
    message = wire.read(io.BytesIO(data))
    if message is None or message.kind != kind:
        raise ValueError("it is cut short")
    return restored(kind, message.values, message.blobs)

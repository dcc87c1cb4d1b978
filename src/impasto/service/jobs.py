"""Every job there is, from when it is taken until its result is forgotten; those that are kept, on the disk as well."""

import logging
import secrets
import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.service.job import PAINTED, Failure, JobOutcome, JobResult, ServiceJob, Status, owner
from impasto.service.limits import MEGA, REPLICA, Limits
from impasto.service.refusals import NoSuchJobError, RefusedError
from impasto.service.request import VideoRequest
from impasto.service.spool import Spool
from impasto.service.videos import Videos

logger = logging.getLogger("impasto.service")


class Jobs:
    """Not safe between threads by itself.

    Of the finished ones only the newest are kept, bounded in number, bytes and age. Of what is too much, the oldest of
    the user go who has the most, so that nobody loses a painting because of another's; the newest stays even if it
    alone is too large, as somebody is about to fetch it.
    """

    def __init__(
        self, limits: Limits, videos: Videos, clock: Callable[[], float], spool: Path | None, replica: str = ""
    ) -> None:
        """spool: folder of what is kept; None keeps nothing. replica: name of this server among several behind one
        address, with which the ids of its jobs begin, so that a proxy finds them; empty if it is alone."""
        self._limits, self._videos, self._clock, self._replica = limits, videos, clock, replica
        self._spool = None if spool is None else Spool(spool, clock)
        self.by_id: dict[str, ServiceJob] = {}
        self.finished: OrderedDict[str, ServiceJob] = OrderedDict()
        self.result_bytes = 0

    def open(self) -> list[ServiceJob]:
        """What a server before this one had accepted and not finished, the oldest first. Raises ImpastoError."""
        jobs = [] if self._spool is None else self._spool.open()
        self._videos.start()
        for job in jobs:
            self.by_id[job.id] = job
            if job.kind == VideoRequest.kind:
                self._find_film(job)
            if job.status.is_final:
                self._keep_finished(job)
        self._videos.remove_others()
        if self._spool is not None:
            told = "%s: %d jobs are taken up, %d were finished before"
            logger.info(told, self._spool.folder, len(self.unfinished()), len(self.finished))
        return self.unfinished()

    def close(self) -> None:
        """What is kept stays on the disk."""
        self._videos.close()
        if self._spool is not None:
            self._spool.close()

    def new_id(self) -> str:
        """That nobody can guess."""
        return ".".join(filter(None, (self._replica, secrets.token_urlsafe(16))))

    def find(self, job_id: str, user: str | None) -> ServiceJob:
        """Raises NoSuchJobError, and RefusedError "other-replica"."""
        self.sweep()
        job = self.by_id.get(job_id)
        other, dot, _ = job_id.partition(".")
        if job is None and self._replica and dot and other != self._replica and REPLICA.fullmatch(other):
            raise RefusedError("other-replica", f"the job is not on this server, but on {other}", replica=other)
        if job is None or (user is not None and job.user != user):
            raise NoSuchJobError
        return job

    def unfinished(self) -> list[ServiceJob]:
        return [job for job in self.by_id.values() if not job.status.is_final]

    @property
    def bytes_waiting(self) -> int:
        """Of the uploads of those that are not finished."""
        return sum(job.num_bytes for job in self.unfinished())

    def keep(self, job: ServiceJob) -> None:
        """From now on it outlives the server, where there is a spool. Raises RefusedError "queue-full"."""
        if self._spool is None or job.is_kept:
            return
        try:
            self._spool.keep(job)
        except (OSError, sqlite3.Error) as error:
            self._spool.forget(job.id)
            logger.exception("job %s cannot be kept", job.id)
            retry_after = self._limits.keep_seconds / 4
            raise RefusedError("queue-full", "the server's disk is full", retry_after=retry_after) from error
        job.is_kept = True

    def begin(self, job: ServiceJob) -> None:
        if self._spool is not None and job.is_kept:
            self._spool.begin(job)

    def end(self, job: ServiceJob, outcome: JobOutcome) -> None:
        """The one place where a job becomes final; but one that is kept and only stopped with the server is put off."""
        if job.is_kept and outcome.failure is not None and outcome.failure.code == "stopping":
            # As it was when it began to wait; so the next server finds it on the disk.
            job.status, job.is_put_off, job.request = Status.QUEUED, True, None
            job.started = job.seconds_left = job.preview = None
            job.step = job.total = job.previews = 0
            return
        job.finished = self._clock()
        job.result, job.failure = outcome.result, outcome.failure
        job.status = Status.FAILED if outcome.failure else Status.CANCELLED if outcome.stopped else Status.DONE
        # The upload is not needed any more, so it is not kept.
        job.request, job.preview = None, None
        self._videos.end(job.id)
        if job.is_kept and self._spool is not None:
            try:
                self._spool.keep(job)
            except (OSError, sqlite3.Error):
                # It is painted again, should the server die before its result is fetched.
                logger.exception("the result of job %s cannot be kept", job.id)
        self._keep_finished(job)
        if job.dropped:
            self.forget(job)

    def add_copy(self, job_id: str, format: str, data: bytes) -> None:  # noqa: A002
        """Counts as the painting itself does. Nothing, if there is one already or the job is gone."""
        job = self.finished.get(job_id)
        if job is not None and job.result is not None and format not in job.result.copies:
            job.result.copies[format] = data
            self.result_bytes += len(data)
            self.sweep()

    def forget(self, job: ServiceJob) -> None:
        """A finished one, before its time."""
        if self.finished.pop(job.id, None) is None:
            return
        self.result_bytes -= _size(job)
        self.by_id.pop(job.id, None)
        self._videos.discard(job.id)
        if self._spool is not None and job.is_kept:
            self._spool.forget(job.id)

    def sweep(self) -> None:
        """Let go of what was finished too long ago or is too much."""
        now, limits = self._clock(), self._limits
        while self.finished:
            oldest = next(iter(self.finished.values()))
            assert oldest.finished is not None
            if now - oldest.finished < limits.keep_seconds:
                break
            self.forget(oldest)
        while len(self.finished) > 1 and (len(self.finished) > limits.results or self._is_too_large()):
            self.forget(self._next_to_go())

    # --- inside -------------------------------------------------------------------------------------------------------

    def _keep_finished(self, job: ServiceJob) -> None:
        self.finished[job.id] = job
        self.result_bytes += _size(job)
        self.sweep()

    def _is_too_large(self) -> bool:
        return self.result_bytes > self._limits.results_mb * MEGA

    def _next_to_go(self) -> ServiceJob:
        shares: Counter[str] = Counter()
        for job in self.finished.values():
            shares[owner(job.user)] += _size(job) if self._is_too_large() else 1
        older = list(self.finished.values())[:-1]
        return max(older, key=lambda job: shares[owner(job.user)])

    def _find_film(self, job: ServiceJob) -> None:
        try:
            job.folder = self._videos.adopt(job.id, job.user, is_final=job.status.is_final)
        except (OSError, ImpastoError) as error:
            if not job.status.is_final:
                self.end(job, JobOutcome(failure=Failure("lost", f"the film cannot be painted any more: {error}")))
            return
        film = next(job.folder.glob(f"{PAINTED}.*"), None)
        if job.status.is_final and film is not None:
            job.result = JobResult(b"", film.suffix[1:], film)


def _size(job: ServiceJob) -> int:
    return sum(map(len, (job.result.data, *job.result.copies.values()))) if job.result else 0

"""Every job there is, from when it is taken until its result is forgotten; those that are kept, on the disk as well."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.service.finished_jobs import FinishedJobs
from impasto.service.job import Failure, JobResult, ServiceJob, Status
from impasto.service.limits import MEGA, Limits
from impasto.service.process import JobOutcome
from impasto.service.refusals import NoSuchJobError, QueueFullError
from impasto.service.replica import check_here
from impasto.service.spool import Spool
from impasto.service.video_request import VideoRequest
from impasto.service.videos import PAINTED, Videos

logger = logging.getLogger("impasto.service")


class Jobs:
    """Not safe between threads by itself. spool: folder of what is kept; None keeps nothing. replica: see there."""

    def __init__(
        self, limits: Limits, videos: Videos, clock: Callable[[], float], spool: Path | None, replica: str = ""
    ) -> None:
        self._limits, self._videos, self._clock, self._replica = limits, videos, clock, replica
        self._spool = None if spool is None else Spool(spool, clock)
        self.by_id: dict[str, ServiceJob] = {}
        self.finished = FinishedJobs(limits.results, limits.results_mb * MEGA, limits.keep_seconds, self._forget)

    def open(self) -> list[ServiceJob]:
        """What a server before this one had accepted and not finished, the oldest first. Raises ImpastoError."""
        if self._spool is None:
            self._videos.start()
            return []
        self._spool.open()
        self._videos.start()
        try:
            jobs = self._spool.load()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise ImpastoError(f"{self._spool.folder}: what is kept there cannot be read: {error}") from error
        for job in jobs:
            self.by_id[job.id] = job
            if job.kind == VideoRequest.kind:
                self._find_film(job)
            if job.status.is_final:
                self.finished.add(job, self._clock())
        self._videos.remove_others()
        taken_up = self.unfinished()
        finished = len(jobs) - len(taken_up)
        logger.info("%s: %d jobs are taken up, %d were finished before", self._spool.folder, len(taken_up), finished)
        return taken_up

    def close(self) -> None:
        """What is kept stays on the disk."""
        self._videos.close()
        if self._spool is not None:
            self._spool.close()

    def find(self, job_id: str, user: str | None) -> ServiceJob:
        """Raises NoSuchJobError, and OtherReplicaError for one of another replica's."""
        self.finished.sweep(self._clock())
        job = self.by_id.get(job_id)
        if job is None:
            check_here(job_id, self._replica)
        if job is None or (user is not None and job.user != user):
            raise NoSuchJobError("there is no such job, or its result has expired")
        return job

    def unfinished(self) -> list[ServiceJob]:
        return [job for job in self.by_id.values() if not job.status.is_final]

    @property
    def bytes_waiting(self) -> int:
        """Of the uploads of those that are not finished."""
        return sum(job.num_bytes for job in self.unfinished())

    def add(self, job: ServiceJob) -> None:
        """From now on it can be found."""
        self.by_id[job.id] = job

    def keep(self, job: ServiceJob) -> None:
        """From now on it outlives the server, where there is a spool. Raises QueueFullError."""
        if self._spool is None or job.is_kept:
            return
        try:
            self._spool.keep(job)
        except (OSError, sqlite3.Error) as error:
            self._drop_kept(job)
            logger.exception("job %s cannot be kept", job.id)
            raise QueueFullError("the server's disk is full", retry_after=self._limits.keep_seconds / 4) from error
        job.is_kept = True

    def begin(self, job: ServiceJob) -> None:
        """It is about to be painted."""
        if self._spool is not None and job.is_kept:
            self._spool.begin(job)

    def end(self, job: ServiceJob, outcome: JobOutcome) -> None:
        """The one place where a job becomes final; but one that is kept and only stopped with the server is put off."""
        if job.is_kept and outcome.failure is not None and outcome.failure.code == "stopping":
            # On the disk the next server finds it as it was.
            job.put_off()
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
        self.finished.add(job, job.finished)
        if job.dropped:
            self.finished.remove(job)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _forget(self, job: ServiceJob) -> None:
        self.by_id.pop(job.id, None)
        self._videos.discard(job.id)
        if job.is_kept:
            self._drop_kept(job)

    def _drop_kept(self, job: ServiceJob) -> None:
        assert self._spool is not None
        try:
            self._spool.forget(job.id)
        except (OSError, sqlite3.Error):
            logger.exception("job %s cannot be removed from the disk", job.id)

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

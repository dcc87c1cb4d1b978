"""One device: keeps a painting process on it, gives it job after job, and replaces it when it dies."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from impasto.service.job import Failure, ServiceJob
from impasto.service.limits import MEGA, Limits
from impasto.service.metrics import ServiceMetrics
from impasto.service.offer import Offer
from impasto.service.process import START_SECONDS, JobOutcome, JobProgress, WorkerDiedError, WorkerProcess, run, stopped
from impasto.service.videos import Videos

logger = logging.getLogger("impasto.service")

ATTEMPTS = 2
"""Times that a job is given to a worker; the second only if the first worker died."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries to start a worker that does not start."""


class JobSource(Protocol):
    """Gives jobs to device workers, and hears what becomes of them; the service is one."""

    offer: Offer
    limits: Limits
    metrics: ServiceMetrics
    videos: Videos

    def is_closed(self) -> bool:
        """Whether the work is over."""

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the work."""

    def take(self, worker: "DeviceWorker") -> ServiceJob | None:
        """Wait for the next job; None if the work is over or the worker's process dies before there is one."""

    def report(self, job: ServiceJob, progress: JobProgress) -> None:
        """How far a job is."""

    def end(self, worker: "DeviceWorker", job: ServiceJob, outcome: JobOutcome) -> None:
        """A job is final."""

    def worker_changed(self, worker: "DeviceWorker", *, ready: bool, problem: str = "") -> None:
        """A process is there, or is not, and why."""


class DeviceWorker:
    """Fields are the source's, under its lock. problem: why there is no process that paints. lacking: {what it is not
    confined in: why}. cache: {what: (hits, misses)} of its process."""

    def __init__(self, device: str, command: Sequence[str], *, confine: bool = True) -> None:
        self.device, self._command, self._confine = device, command, confine
        self.process: WorkerProcess | None = None
        self.job: ServiceJob | None = None
        self.is_ready = False
        self.problem = ""
        self.failed_starts = 0
        self.lacking: Mapping[str, str] = {}
        self.cache: dict[str, tuple[int, int]] = {}

    def work(self, source: JobSource) -> None:
        """Until the source closes, whatever happens."""
        pause = 0.5
        try:
            while not source.is_closed():
                if self._paint_or_start(source):
                    pause = 0.5
                else:
                    source.pause(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._discard()
            source.worker_changed(self, ready=False, problem=self.problem)

    def _paint_or_start(self, source: JobSource) -> bool:
        """A process that is ready, and a job for it. Whether that went well."""
        try:
            if not self.is_ready and not self._start(source):
                return False
            self._paint_next(source)
        except Exception:
            logger.exception("%s: what gives it jobs broke", self.device)
            if self.job is not None:
                source.end(self, self.job, JobOutcome(failure=_INTERNAL))
            source.worker_changed(self, ready=False, problem=_INTERNAL.message)
            return False
        return True

    def _paint_next(self, source: JobSource) -> None:
        job = source.take(self)
        if job is not None:
            source.end(self, job, self._painted(source, job))
            if self.process is None or self.process.is_dead:
                source.worker_changed(self, ready=False)

    def _start(self, source: JobSource) -> bool:
        """Whether there is a process now that is ready."""
        self._discard()
        problem = ""
        try:
            self.process = WorkerProcess(self._settings(source), self._command, lambda: self._on_death(source))
            problem = self.process.wait_until_ready(START_SECONDS, source.is_closed)
        except WorkerDiedError:
            problem = "the painting process died while it started"
        except OSError as error:
            problem = f"the painting process cannot be started: {error}"
        if problem and not source.is_closed():
            logger.error("%s: %s", self.device, problem)
        elif self.process is not None:
            logger.info("%s: a painting process is ready", self.device)
            self._tell_lacking(self.process.lacking)
        source.worker_changed(self, ready=not problem, problem=problem)
        return not problem

    def _tell_lacking(self, lacking: Mapping[str, str]) -> None:
        if lacking != self.lacking and self._confine:
            for part, why in lacking.items():
                logger.warning("%s: the painting process is not confined in its %s: %s", self.device, part, why)
        self.lacking = lacking

    def _settings(self, source: JobSource) -> dict[str, Any]:
        return {
            "confined": self._bounds(source) if self._confine else None,
            "device": self.device,
            "styles": {name: str(path) for name, path in source.offer.styles.items()},
            "weights": {name: str(path) for name, path in source.offer.weights.items()},
            "pixel_limit": round(source.limits.megapixels * MEGA),
            "keep_seconds": source.limits.keep_seconds,
        }

    def _bounds(self, source: JobSource) -> dict[str, Any]:
        """What the process may write, as `worker` is told it."""
        folder = source.videos.folder
        return {"writable": [str(folder)] if folder else [], "file_bytes": _room(source.limits)}

    def _painted(self, source: JobSource, job: ServiceJob) -> JobOutcome:
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                logger.warning("job %s is painted again", job.id)
                source.metrics.retries.inc()
                if not self._start(source):
                    break
            try:
                assert self.process is not None
                values = {} if job.folder is None else {"folder": str(job.folder), "num_bytes": _room(source.limits)}
                return run(self.process, job, lambda progress: source.report(job, progress), **values)
            except WorkerDiedError as died:
                logger.warning("job %s: the painting process died%s", job.id, f": {died}" if died.args else "")
                source.worker_changed(self, ready=False)
                if job.stop:
                    break
        if job.stop:
            return stopped(job, None)
        return JobOutcome(
            failure=Failure("worker-died", "the painting process died while it painted this; try a smaller size")
        )

    def _on_death(self, source: JobSource) -> None:
        if self.process is not None and self.process.is_dead:
            if not self.process.was_ended:
                source.metrics.worker_deaths.inc()
                logger.warning("%s: the painting process died; another one takes its place", self.device)
            if self.job is None and self.is_ready:
                source.worker_changed(self, ready=False)

    def _discard(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.close()


def _room(limits: Limits) -> int:
    """Bytes for a film while it is painted."""
    return round(limits.video_result_mb * MEGA)


_INTERNAL = Failure("internal", "something went wrong inside impasto")

"""One device: keeps a painting process on it, gives it job after job, and replaces it when it dies."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from impasto.service.job import Failure, Job
from impasto.service.limits import MEGA
from impasto.service.process import START_SECONDS, Ended, Worker, WorkerDiedError, run, stopped

if TYPE_CHECKING:
    from impasto.service.service import Service

logger = logging.getLogger("impasto.service")

ATTEMPTS = 2
"""Times that a job is given to a worker; the second only if the first worker died."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries to start a worker that does not start."""


class Lane:
    """Fields are the service's, under its lock. problem: why there is no process that paints. cache: {what: (hits,
    misses)} of its process."""

    def __init__(self, device: str, command: Sequence[str]) -> None:
        self.device, self._command = device, command
        self.worker: Worker | None = None
        self.job: Job | None = None
        self.is_ready = False
        self.problem = ""
        self.failed_starts = 0
        self.cache: dict[str, tuple[int, int]] = {}

    def work(self, service: "Service") -> None:
        """Until the service closes, whatever happens."""
        pause = 0.5
        try:
            while not service.is_closed():
                if self._turn(service):
                    pause = 0.5
                else:
                    service.pause(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._discard()
            service.lane_changed(self, ready=False, problem=self.problem)

    def _turn(self, service: "Service") -> bool:
        """A process that is ready, and a job for it. Whether that went well."""
        try:
            if not self.is_ready and not self._start(service):
                return False
            self._paint_next(service)
        except Exception:
            logger.exception("%s: what gives it jobs broke", self.device)
            if self.job is not None:
                service.end(self, self.job, Ended(failure=_INTERNAL))
            service.lane_changed(self, ready=False, problem=_INTERNAL.message)
            return False
        return True

    def _paint_next(self, service: "Service") -> None:
        job = service.take(self)
        if job is not None:
            service.end(self, job, self._painted(service, job))
            if self.worker is None or self.worker.is_dead:
                service.lane_changed(self, ready=False)

    def _start(self, service: "Service") -> bool:
        """Whether there is a process now that is ready."""
        self._discard()
        problem = ""
        try:
            self.worker = Worker(self._settings(service), self._command, lambda: self._on_death(service))
            problem = self.worker.wait_until_ready(START_SECONDS, service.is_closed)
        except WorkerDiedError:
            problem = "the painting process died while it started"
        except OSError as error:
            problem = f"the painting process cannot be started: {error}"
        if problem and not service.is_closed():
            logger.error("%s: %s", self.device, problem)
        service.lane_changed(self, ready=not problem, problem=problem)
        return not problem

    def _settings(self, service: "Service") -> dict[str, Any]:
        return {
            "device": self.device,
            "styles": {name: str(path) for name, path in service.offer.styles.items()},
            "weights": {name: str(path) for name, path in service.offer.weights.items()},
            "pixel_limit": round(service.limits.megapixels * MEGA),
            "keep_seconds": service.limits.keep_seconds,
        }

    def _painted(self, service: "Service", job: Job) -> Ended:
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                logger.warning("job %s is painted again", job.id)
                service.metrics.retries.inc()
                if not self._start(service):
                    break
            try:
                assert self.worker is not None
                return run(self.worker, job, service.limits.job_seconds, lambda report: service.report(job, report))
            except WorkerDiedError as died:
                logger.warning("job %s: the painting process died%s", job.id, f": {died}" if died.args else "")
                service.lane_changed(self, ready=False)
                if job.stop:
                    break
        if job.stop:
            return stopped(job, None, service.limits.job_seconds)
        return Ended(
            failure=Failure("worker-died", "the painting process died while it painted this; try a smaller size")
        )

    def _on_death(self, service: "Service") -> None:
        if self.worker is not None and self.worker.is_dead:
            service.metrics.worker_deaths.inc()
            if self.job is None and self.is_ready:
                service.lane_changed(self, ready=False)

    def _discard(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.close()


_INTERNAL = Failure("internal", "something went wrong inside impasto")

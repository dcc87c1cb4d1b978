"""The inner half of the service: the jobs, their queue, and for each device a thread that has them painted."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from impasto.confinement import PARTS
from impasto.errors import ImpastoError
from impasto.service.job import Failure, JobOutcome, JobProgress, ServiceJob, Status
from impasto.service.jobs import Jobs
from impasto.service.limits import MEGA, Limits
from impasto.service.metrics import ServiceHealth, ServiceMetrics
from impasto.service.offer import Offer
from impasto.service.process import START_SECONDS, STOP_SECONDS, WORKER, WorkerDiedError, WorkerProcess, run, stopped
from impasto.service.schedule import Durations, FairQueue, may_begin
from impasto.service.uploads import Uploads
from impasto.service.videos import Videos

logger = logging.getLogger("impasto.service")

ATTEMPTS = 2
"""Times that a job is given to a process; the second only if the first one died."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two tries to start a process that does not start."""
FAILED_STARTS = 3
"""One after the other, after which jobs do not wait for a process any longer."""
SWEEP_SECONDS = 1.0
"""Between two looks for results that have expired."""

_INTERNAL = Failure("internal", "something went wrong inside impasto")


@dataclass(eq=False)
class Lane:
    """One device and the process that paints on it, under the lock. problem: why there is none. lacking: {what it is
    not confined in: why}. cache: {what: (hits, misses)} of it."""

    device: str
    process: WorkerProcess | None = None
    job: ServiceJob | None = None
    is_ready: bool = False
    problem: str = ""
    failed_starts: int = 0
    lacking: Mapping[str, str] = field(default_factory=dict)
    cache: dict[str, tuple[int, int]] = field(default_factory=dict)


class Workshop:
    """Keeps a painting process on each device, gives it job after job, and replaces it when it dies."""

    def __init__(
        self,
        offer: Offer | None = None,
        limits: Limits | None = None,
        *,
        devices: Sequence[str] = ("auto",),
        command: Sequence[str] = WORKER,
        clock: Callable[[], float] = time.monotonic,
        spool: Path | None = None,
        replica: str = "",
        confine: bool = True,
    ) -> None:
        """devices: as `impasto.load` takes them, one process for each. command: what starts a painting process. spool:
        folder of the jobs that `keep` is called for, and of their results; without one, nothing outlives the service.
        replica: name of this one among several behind one address, with which the ids of its jobs begin. confine: keep
        processes that paint on a CPU from the network and from files that are not theirs, where the system can.
        """
        self.offer, self.limits = offer or Offer(), limits or Limits()
        self.metrics = ServiceMetrics(self.health)
        self.uploads = Uploads(self.limits, clock)
        self.videos = Videos(self.limits, clock, None if spool is None else spool / "films")
        self._clock, self._command, self._confine = clock, command, confine
        # That a film may need while it is painted.
        self._film_bytes = round(self.limits.video_result_mb * MEGA)
        self._changed = threading.Condition(threading.RLock())
        self._queue = FairQueue()
        self._durations = Durations()
        self._jobs = Jobs(self.limits, self.videos, clock, spool, replica)
        self._lanes = [Lane(device) for device in devices]
        self._threads: list[threading.Thread] = []
        self._stopping = self._closed = False
        self._stop_at = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the processes in the background (`wait_until_ready`). Raises ImpastoError for a spool of no use."""
        for job in self._jobs.open():
            self._queue.put(job)
        works: Iterable[Callable[[], None]] = [*(partial(self._work, lane) for lane in self._lanes), self._sweep]
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def wait_until_ready(self, timeout: float = START_SECONDS) -> None:
        """Raises ImpastoError with the reason, if no process starts."""
        with self._changed:
            self._changed.wait_for(lambda: any(lane.problem or lane.is_ready for lane in self._lanes), timeout)
            if not self._ready():
                problems = filter(None, (lane.problem for lane in self._lanes))
                raise ImpastoError(next(problems, "the painting process is late"))

    def stop(self) -> None:
        """Take no more jobs, and hand back those that wait; what is being painted goes on."""
        with self._changed:
            if not self._stopping:
                self._stopping, self._stop_at = True, self._clock() + self.limits.stop_seconds
            self._hand_back(Failure("stopping", "the server is shutting down; send the job again"))
            self._changed.notify_all()

    def drain(self) -> bool:
        """`stop`, and wait for what is painted, `limits.stop_seconds`. Whether users may ask what became of jobs."""
        with self._changed:
            asked_for = bool(self._jobs.unfinished())
            self.stop()
            self._changed.wait_for(lambda: not self._running(), max(0.0, self._stop_at - self._clock()))
            for job in self._running():
                job.stop = job.stop or "stopping"
            self._changed.wait_for(lambda: not self._running(), STOP_SECONDS + 1)
        return asked_for

    def close(self) -> None:
        """`drain`, and end the processes."""
        self.drain()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._jobs.close()

    # --- how it is ----------------------------------------------------------------------------------------------------

    def health(self) -> ServiceHealth:
        with self._changed:
            ready, caches = self._ready(), [lane.cache for lane in self._lanes]
            return ServiceHealth(
                ready=ready > 0 and not self._stopping, stopping=self._stopping, workers=len(self._lanes),
                workers_ready=ready, waiting=len(self._queue), running=len(self._running()),
                upload_bytes=self._jobs.bytes_waiting, results=len(self._jobs.finished),
                result_bytes=self._jobs.result_bytes, video_bytes=self.videos.num_bytes,
                confined=tuple(part for part in PARTS if not any(part in lane.lacking for lane in self._lanes)),
                problems=tuple(f"{lane.device}: {lane.problem}" for lane in self._lanes if lane.problem),
                cache={name: _added([cache.get(name, (0, 0)) for cache in caches]) for name in ("styles", "looks")},
            )  # fmt: skip

    def worker_pids(self) -> list[int]:
        with self._changed:
            return [lane.process.pid for lane in self._lanes if lane.process and not lane.process.is_dead]

    # --- a lane, in its thread ----------------------------------------------------------------------------------------

    def _work(self, lane: Lane) -> None:
        """Until the service closes, whatever happens."""
        pause = FIRST_PAUSE
        try:
            while not self._closed:
                if self._paint_or_start(lane):
                    pause = FIRST_PAUSE
                else:
                    self._pause(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            _discard(lane)
            self._set_ready(lane, ready=False, problem=lane.problem)

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def _paint_or_start(self, lane: Lane) -> bool:
        """A process that is ready, and a job for it. Whether that went well."""
        try:
            if not lane.is_ready and not self._start_process(lane):
                return False
            if (job := self._take(lane)) is not None:
                self._end(lane, job, self._painted(lane, job))
                if lane.process is None or lane.process.is_dead:
                    self._set_ready(lane, ready=False)
        except Exception:
            logger.exception("%s: what gives it jobs broke", lane.device)
            if lane.job is not None:
                self._end(lane, lane.job, JobOutcome(failure=_INTERNAL))
            self._set_ready(lane, ready=False, problem=_INTERNAL.message)
            return False
        return True

    def _start_process(self, lane: Lane) -> bool:
        """Whether there is one now that is ready."""
        _discard(lane)
        problem = ""
        try:
            lane.process = WorkerProcess(self._settings(lane.device), self._command, lambda: self._on_death(lane))
            problem = lane.process.wait_until_ready(START_SECONDS, lambda: self._closed)
        except WorkerDiedError:
            problem = "the painting process died while it started"
        except OSError as error:
            problem = f"the painting process cannot be started: {error}"
        if problem and not self._closed:
            logger.error("%s: %s", lane.device, problem)
        elif lane.process is not None:
            logger.info("%s: a painting process is ready", lane.device)
            if self._confine and lane.process.lacking != lane.lacking:
                for part, why in lane.process.lacking.items():
                    told = "%s: the painting process is not confined in its %s: %s"
                    logger.warning(told, lane.device, part, why)
            lane.lacking = lane.process.lacking
        self._set_ready(lane, ready=not problem, problem=problem)
        return not problem

    def _settings(self, device: str) -> dict[str, Any]:
        folder = self.videos.folder
        return {
            "confined": {"writable": [str(folder)] if folder else [], "file_bytes": self._film_bytes}
            if self._confine
            else None,
            "device": device,
            "styles": {name: str(path) for name, path in self.offer.styles.items()},
            "weights": {name: str(path) for name, path in self.offer.weights.items()},
            "pixel_limit": round(self.limits.megapixels * MEGA),
            "keep_seconds": self.limits.keep_seconds,
        }

    def _painted(self, lane: Lane, job: ServiceJob) -> JobOutcome:
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                logger.warning("job %s is painted again", job.id)
                self.metrics.retries.inc()
                if not self._start_process(lane):
                    break
            try:
                assert lane.process is not None
                return run(lane.process, job, partial(self._report, job), self._film_bytes)
            except WorkerDiedError as died:
                logger.warning("job %s: the painting process died%s", job.id, f": {died}" if died.args else "")
                self._set_ready(lane, ready=False)
                if job.stop:
                    break
        if job.stop:
            return stopped(job, None)
        return JobOutcome(
            failure=Failure("worker-died", "the painting process died while it painted this; try a smaller size")
        )

    def _on_death(self, lane: Lane) -> None:
        if lane.process is not None and lane.process.is_dead:
            if not lane.process.was_ended:
                self.metrics.worker_deaths.inc()
                logger.warning("%s: the painting process died; another one takes its place", lane.device)
            if lane.job is None and lane.is_ready:
                self._set_ready(lane, ready=False)

    # --- what lanes ask for and tell ----------------------------------------------------------------------------------

    def _take(self, lane: Lane) -> ServiceJob | None:
        """The next job, once there is one; None if the service closes or the lane's process dies before that."""
        with self._changed:
            while not self._closed and lane.is_ready:
                accept = partial(may_begin, running=self._running(), workers=self._ready())
                if (job := self._queue.take(accept)) is not None:
                    lane.job, job.status, job.started = job, Status.RUNNING, self._clock()
                    self._jobs.begin(job)
                    self.metrics.wait_seconds.observe(job.started - job.created)
                    self._tell(job, *self._queue.in_order())
                    return job
                self._changed.wait()
            return None

    def _report(self, job: ServiceJob, progress: JobProgress) -> None:
        with self._changed:
            job.step, job.total, job.seconds_left = progress.step, progress.total, progress.seconds_left
            if progress.preview:
                job.preview, job.previews = progress.preview, job.previews + 1
            self._tell(job)

    def _end(self, lane: Lane, job: ServiceJob, outcome: JobOutcome) -> None:
        with self._changed:
            lane.job = None
            lane.cache.update(outcome.cache)
            self._finish(job, outcome)

    def _set_ready(self, lane: Lane, *, ready: bool, problem: str = "") -> None:
        """Who waits for processes that do not start gets the jobs back."""
        with self._changed:
            lane.is_ready, lane.problem = ready, problem
            lane.failed_starts = 0 if ready else lane.failed_starts + bool(problem)
            if self._is_unavailable():
                self._hand_back(Failure("unavailable", "the painting process does not start; try again later"))
            self._changed.notify_all()

    def _sweep(self) -> None:
        with self._changed:
            while not self._closed:
                self._jobs.sweep()
                self.uploads.sweep()
                self.videos.sweep()
                self._changed.wait(SWEEP_SECONDS)

    # --- under the lock -----------------------------------------------------------------------------------------------

    def _finish(self, job: ServiceJob, outcome: JobOutcome) -> None:
        request = job.request
        self._jobs.end(job, outcome)
        if job.finished is not None:
            seconds = 0.0 if job.started is None else job.finished - job.started
            cut_off = job.stop == "time-limit"
            if request is not None and (job.status is Status.DONE or cut_off):
                self._durations.learn(request.options, job.pixels, seconds, job.kind, cut_off=cut_off)
            self.metrics.ended(job.kind, job.method, job.status, seconds)
        self._tell(job)

    def _hand_back(self, failure: Failure) -> None:
        while (job := self._queue.take()) is not None:
            self._finish(job, JobOutcome(failure=failure))

    def _is_unavailable(self) -> bool:
        return all(lane.failed_starts >= FAILED_STARTS for lane in self._lanes)

    def _running(self) -> list[ServiceJob]:
        return [lane.job for lane in self._lanes if lane.job is not None]

    def _ready(self) -> int:
        return sum(lane.is_ready for lane in self._lanes)

    def _tell(self, *jobs: ServiceJob) -> None:
        self._changed.notify_all()
        for listener in [listener for job in jobs for listener in job.listeners]:
            try:
                listener()
            except Exception:
                logger.exception("somebody who follows a job cannot be told")


def _added(counts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(hits for hits, _ in counts), sum(misses for _, misses in counts)


def _discard(lane: Lane) -> None:
    process, lane.process = lane.process, None
    if process is not None:
        process.close()

"""One queue in front of the models: what the web page, the HTTP API and the bot share."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from impasto.confinement import PARTS
from impasto.errors import ImpastoError
from impasto.service import refusals
from impasto.service.device_worker import LONGEST_PAUSE, DeviceWorker
from impasto.service.durations import Durations
from impasto.service.fair_queue import FairQueue
from impasto.service.health import ServiceHealth, added
from impasto.service.job import Failure, JobResult, ServiceJob, Snapshot, Status, owner
from impasto.service.jobs import Jobs
from impasto.service.limits import MEGA, Limits
from impasto.service.metrics import ServiceMetrics
from impasto.service.offer import Offer
from impasto.service.process import START_SECONDS, STOP_SECONDS, WORKER, JobOutcome, JobProgress
from impasto.service.replica import new_id
from impasto.service.request import PaintRequest, inspect
from impasto.service.schedule import begins, may_begin, seconds_left
from impasto.service.video_request import VideoRequest, inspect_video
from impasto.service.videos import Videos

logger = logging.getLogger("impasto.service")

FAILED_STARTS = 3
"""One after the other, after which jobs do not wait for a worker any longer."""
SWEEP_SECONDS = 1.0
"""Between two looks for results that have expired."""


class Service:
    """Takes jobs from many threads, has them painted by one process per device, and keeps what became of them.

    Every call that takes `user` sees only that user's jobs; None sees all of them. It is for `with`.
    """

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
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._queue: FairQueue[ServiceJob] = FairQueue()
        self._durations = Durations()
        self.videos = Videos(self.limits, clock, None if spool is None else spool / "films")
        self._jobs = Jobs(self.limits, self.videos, clock, spool, replica)
        self._replica = replica
        self._workers = [DeviceWorker(device, command, confine=confine) for device in devices]
        self._threads: list[threading.Thread] = []
        self._stopping = self._closed = False
        self._stop_at = 0.0

    def __enter__(self) -> "Service":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers in the background (`wait_until_ready`). Raises ImpastoError for a spool of no use."""
        for job in self._jobs.open():
            self._queue.put(job.user, job, job.expected)
        works: list[Callable[[], None]] = [partial(worker.work, self) for worker in self._workers]
        self._threads = [threading.Thread(target=work, daemon=True) for work in (*works, self._sweep)]
        for thread in self._threads:
            thread.start()

    def wait_until_ready(self, timeout: float = START_SECONDS) -> None:
        """Raises ImpastoError with the reason, if a worker does not start."""
        with self._changed:
            self._changed.wait_for(lambda: any(worker.problem or worker.is_ready for worker in self._workers), timeout)
            if not any(worker.is_ready for worker in self._workers):
                problems = filter(None, (worker.problem for worker in self._workers))
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
        """`drain`, and end the workers."""
        self.drain()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._jobs.close()

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def check_room(self, user: str, num_bytes: int = 0) -> None:
        """Raises what `submit` would raise for lack of room, before anything is uploaded or looked at."""
        with self._changed, self.metrics.refusals():
            self._check_room(user, num_bytes)

    def check_open(self) -> None:
        """Raises StoppingError once the service stops."""
        if self._stopping:
            raise refusals.StoppingError("the server is shutting down", retry_after=self.limits.stop_seconds + 5)

    def submit(self, request: PaintRequest | VideoRequest, user: str = "") -> Snapshot:
        """Put a job in the queue.

        Raises OptionError, PictureError, TooLargeError and NotAPictureError for what is wrong with it, and of a film
        TooLongError, NoVideosError and NoSuchUploadError; QueueFullError, UserBusyError and StoppingError, which say
        when to come again, for lack of room.
        """
        if isinstance(request, VideoRequest):
            pixels = inspect_video(request, self.videos.sent(request.clip, user), self.limits, self.offer)
            limit = self.limits.video_job_seconds
        else:
            pixels, limit = inspect(request, self.limits, self.offer), self.limits.job_seconds
        with self._changed:
            self.check_room(user, request.num_bytes)
            expected = self._durations.expect(request.options, pixels, request.kind)
            job = ServiceJob(
                user, request, pixels, min(expected, limit), limit, request.kind, created=self._clock(),
                method=request.options.method, num_bytes=request.num_bytes, id=new_id(self._replica),
            )  # fmt: skip
            if isinstance(request, VideoRequest):
                job.folder = self.videos.begin(job.id, request.clip, user)
            self._jobs.add(job)
            self._queue.put(user, job, job.expected)
            self._changed.notify_all()
            return self._snapshot(job)

    def keep(self, job_id: str, user: str | None = None) -> None:
        """Have the job outlive the service, where there is a spool. Raises NoSuchJobError, and for a full disk
        QueueFullError; then there is no such job any more."""
        with self._changed:
            try:
                self._jobs.keep(self._jobs.find(job_id, user))
            except refusals.QueueFullError:
                self.forget(job_id, user, entirely=True)
                raise

    def status(self, job_id: str, user: str | None = None) -> Snapshot:
        """Raises NoSuchJobError."""
        with self._changed:
            return self._snapshot(self._jobs.find(job_id, user))

    def wait(self, job_id: str, timeout: float | None = None, user: str | None = None) -> Snapshot:
        """Block until the job is final, or the time is over. Raises NoSuchJobError."""
        with self._changed:
            job = self._jobs.find(job_id, user)
            self._changed.wait_for(lambda: job.status.is_final, timeout)
            return self._snapshot(job)

    def subscribe(self, job_id: str, listener: Callable[[], None], user: str | None = None) -> Callable[[], None]:
        """Have `listener` called, from any thread, whenever the job has changed; returns what ends that.

        The listener must return at once and call nothing of the service. Raises NoSuchJobError.
        """
        with self._changed:
            job = self._jobs.find(job_id, user)
            job.listeners.append(listener)

        def end() -> None:
            with self._changed:
                if listener in job.listeners:
                    job.listeners.remove(listener)

        return end

    def result(self, job_id: str, user: str | None = None) -> JobResult:
        """The painting; of a job that was stopped, the best so far if there was one.

        Raises NoSuchJobError, NotFinishedError, and JobFailedError if there is nothing.
        """
        with self._changed:
            job = self._jobs.find(job_id, user)
            if job.result is not None:
                return job.result
            if job.is_put_off:
                raise refusals.StoppingError("the server restarts, and then goes on with this job", retry_after=5.0)
            if not job.status.is_final:
                snapshot = self._snapshot(job)
                left = (snapshot.wait_seconds or 0) + (snapshot.seconds_left or 0)
                raise refusals.NotFinishedError("the job is not finished", retry_after=max(1.0, left))
            failure = job.failure or Failure("cancelled", "the job was cancelled before there was a picture")
            raise refusals.JobFailedError(failure.message, failure.code)

    def preview(self, job_id: str, user: str | None = None) -> bytes | None:
        """The latest preview, a small JPEG file, if there is one. Raises NoSuchJobError."""
        with self._changed:
            return self._jobs.find(job_id, user).preview

    def cancel(self, job_id: str, user: str | None = None) -> Snapshot:
        """Stop a job that waits or is painted; a final one stays as it is. Raises NoSuchJobError."""
        with self._changed:
            job = self._jobs.find(job_id, user)
            if job.is_put_off or self._queue.remove(job.user, job):
                self._end(job, JobOutcome(stopped=True))
            elif not job.status.is_final:
                job.stop = job.stop or "cancelled"
            return self._snapshot(job)

    def forget(self, job_id: str, user: str | None = None, *, entirely: bool = False) -> None:
        """Let go of a final job and its result; one that is not final is only cancelled, and can still be asked for.
        entirely: of that one, too. Raises NoSuchJobError."""
        with self._changed:
            job = self._jobs.find(job_id, user)
            job.dropped = job.dropped or entirely
            if job.status.is_final:
                self._jobs.finished.remove(job)
            else:
                self.cancel(job_id, user)

    # --- what it is like ----------------------------------------------------------------------------------------------

    def health(self) -> ServiceHealth:
        """Now."""
        with self._changed:
            ready = self._ready()
            return ServiceHealth(
                ready=ready > 0 and not self._stopping, stopping=self._stopping, workers=len(self._workers),
                workers_ready=ready, waiting=len(self._queue), running=len(self._running()),
                upload_bytes=self._jobs.bytes_waiting, results=len(self._jobs.finished),
                result_bytes=self._jobs.finished.num_bytes, video_bytes=self.videos.num_bytes,
                confined=tuple(part for part in PARTS if not any(part in one.lacking for one in self._workers)),
                problems=tuple(f"{worker.device}: {worker.problem}" for worker in self._workers if worker.problem),
                cache=added([worker.cache for worker in self._workers]),
            )  # fmt: skip

    def unfinished(self, of: str) -> list[Snapshot]:
        """Jobs of a key or address, in whichever of its visits, that wait or are painted."""
        with self._changed:
            return [self._snapshot(job) for job in self._jobs.unfinished() if owner(job.user) == of]

    def worker_pids(self) -> list[int]:
        """The processes that paint."""
        with self._changed:
            return [worker.process.pid for worker in self._workers if worker.process and not worker.process.is_dead]

    # --- for the device workers ---------------------------------------------------------------------------------------

    def is_closed(self) -> bool:
        return self._closed

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the service."""
        with self._changed:
            self._changed.wait_for(self.is_closed, seconds)

    def take(self, worker: DeviceWorker) -> ServiceJob | None:
        """The next job, once there is one; None if the service closes or the worker's process dies before that."""
        with self._changed:
            while not self._closed and worker.is_ready:
                accept = partial(may_begin, running=self._running(), workers=self._ready())
                if (job := self._queue.take(accept)) is not None:
                    worker.job, job.status, job.started = job, Status.RUNNING, self._clock()
                    self._jobs.begin(job)
                    self.metrics.wait_seconds.observe(job.started - job.created)
                    self._tell(job, *self._queue.in_order())
                    return job
                self._changed.wait()
            return None

    def report(self, job: ServiceJob, progress: JobProgress) -> None:
        """Progress of a job."""
        with self._changed:
            job.step, job.total, job.seconds_left = progress.step, progress.total, progress.seconds_left
            if progress.preview:
                job.preview, job.previews = progress.preview, job.previews + 1
            self._tell(job)

    def end(self, worker: DeviceWorker, job: ServiceJob, outcome: JobOutcome) -> None:
        """A job is final."""
        with self._changed:
            worker.job = None
            worker.cache.update(outcome.cache or {})
            self._end(job, outcome)

    def worker_changed(self, worker: DeviceWorker, *, ready: bool, problem: str = "") -> None:
        """A worker is there, or is not. Who waits for workers that do not start gets the jobs back."""
        with self._changed:
            worker.is_ready, worker.problem = ready, problem
            worker.failed_starts = 0 if ready else worker.failed_starts + bool(problem)
            if self._is_unavailable():
                self._hand_back(Failure("unavailable", "the painting process does not start; try again later"))
            self._changed.notify_all()

    # --- inside, under the lock ---------------------------------------------------------------------------------------

    def _hand_back(self, failure: Failure) -> None:
        while (job := self._queue.take()) is not None:
            self._end(job, JobOutcome(failure=failure))

    def _is_unavailable(self) -> bool:
        return all(worker.failed_starts >= FAILED_STARTS for worker in self._workers)

    def _running(self) -> list[ServiceJob]:
        return [worker.job for worker in self._workers if worker.job is not None]

    def _ready(self) -> int:
        return sum(worker.is_ready for worker in self._workers)

    def _check_room(self, user: str, num_bytes: int) -> None:
        self.check_open()
        if self._is_unavailable():
            raise refusals.UnavailableError("the painting process does not start", retry_after=LONGEST_PAUSE)
        unfinished = [job for job in self._jobs.unfinished() if job.user == user]
        if len(unfinished) >= self.limits.per_user:
            waits = dict(self._begins())
            now = self._clock()
            soon = min(waits[job] + job.expected if job in waits else seconds_left(job, now) for job in unfinished)
            raise refusals.UserBusyError(
                f"you have {len(unfinished)} unfinished jobs, and may have {self.limits.per_user}",
                retry_after=max(1.0, soon),
            )
        no_room = self._jobs.bytes_waiting + num_bytes > self.limits.waiting_mb * MEGA
        if len(self._queue) >= self.limits.queue or no_room:
            # When the next one is taken, there is room.
            soon = max(1.0, min((wait for _, wait in self._begins()), default=1.0))
            raise refusals.QueueFullError(
                f"{len(self._queue)} jobs wait already; please come again later", retry_after=soon
            )

    def _begins(self) -> list[tuple[ServiceJob, float]]:
        running = [(job, seconds_left(job, self._clock())) for job in self._running()]
        return begins(self._queue.in_order(), running, self._ready())

    def _snapshot(self, job: ServiceJob) -> Snapshot:
        position = wait = None
        if job.status is Status.QUEUED and not job.is_put_off:
            position, wait = next((k, wait) for k, (other, wait) in enumerate(self._begins()) if other is job)
        is_still = job.status.is_final or job.is_put_off
        left = None if is_still else job.expected if wait is not None else seconds_left(job, self._clock())
        return job.snapshot(position, wait, left, self._clock())

    def _tell(self, *jobs: ServiceJob) -> None:
        self._changed.notify_all()
        for listener in [listener for job in jobs for listener in job.listeners]:
            try:
                listener()
            except Exception:
                logger.exception("somebody who follows a job cannot be told")

    def _end(self, job: ServiceJob, outcome: JobOutcome) -> None:
        request = job.request
        self._jobs.end(job, outcome)
        if job.finished is not None:
            seconds = 0.0 if job.started is None else job.finished - job.started
            if request is not None and (job.status is Status.DONE or job.stop == "time-limit"):
                cut_off = job.stop == "time-limit"
                self._durations.learn(request.options, job.pixels, seconds, job.kind, cut_off=cut_off)
            self.metrics.ended(job.kind, job.method, job.status, seconds)
        self._tell(job)

    def _sweep(self) -> None:
        with self._changed:
            while not self._closed:
                self._jobs.finished.sweep(self._clock())
                self.videos.sweep()
                self._changed.wait(SWEEP_SECONDS)

"""One queue in front of the models: what the web page, the HTTP API and the bot share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress

from impasto.service.job import Failure, JobOutcome, JobResult, ServiceJob, Snapshot, Status, owner
from impasto.service.limits import MEGA
from impasto.service.refusals import JobFailedError, RefusedError
from impasto.service.request import PaintRequest, VideoRequest, inspect, inspect_video
from impasto.service.schedule import begins, seconds_left
from impasto.service.workshop import LONGEST_PAUSE, Workshop


class Service(Workshop):
    """Takes jobs from many threads, has them painted by one process per device, and keeps what became of them.

    Every call that takes `user` sees only that user's jobs; None sees all of them. It is for `with`.
    """

    def check_room(self, user: str, num_bytes: int = 0) -> None:
        """Raises what `submit` would raise for lack of room, before anything is uploaded or looked at."""
        with self._changed:
            try:
                self._check_room(user, num_bytes)
            except RefusedError as refused:
                self.metrics.rejected.labels(refused.code).inc()
                raise

    def check_open(self) -> None:
        """Raises RefusedError "stopping" once the service stops."""
        if self._stopping:
            retry_after = self.limits.stop_seconds + 5
            raise RefusedError("stopping", "the server is shutting down", retry_after=retry_after)

    def submit(self, request: PaintRequest | VideoRequest, user: str = "") -> Snapshot:
        """Put a job in the queue.

        Raises OptionError, PictureError, and RefusedError "too-large" and "not-a-picture" for what is wrong with it,
        and of a film "too-long", "no-videos" and "no-such-upload"; "queue-full", "too-many-jobs", "unavailable" and
        "stopping", which say when to come again, for lack of room.
        """
        if isinstance(request, VideoRequest):
            pixels = inspect_video(request, self.videos.named(request.clip, user), self.limits, self.offer)
            limit = self.limits.video_job_seconds
        else:
            pixels, limit = inspect(request, self.limits, self.offer), self.limits.job_seconds
        with self._changed:
            self.check_room(user, request.num_bytes)
            expected = self._durations.expect(request.options, pixels, request.kind)
            job = ServiceJob(
                user, request, pixels, min(expected, limit), limit, request.kind, created=self._clock(),
                method=request.options.method, num_bytes=request.num_bytes, id=self._jobs.new_id(),
            )  # fmt: skip
            if isinstance(request, VideoRequest):
                job.folder = self.videos.begin(job.id, request.clip, user)
            self._jobs.by_id[job.id] = job
            self._queue.put(job)
            self._changed.notify_all()
            return self._snapshot(job)

    def keep(self, job_id: str, user: str | None = None) -> None:
        """Have the job outlive the service, where there is a spool. Raises NoSuchJobError, and RefusedError
        "queue-full" for a full disk; then there is no such job any more."""
        with self._changed:
            job = self._jobs.find(job_id, user)
            try:
                self._jobs.keep(job)
            except RefusedError:
                self.forget(job_id, user, entirely=True)
                raise

    def status(self, job_id: str, user: str | None = None) -> Snapshot:
        """Raises NoSuchJobError."""
        with self._changed:
            return self._snapshot(self._jobs.find(job_id, user))

    def unfinished(self, of: str) -> list[Snapshot]:
        """Jobs of a key or address, in whichever of its visits, that wait or are painted."""
        with self._changed:
            return [self._snapshot(job) for job in self._jobs.unfinished() if owner(job.user) == of]

    def wait(self, job_id: str, timeout: float | None = None, user: str | None = None) -> Snapshot:
        """Block until the job is final, or the time is over. Raises NoSuchJobError."""
        with self._changed:
            job = self._jobs.find(job_id, user)
            self._changed.wait_for(lambda: job.status.is_final, timeout)
            return self._snapshot(job)

    @contextmanager
    def following(self, job_id: str, listener: Callable[[], None], user: str | None = None) -> Iterator[None]:
        """Has `listener` called, from any thread, whenever the job has changed.

        It must return at once and call nothing of the service. Raises NoSuchJobError.
        """
        with self._changed:
            job = self._jobs.find(job_id, user)
            job.listeners.append(listener)
        try:
            yield
        finally:
            with self._changed:
                job.listeners.remove(listener)

    def result(self, job_id: str, user: str | None = None) -> JobResult:
        """The painting; of a job that was stopped, the best so far if there was one.

        Raises NoSuchJobError, RefusedError "not-finished", and JobFailedError if there is nothing.
        """
        with self._changed:
            job = self._jobs.find(job_id, user)
            if job.result is not None:
                return job.result
            if job.is_put_off:
                raise RefusedError("stopping", "the server restarts, and then goes on with this job", retry_after=5.0)
            if not job.status.is_final:
                snapshot = self._snapshot(job)
                left = (snapshot.wait_seconds or 0) + (snapshot.seconds_left or 0)
                raise RefusedError("not-finished", "the job is not finished", retry_after=max(1.0, left))
            failure = job.failure or Failure("cancelled", "the job was cancelled before there was a picture")
            raise JobFailedError(failure.message, failure.code)

    def add_copy(self, job_id: str, format: str, data: bytes) -> None:  # noqa: A002
        """Keep a painting in another format as well, for as long as its job is kept."""
        with self._changed:
            self._jobs.add_copy(job_id, format, data)

    def preview(self, job_id: str, user: str | None = None) -> bytes | None:
        """The latest preview, a small JPEG file, if there is one. Raises NoSuchJobError."""
        with self._changed:
            return self._jobs.find(job_id, user).preview

    def cancel(self, job_id: str, user: str | None = None) -> Snapshot:
        """Stop a job that waits or is painted; a final one stays as it is. Raises NoSuchJobError."""
        with self._changed:
            job = self._jobs.find(job_id, user)
            if job.is_put_off or self._queue.remove(job):
                self._finish(job, JobOutcome(stopped=True))
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
                self._jobs.forget(job)
            else:
                self.cancel(job_id, user)

    # --- inside, under the lock ---------------------------------------------------------------------------------------

    def _check_room(self, user: str, num_bytes: int) -> None:
        self.check_open()
        if self._is_unavailable():
            raise RefusedError("unavailable", "the painting process does not start", retry_after=LONGEST_PAUSE)
        unfinished = [job for job in self._jobs.unfinished() if job.user == user]
        if len(unfinished) >= self.limits.per_user:
            waits = dict(self._begins())
            now = self._clock()
            soon = min(waits[job] + job.expected if job in waits else seconds_left(job, now) for job in unfinished)
            raise RefusedError(
                "too-many-jobs",
                f"you have {len(unfinished)} unfinished jobs, and may have {self.limits.per_user}",
                retry_after=max(1.0, soon),
            )
        no_room = self._jobs.bytes_waiting + num_bytes > self.limits.waiting_mb * MEGA
        if len(self._queue) >= self.limits.queue or no_room:
            # When the next one is taken, there is room.
            soon = max(1.0, min((wait for _, wait in self._begins()), default=1.0))
            message = f"{len(self._queue)} jobs wait already; please come again later"
            raise RefusedError("queue-full", message, retry_after=soon)

    def _begins(self) -> list[tuple[ServiceJob, float]]:
        running = [(job, seconds_left(job, self._clock())) for job in self._running()]
        return begins(self._queue.in_order(), running, self._ready())

    def _snapshot(self, job: ServiceJob) -> Snapshot:
        now, position, wait, left = self._clock(), None, None, None
        if job.status is Status.RUNNING:
            left = seconds_left(job, now)
        elif job.status is Status.QUEUED and not job.is_put_off:
            position, wait = next((k, wait) for k, (other, wait) in enumerate(self._begins()) if other is job)
            left = job.expected
        ran = None if job.started is None else (job.finished or now) - job.started
        return Snapshot(
            id=job.id, status=job.status, method=job.method, kind=job.kind, position=position, wait_seconds=wait,
            seconds_left=left, step=job.step, total=job.total,
            fps=job.step / ran if job.kind == VideoRequest.kind and job.step and ran else None,
            previews=job.previews, seconds=None if job.finished is None else ran,
            has_result=job.result is not None, failure=job.failure,
        )  # fmt: skip


async def changes(
    service: Service, job_id: str, user: str | None = None, *, heartbeat: float | None = None
) -> AsyncIterator[Snapshot | None]:
    """The job now, and again whenever it has changed, until it is final, or put off until the server is back; None
    after `heartbeat` seconds of silence.

    Raises NoSuchJobError, later too if the job is forgotten meanwhile.
    """
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # The loop may have ended while a painting went on.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(changed.set)

    with service.following(job_id, wake, user):
        while True:
            changed.clear()
            snapshot = service.status(job_id, user)
            yield snapshot
            if snapshot.status.is_final or (snapshot.status is Status.QUEUED and snapshot.position is None):
                return
            while not changed.is_set():
                try:
                    await asyncio.wait_for(changed.wait(), heartbeat)
                except TimeoutError:
                    yield None


async def finished(service: Service, job_id: str, timeout: float, user: str | None = None) -> Snapshot:
    """The job once it is final, or as it is when the time is over. Raises NoSuchJobError."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            async for snapshot in changes(service, job_id, user):
                if snapshot is not None and snapshot.status.is_final:
                    return snapshot
    return service.status(job_id, user)

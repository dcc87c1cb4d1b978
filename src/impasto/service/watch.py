"""Following jobs from asyncio, without a thread for each of those who wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from impasto.service.job import Snapshot, Status
from impasto.service.service import Service


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
        with contextlib.suppress(RuntimeError):
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
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            async for snapshot in changes(service, job_id, user):
                if snapshot is not None and snapshot.status.is_final:
                    return snapshot
    return service.status(job_id, user)

"""When jobs that wait will begin."""

import heapq
from collections.abc import Sequence

from impasto.service.job import ServiceJob

SHORT_SECONDS = 10.0
"""A job that is expected to take no longer is short; where there are several workers, one of them takes no other."""


def is_long(job: ServiceJob) -> bool:
    """Whether it keeps a worker from others for long."""
    return job.expected > SHORT_SECONDS


def may_begin(job: ServiceJob, running: Sequence[ServiceJob], workers: int) -> bool:
    """Whether a worker that is free takes this job. workers: that paint, this one among them."""
    return not is_long(job) or workers < 2 or sum(map(is_long, running)) < workers - 1


def seconds_left(job: ServiceJob, now: float) -> float:
    """Of one that is painted."""
    assert job.started is not None
    ran = now - job.started
    left = job.expected - ran if job.seconds_left is None else job.seconds_left
    return max(0.0, min(left, job.limit - ran))


def begins(
    waiting: Sequence[ServiceJob], running: Sequence[tuple[ServiceJob, float]], workers: int
) -> list[tuple[ServiceJob, float]]:
    """The jobs in the order in which they begin, each with the seconds until then, if nobody comes any more.

    waiting: in the order of the queue. running: each with the seconds that it has left. workers: that paint.
    """
    left, order = list(waiting), []
    # (when it ends, to tell equal ones apart, job)
    ends = [(seconds, number, job) for number, (job, seconds) in enumerate(running)]
    heapq.heapify(ends)
    now = 0.0
    while left:
        painted = [job for _, _, job in ends]
        free = len(ends) < max(workers, 1)
        job = next((job for job in left if may_begin(job, painted, workers)), None) if free else None
        if job is None:
            now = max(now, heapq.heappop(ends)[0])
            continue
        left.remove(job)
        order.append((job, now))
        heapq.heappush(ends, (now + job.expected, len(running) + len(order), job))
    return order

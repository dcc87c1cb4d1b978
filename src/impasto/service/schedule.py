"""When jobs that wait will begin."""

import heapq
from collections.abc import Sequence

from impasto.service.job import Job

SHORT_SECONDS = 10.0
"""A job that is expected to take no longer is short; where there are several lanes, one of them takes no other."""


def is_long(job: Job) -> bool:
    """Whether it keeps a lane from others for long."""
    return job.expected > SHORT_SECONDS


def may_begin(job: Job, running: Sequence[Job], lanes: int) -> bool:
    """Whether a lane that is free takes this job. lanes: that paint, this one among them."""
    return not is_long(job) or lanes < 2 or sum(map(is_long, running)) < lanes - 1


def begins(waiting: Sequence[Job], running: Sequence[tuple[Job, float]], lanes: int) -> list[tuple[Job, float]]:
    """The jobs in the order in which they begin, each with the seconds until then, if nobody comes any more.

    waiting: in the order of the queue. running: each with the seconds that it has left. lanes: that paint.
    """
    left, order = list(waiting), []
    # (when it ends, to tell equal ones apart, job)
    ends = [(seconds, number, job) for number, (job, seconds) in enumerate(running)]
    heapq.heapify(ends)
    now = 0.0
    while left:
        painted = [job for _, _, job in ends]
        free = len(ends) < max(lanes, 1)
        job = next((job for job in left if may_begin(job, painted, lanes)), None) if free else None
        if job is None:
            now = max(now, heapq.heappop(ends)[0])
            continue
        left.remove(job)
        order.append((job, now))
        heapq.heappush(ends, (now + job.expected, len(running) + len(order), job))
    return order

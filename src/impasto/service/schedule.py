"""When jobs begin: how long each will take, in which order users take turns, and what waits until then."""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median_low

from impasto.options import EncoderOptions, Options
from impasto.service.job import ServiceJob

FIRST_GUESS = 1.0
"""Seconds for a unit of work before the first job of its kind is done: two cores, generously."""
LATEST = 9
"""Jobs of a kind that count, the newest ones."""
SMALLEST = 0.25
"""Megapixels below which a picture takes no less: decoding, encoding and the style have their own cost."""
SHORT_SECONDS = 10.0
"""A job that is expected to take no longer is short; where there are several workers, one of them takes no other."""


class Durations:
    """The median of seconds for a unit of work, for every kind of job, so that a slow one, such as the first, does not
    frighten those who come after it. Not safe between threads by itself.

    task: what a job is, "paint", "look" or "video".
    """

    def __init__(self) -> None:
        self._rates: dict[str, deque[float]] = {}

    def learn(
        self, options: Options, pixels: int, seconds: float, task: str = "paint", *, cut_off: bool = False
    ) -> None:
        """A job of so many pixels took so long. cut_off: it would have taken longer still, and counts alone until
        others are done."""
        # The guess is one of the jobs, until there are enough.
        rates = self._rates.setdefault(_kind(options, task), deque([FIRST_GUESS], maxlen=LATEST))
        if cut_off:
            rates.clear()
        rates.append(seconds / work(options, pixels, task))

    def expect(self, options: Options, pixels: int, task: str = "paint") -> float:
        """Seconds."""
        return median_low(self._rates.get(_kind(options, task), [FIRST_GUESS])) * work(options, pixels, task)


def _kind(options: Options, task: str) -> str:
    """Jobs of one kind take the same time for the same work."""
    network = options.encoder if isinstance(options, EncoderOptions) else ""
    return f"{options.method} {network} {task} {'steps' if options.steps_at_full_size else 'pass'}"


def work(options: Options, pixels: int, task: str = "paint") -> float:
    """Megapixels, times the steps where a method paints in steps; a coarse one counts a quarter, as it has a quarter of
    the pixels."""
    return max(SMALLEST, pixels / 1e6) * (1.0 if task == "look" else max(1.0, options.steps_at_full_size))


@dataclass
class _Line:
    """One user's jobs, with their numbers, in order. start: on the clock of shares, when the first of them begins."""

    start: float
    jobs: dict[ServiceJob, int] = field(default_factory=dict)


class FairQueue:
    """Weighted fair queueing (Demers, Keshav and Shenker, 1989): users take turns by the seconds that their jobs cost,
    however many of them one user asks for. Not safe between threads by itself.

    A clock of shares runs as if all users who wait were served at once, each at an equal share of the whole; the job
    that would end first in that world is taken first. So short jobs pass long ones of others, nobody waits for ever,
    and the jobs of one user keep their order.
    """

    def __init__(self) -> None:
        self._now, self._count = 0.0, 0
        self._lines: dict[str, _Line] = {}
        # When, on the clock of shares, the last job ends of those who do not wait, while that is still to come.
        self._ends: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(len(line.jobs) for line in self._lines.values())

    def put(self, job: ServiceJob) -> None:
        if job.user not in self._lines:
            self._lines[job.user] = _Line(max(self._now, self._ends.pop(job.user, 0.0)))
        self._count += 1
        self._lines[job.user].jobs[job] = self._count

    def take(self, accept: Callable[[ServiceJob], bool] = lambda _: True) -> ServiceJob | None:
        """The first job in order that is accepted, or None."""
        job = next(filter(accept, self.in_order()), None)
        if job is not None:
            self._now += job.expected / len(self._lines)
            self._lines[job.user].start += job.expected
            self.remove(job)
            self._ends = {name: end for name, end in self._ends.items() if end > self._now}
        return job

    def remove(self, job: ServiceJob) -> bool:
        """Whether the job waited; it does no longer."""
        line = self._lines.get(job.user)
        if line is None or line.jobs.pop(job, None) is None:
            return False
        if not line.jobs:
            self._ends[job.user] = line.start
            del self._lines[job.user]
        return True

    def in_order(self) -> list[ServiceJob]:
        """The jobs as they would be taken if nobody came any more."""
        order = []
        for line in self._lines.values():
            end = line.start
            for job, number in line.jobs.items():
                end += job.expected
                order.append((end, number, job))
        return [job for _, _, job in sorted(order)]


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

"""A queue in which users take turns by the seconds that their jobs cost, however many of them one user asks for."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Line(Generic[T]):
    """One user's jobs with their costs. start: on the clock of shares, when the first of them begins."""

    start: float
    jobs: deque[tuple[T, float, int]] = field(default_factory=deque)


class FairQueue(Generic[T]):
    """Weighted fair queueing (Demers, Keshav and Shenker, 1989). Not safe between threads by itself.

    A clock of shares runs as if all users who wait were served at once, each at an equal share of the whole; the job
    that would end first in that world is taken first. So short jobs pass long ones of others, nobody waits for ever,
    and the jobs of one user keep their order.
    """

    def __init__(self) -> None:
        self._now, self._count = 0.0, 0
        self._lines: dict[str, _Line[T]] = {}
        # When, on the clock of shares, the last job ends of those who do not wait, while that is still to come.
        self._ends: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(len(line.jobs) for line in self._lines.values())

    def put(self, user: str, job: T, cost: float) -> None:
        """cost: seconds that the job will take."""
        if user not in self._lines:
            self._lines[user] = _Line(max(self._now, self._ends.pop(user, 0.0)))
        self._count += 1
        self._lines[user].jobs.append((job, cost, self._count))

    def take(self, accept: Callable[[T], bool] = lambda _: True) -> T | None:
        """The first job in order that is accepted, or None."""
        for user, job, cost in self._order():
            if accept(job):
                self._now += cost / len(self._lines)
                self._lines[user].start += cost
                self.remove(user, job)
                self._ends = {name: end for name, end in self._ends.items() if end > self._now}
                return job
        return None

    def remove(self, user: str, job: T) -> bool:
        """Whether the job waited; it does no longer."""
        line = self._lines.get(user)
        entry = next((entry for entry in line.jobs if entry[0] == job), None) if line else None
        if line is None or entry is None:
            return False
        line.jobs.remove(entry)
        if not line.jobs:
            self._ends[user] = line.start
            del self._lines[user]
        return True

    def in_order(self) -> list[T]:
        """The jobs as they would be taken if nobody came any more."""
        return [job for _, job, _ in self._order()]

    def _order(self) -> list[tuple[str, T, float]]:
        order = []
        for user, line in self._lines.items():
            end = line.start
            for job, cost, number in line.jobs:
                end += cost
                order.append((end, number, user, job, cost))
        return [(user, job, cost) for _, _, user, job, cost in sorted(order, key=lambda entry: entry[:2])]

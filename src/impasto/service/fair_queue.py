"""A bounded queue in which users take turns, however much one of them asks for."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Round robin over users; the jobs of one user keep their order. Not safe between threads by itself."""

    def __init__(self) -> None:
        # In the order in which users are served next.
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, user: str, job: T) -> None:
        self._waiting.setdefault(user, deque()).append(job)

    def take(self) -> T | None:
        """The next job, or None; its user goes to the end of the line."""
        if not self._waiting:
            return None
        user, jobs = next(iter(self._waiting.items()))
        job = jobs.popleft()
        if jobs:
            self._waiting.move_to_end(user)
        else:
            del self._waiting[user]
        return job

    def remove(self, user: str, job: T) -> bool:
        """Whether the job waited; it does no longer."""
        jobs = self._waiting.get(user, deque())
        if job not in jobs:
            return False
        jobs.remove(job)
        if not jobs:
            del self._waiting[user]
        return True

    def in_order(self) -> list[T]:
        """The jobs as they would be taken if nobody came any more."""
        rounds = max(map(len, self._waiting.values()), default=0)
        return [jobs[turn] for turn in range(rounds) for jobs in self._waiting.values() if turn < len(jobs)]

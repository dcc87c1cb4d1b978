"""Finished jobs, kept for a while: bounded in number, bytes and age."""

from collections import Counter, OrderedDict
from collections.abc import Callable

from impasto.service.job import ServiceJob, owner


class FinishedJobs:
    """The newest finished jobs. Not safe between threads by itself.

    count, num_bytes, seconds: bounds. Of what is too much, the oldest of the user go who has the most, so that nobody
    loses a painting because of another's; the newest stays even if it alone is too large, as somebody is about to fetch
    it. forget: called with every job that goes.
    """

    def __init__(self, count: int, num_bytes: float, seconds: float, forget: Callable[[ServiceJob], None]) -> None:
        self.count, self.limit, self.seconds = count, num_bytes, seconds
        self._forget = forget
        self._jobs: OrderedDict[str, ServiceJob] = OrderedDict()
        self.num_bytes = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: ServiceJob, now: float) -> None:
        """job: just finished."""
        self._jobs[job.id] = job
        self.num_bytes += _size(job)
        self.sweep(now)

    def remove(self, job: ServiceJob) -> None:
        """Before its time."""
        if self._jobs.pop(job.id, None) is not None:
            self.num_bytes -= _size(job)
            self._forget(job)

    def sweep(self, now: float) -> None:
        """Let go of what is too old or too much."""
        while self._jobs:
            oldest = next(iter(self._jobs.values()))
            assert oldest.finished is not None
            if now - oldest.finished < self.seconds:
                break
            self.remove(oldest)
        while len(self._jobs) > 1 and (len(self._jobs) > self.count or self.num_bytes > self.limit):
            self.remove(self._next_to_go())

    def _next_to_go(self) -> ServiceJob:
        newest = next(reversed(self._jobs.values()))
        shares: Counter[str] = Counter()
        for job in self._jobs.values():
            shares[owner(job.user)] += _size(job) if self.num_bytes > self.limit else 1
        older = [job for job in self._jobs.values() if job is not newest]
        return max(older, key=lambda job: shares[owner(job.user)])


def _size(job: ServiceJob) -> int:
    return len(job.result.data) if job.result else 0

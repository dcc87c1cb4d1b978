"""Finished jobs are bounded in number, bytes and age."""

import pytest

from impasto.service.job import JobOutcome, JobResult, ServiceJob
from impasto.service.jobs import Jobs
from impasto.service.limits import Limits
from impasto.service.videos import Videos


class Kept:
    def __init__(self):
        limits, self.now = Limits(results=3, results_mb=0.1, keep_seconds=60), 0.0
        self.jobs = Jobs(limits, Videos(limits), lambda: self.now, None)

    def finish(self, name, at, kilobytes=10, user="user"):
        self.now = at
        job = self.jobs.by_id[name] = ServiceJob(user, None, 1, 1.0, id=name)
        self.jobs.end(job, JobOutcome(JobResult(bytes(1000 * kilobytes), "png")))
        return job

    def at(self, now):
        """(names, bytes) of those that are still there."""
        self.now = now
        self.jobs.sweep()
        return "".join(self.jobs.by_id), self.jobs.result_bytes


@pytest.fixture
def kept():
    return Kept()


def test_bounded_in_number_bytes_and_age(kept):
    for number, name in enumerate("abcd"):
        kept.finish(name, number)
    assert kept.at(3) == ("bcd", 30_000)
    kept.finish("L", 5, 85)
    assert kept.at(62) == ("dL", 95_000)
    assert kept.at(63) == ("L", 85_000)
    assert kept.at(65) == ("", 0)


def test_the_newest_stays_even_if_it_is_too_large(kept):
    kept.finish("a", 0)
    kept.finish("L", 1, 1000)
    assert kept.at(1) == ("L", 1_000_000)


def test_copies_count_and_go_with_their_painting(kept):
    job = kept.finish("a", 0)
    for name, kind in (("a", "jpeg"), ("a", "jpeg"), ("a", "webp"), ("gone", "jpeg")):
        kept.jobs.add_copy(name, kind, bytes(1000))
    assert (list(job.result.copies), kept.at(0)) == (["jpeg", "webp"], ("a", 12_000))
    for _ in range(2):
        kept.jobs.forget(job)
        assert kept.at(0) == ("", 0)


def test_of_what_is_too_much_the_oldest_go_of_who_has_the_most(kept):
    for number, user in enumerate(["ada", "bob visit 1", "bob visit 2", "bob"]):
        kept.finish("abcd"[number], number, user=user)
    assert kept.at(4) == ("acd", 30_000)

import random
from itertools import pairwise

import pytest

from impasto.service.job import ServiceJob
from impasto.service.schedule import begins, may_begin


def job(expected):
    return ServiceJob("user", None, 1, expected)


def test_one_worker_takes_one_after_the_other():
    first, second, third = job(300), job(0.5), job(2)
    assert begins([second, third], [(first, 100.0)], 1) == [(second, 100.0), (third, 100.5)]
    assert begins([second], [], 1) == [(second, 0.0)]
    assert begins([], [(first, 100.0)], 1) == []


def test_of_two_workers_one_is_for_short_jobs():
    running, long, short = job(300), job(300), job(0.5)
    assert not may_begin(long, [running], 2)
    assert may_begin(short, [running], 2)
    assert may_begin(long, [short], 2)
    assert may_begin(long, [running], 3)
    assert begins([long, short], [(running, 200.0)], 2) == [(short, 0.0), (long, 200.0)]


def test_a_worker_that_is_left_alone_takes_all():
    running, long = job(300), job(300)
    assert may_begin(long, [], 1)
    assert begins([long], [(running, 10.0)], 0) == [(long, 10.0)]
    # Two are painted, and one of their workers has just died.
    assert begins([long], [(running, 10.0), (job(300), 20.0)], 1) == [(long, 20.0)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_waits_are_as_long_as_playing_it_through_takes(workers):
    chance = random.Random(workers)
    waiting = [job(chance.choice((0.1, 5, 20, 300))) for _ in range(40)]
    running = [(job(300), chance.uniform(0, 300)) for _ in range(workers - 1)]
    order = begins(waiting, running, workers)
    assert {id(one) for one, _ in order} == set(map(id, waiting))
    assert all(one <= other for (_, one), (_, other) in pairwise(order))
    for now in (wait + 1e-6 for _, wait in order):
        painted = [one for one, wait in order if wait < now < wait + one.expected]
        painted += [one for one, left in running if now < left]
        assert len(painted) <= workers
        assert workers == 1 or sum(one.expected > 10 for one in painted) < workers

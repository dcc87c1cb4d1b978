import random
from itertools import pairwise

import pytest

from impasto.methods import StylizeOptions
from impasto.service.job import ServiceJob
from impasto.service.schedule import FIRST_GUESS, Durations, FairQueue, begins, may_begin, work

ADAIN = StylizeOptions()
GATYS = StylizeOptions(method="gatys", scales=2, steps=10, coarse_steps=8)


def job(expected, user="user", name=""):
    return ServiceJob(user, None, 1, expected, id=name)


# --- how long it takes ------------------------------------------------------------------------------------------------


def test_work_is_megapixels_times_steps():
    assert work(ADAIN, 2_000_000) == 2
    assert work(ADAIN, 10) == 0.25
    assert work(GATYS, 1_000_000) == 10 + 8 / 4
    assert work(StylizeOptions(refine=30), 1_000_000) == 30
    assert work(StylizeOptions(quality="finer"), 1_000_000) == 20


def test_learns_each_kind_by_itself():
    durations = Durations()
    assert durations.expect(ADAIN, 4_000_000) == 4 * FIRST_GUESS
    durations.learn(ADAIN, 1_000_000, 0.5)
    durations.learn(GATYS, 1_000_000, 0.4, "look")
    assert durations.expect(ADAIN, 4_000_000) == pytest.approx(2)
    assert durations.expect(GATYS, 2_000_000, "look") == pytest.approx(0.8)
    assert durations.expect(GATYS, 1_000_000) == 12 * FIRST_GUESS


def test_one_slow_job_frightens_nobody_and_a_slow_machine_is_known_after_two():
    durations = Durations()
    durations.learn(ADAIN, 1_000_000, 60)
    assert durations.expect(ADAIN, 1_000_000) == FIRST_GUESS
    durations.learn(ADAIN, 1_000_000, 50)
    assert durations.expect(ADAIN, 1_000_000) == 50
    for seconds in (2, 2, 60, 2, 2):
        durations.learn(ADAIN, 1_000_000, seconds)
    assert durations.expect(ADAIN, 1_000_000) == 2


# --- whose turn it is -------------------------------------------------------------------------------------------------


def filled(*names, expected=1.0):
    """a1: of the user a."""
    queue = FairQueue()
    for name in names:
        queue.put(job(expected, name[0], name))
    return queue


def drained(queue):
    taken = []
    while (job := queue.take()) is not None:
        taken.append(job.id)
    return taken


def test_users_take_turns_and_keep_their_own_order():
    queue = filled("a1", "a2", "a3", "b1", "c1", "b2")
    assert drained(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert (len(queue), queue.take()) == (0, None)


def test_who_was_just_served_waits_behind_those_who_were_not():
    queue = filled("a1", "a2", "b1")
    assert queue.take().id == "a1"
    queue.put(job(1.0, "c", "c1"))
    assert drained(queue) == ["b1", "c1", "a2"]


def test_in_order_is_the_order_of_taking():
    chance = random.Random(0)
    for _ in range(50):
        queue = FairQueue()
        for number in range(chance.randrange(30)):
            queue.put(job(chance.choice((0.1, 1, 300)), chance.choice("abcd"), str(number)))
            if chance.random() < 0.3:
                queue.take()
        expected = [job.id for job in queue.in_order()]
        assert len(queue) == len(expected)
        assert drained(queue) == expected


def test_removed_jobs_are_not_taken():
    queue = filled("a1", "a2", "b1")
    first, _, other = (job for user in "ab" for job in queue.in_order() if job.user == user)
    assert queue.remove(first)
    assert not queue.remove(first)
    assert queue.remove(other)
    assert not queue.remove(other)
    assert drained(queue) == ["a2"]


def test_seconds_count_and_not_jobs():
    queue = filled(*(f"{user}{number}" for number in range(8) for user in "abcd"), expected=300.0)
    assert queue.take().id == "a0"
    for number in range(8):
        queue.put(job(0.1, "e", f"e{number}"))
    order = drained(queue)
    assert order[:8] == [f"e{number}" for number in range(8)]
    assert order[8:12] == ["b0", "c0", "d0", "a1"]


def test_small_jobs_without_end_do_not_keep_a_large_one_waiting_for_ever():
    queue, seconds = filled("large", expected=30.0), 0.0
    while True:
        queue.put(job(1.0, "small"))
        if queue.take().id == "large":
            break
        seconds += 1
    assert seconds <= 31


def test_users_who_come_once_are_not_remembered_for_ever():
    queue = filled("first")
    for number in range(1000):
        queue.put(job(10.0, f"user {number}"))
        queue.take()
    assert len(queue._ends) < 10


def test_what_was_cancelled_costs_its_user_nothing():
    queue, cancelled = FairQueue(), job(300.0, "a", "a1")
    queue.put(cancelled)
    queue.put(job(10.0, "b", "b1"))
    queue.remove(cancelled)
    queue.put(job(1.0, "a", "a2"))
    assert drained(queue) == ["a2", "b1"]


def test_what_is_not_accepted_waits_in_its_place():
    queue = filled("a1", "a2", "b3")
    assert queue.take(lambda job: job.id == "a2").id == "a2"
    assert queue.take(lambda job: False) is None
    assert drained(queue) == ["b3", "a1"]


# --- when it begins ---------------------------------------------------------------------------------------------------


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

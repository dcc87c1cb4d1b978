import random

from impasto.service.fair_queue import FairQueue


def filled(*jobs):
    queue = FairQueue()
    for user, job in jobs:
        queue.put(user, job)
    return queue


def drained(queue):
    taken = []
    while (job := queue.take()) is not None:
        taken.append(job)
    return taken


def test_users_take_turns_and_keep_their_own_order():
    queue = filled(("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2"))
    assert drained(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert (len(queue), queue.take()) == (0, None)


def test_who_was_just_served_waits_behind_those_who_were_not():
    queue = filled(("a", "a1"), ("a", "a2"), ("b", "b1"))
    assert queue.take() == "a1"
    queue.put("c", "c1")
    assert drained(queue) == ["b1", "a2", "c1"]


def test_in_order_is_the_order_of_taking():
    chance = random.Random(0)
    for _ in range(50):
        queue = FairQueue()
        for number in range(chance.randrange(30)):
            queue.put(chance.choice("abcd"), number)
            if chance.random() < 0.3:
                queue.take()
        expected = queue.in_order()
        assert len(queue) == len(expected)
        assert drained(queue) == expected


def test_removed_jobs_are_not_taken():
    queue = filled(("a", "a1"), ("a", "a2"), ("b", "b1"))
    assert queue.remove("a", "a1")
    assert not queue.remove("a", "a1")
    assert not queue.remove("nobody", "b1")
    assert queue.remove("b", "b1")
    assert drained(queue) == ["a2"]

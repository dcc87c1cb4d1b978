import random

from impasto.service.fair_queue import FairQueue


def filled(*jobs):
    queue = FairQueue()
    for user, job in jobs:
        queue.put(user, job, 1.0)
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
    queue.put("c", "c1", 1.0)
    assert drained(queue) == ["b1", "c1", "a2"]


def test_in_order_is_the_order_of_taking():
    chance = random.Random(0)
    for _ in range(50):
        queue = FairQueue()
        for number in range(chance.randrange(30)):
            queue.put(chance.choice("abcd"), number, chance.choice((0.1, 1, 300)))
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


def test_seconds_count_and_not_jobs():
    queue = FairQueue()
    for number in range(8):
        for user in "abcd":
            queue.put(user, (user, number), 300.0)
    assert queue.take() == ("a", 0)
    for number in range(8):
        queue.put("e", ("e", number), 0.1)
    order = drained(queue)
    assert order[:8] == [("e", number) for number in range(8)]
    assert order[8:12] == [("b", 0), ("c", 0), ("d", 0), ("a", 1)]


def test_small_jobs_without_end_do_not_keep_a_large_one_waiting_for_ever():
    queue, seconds = FairQueue(), 0.0
    queue.put("large", "large", 30.0)
    while True:
        queue.put("small", "small", 1.0)
        if queue.take() == "large":
            break
        seconds += 1
    assert seconds <= 31


def test_users_who_come_once_are_not_remembered_for_ever():
    queue = FairQueue()
    queue.put("first", 0, 1.0)
    for number in range(1000):
        queue.put(f"user {number}", number, 10.0)
        queue.take()
    assert len(queue._ends) < 10


def test_what_was_cancelled_costs_its_user_nothing():
    queue = FairQueue()
    queue.put("a", "a1", 300.0)
    queue.put("b", "b1", 10.0)
    queue.remove("a", "a1")
    queue.put("a", "a2", 1.0)
    assert drained(queue) == ["a2", "b1"]


def test_what_is_not_accepted_waits_in_its_place():
    queue = filled(("a", 1), ("a", 2), ("b", 3))
    assert queue.take(lambda job: job == 2) == 2
    assert queue.take(lambda job: False) is None
    assert drained(queue) == [3, 1]

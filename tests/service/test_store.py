from impasto.service.job import Job, Result
from impasto.service.store import Store


def finished(name, at, size=10):
    return Job("user", None, 1, 1.0, id=name, finished=at, result=Result(bytes(size), "png"))


def test_bounded_in_number_bytes_and_age():
    gone = []
    store = Store(3, 100, 60, lambda job: gone.append(job.id))
    for number in range(4):
        store.add(finished(f"j{number}", number), number)
    assert (gone, len(store), store.num_bytes) == (["j0"], 3, 30)
    store.add(finished("large", 5, 85), 5)
    assert (gone, store.num_bytes) == (["j0", "j1", "j2"], 95)
    store.sweep(62)
    assert gone[3:] == []
    store.sweep(63)
    assert gone[3:] == ["j3"]
    store.sweep(65)
    assert (gone[4:], len(store), store.num_bytes) == (["large"], 0, 0)


def test_the_newest_stays_even_if_it_is_too_large():
    gone = []
    store = Store(3, 100, 60, lambda job: gone.append(job.id))
    store.add(finished("small", 0), 0)
    store.add(finished("huge", 1, 1000), 1)
    assert (gone, len(store)) == (["small"], 1)


def test_removed_before_its_time():
    gone = []
    store = Store(3, 100, 60, lambda job: gone.append(job.id))
    job = finished("j", 0)
    store.add(job, 0)
    store.remove(job)
    store.remove(job)
    assert (gone, store.num_bytes) == (["j"], 0)


def test_of_what_is_too_much_the_oldest_go_of_who_has_the_most():
    gone = []
    store = Store(4, 100, 60, lambda job: gone.append(job.id))
    for number, user in enumerate(["ada", "bob visit 1", "bob visit 2", "bob", "bob visit 3"]):
        job = finished(f"j{number}", number)
        job.user = user
        store.add(job, number)
    assert gone == ["j1"]

from impasto.service.finished_jobs import FinishedJobs
from impasto.service.job import JobResult, ServiceJob


def finished(name, at, size=10):
    return ServiceJob("user", None, 1, 1.0, id=name, finished=at, result=JobResult(bytes(size), "png"))


def test_bounded_in_number_bytes_and_age():
    gone = []
    kept = FinishedJobs(3, 100, 60, lambda job: gone.append(job.id))
    for number in range(4):
        kept.add(finished(f"j{number}", number), number)
    assert (gone, len(kept), kept.num_bytes) == (["j0"], 3, 30)
    kept.add(finished("large", 5, 85), 5)
    assert (gone, kept.num_bytes) == (["j0", "j1", "j2"], 95)
    kept.sweep(62)
    assert gone[3:] == []
    kept.sweep(63)
    assert gone[3:] == ["j3"]
    kept.sweep(65)
    assert (gone[4:], len(kept), kept.num_bytes) == (["large"], 0, 0)


def test_the_newest_stays_even_if_it_is_too_large():
    gone = []
    kept = FinishedJobs(3, 100, 60, lambda job: gone.append(job.id))
    kept.add(finished("small", 0), 0)
    kept.add(finished("huge", 1, 1000), 1)
    assert (gone, len(kept)) == (["small"], 1)


def test_removed_before_its_time():
    gone = []
    kept = FinishedJobs(3, 100, 60, lambda job: gone.append(job.id))
    job = finished("j", 0)
    kept.add(job, 0)
    kept.remove(job)
    kept.remove(job)
    assert (gone, kept.num_bytes) == (["j"], 0)


def test_of_what_is_too_much_the_oldest_go_of_who_has_the_most():
    gone = []
    kept = FinishedJobs(4, 100, 60, lambda job: gone.append(job.id))
    for number, user in enumerate(["ada", "bob visit 1", "bob visit 2", "bob", "bob visit 3"]):
        job = finished(f"j{number}", number)
        job.user = user
        kept.add(job, number)
    assert gone == ["j1"]

import hashlib
import json
import os
import shutil
import signal
import threading
import time

import pytest
from connections import until
from fake_service import faked, refusal
from wishes import look, picture, wish

from impasto.errors import ImpastoError
from impasto.methods import StylizeOptions
from impasto.service import process as process_module
from impasto.service.job import Status
from impasto.service.refusals import JobFailedError, NoSuchJobError
from impasto.service.request import PaintRequest
from impasto.service.service import Service
from impasto.service.wire import Message

SOON = 20


def hold(service, user="", request=None):
    """A job that is painted until it is let go of."""
    job = service.submit(request or wish("hold"), user)
    until(lambda: service.status(job.id).step == 1)
    return job


def test_every_result_comes_from_its_own_picture(serve):
    service = serve(devices=2)
    jobs = {shade: service.submit(wish(shade=shade), user=f"user {shade % 3}") for shade in range(8)}
    for shade, job in jobs.items():
        done = service.wait(job.id, SOON)
        assert (done.status, done.has_result, done.failure) == (Status.DONE, True, None)
        assert service._jobs.by_id[job.id].request is None
        assert service.result(job.id).data == hashlib.sha256(picture(shade)).digest()
        assert service.result(job.id).media_type == "image/png"


def test_users_take_turns(service, go, tmp_path):
    hold(service, "first")
    greedy = [service.submit(wish(shade=shade), "greedy") for shade in (1, 2, 3)]
    modest = service.submit(wish(shade=9), "modest")
    assert [service.status(job.id).position for job in greedy] == [0, 2, 3]
    assert service.status(modest.id).position == 1
    waits = [service.status(job.id).wait_seconds for job in (greedy[0], modest, *greedy[1:])]
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(3.0)
    go()
    for job in (*greedy, modest):
        service.wait(job.id, SOON)
    order = (tmp_path / "painted").read_text().split()[1:]
    assert order == [hashlib.sha256(picture(shade)).hexdigest() for shade in (1, 9, 2, 3)]


def test_one_of_two_lanes_is_kept_for_short_jobs(serve):
    service = serve(devices=2)
    until(lambda: service.health().workers_ready == 2)
    held = hold(service, "a", refined(1, "hold"))
    waiting = service.submit(refined(2), "b")
    assert service.wait(service.submit(wish(), "c").id, SOON).status is Status.DONE
    assert service.status(waiting.id).status is Status.QUEUED
    service.cancel(held.id)
    assert service.wait(waiting.id, SOON).status is Status.DONE


def test_no_wait_is_longer_than_jobs_may_take(serve):
    service = serve(job_seconds=5)
    held = hold(service, request=refined(1, "hold"))
    # Whatever it says itself.
    service._jobs.by_id[held.id].seconds_left = 1e6
    waiting = [service.submit(refined(shade), f"user {shade}") for shade in (2, 3)]
    shown = [service.status(job.id) for job in waiting]
    assert [round(one.wait_seconds) for one in shown] == [5, 10]
    assert [one.seconds_left for one in shown] == [5, 5]
    assert service.status(held.id).seconds_left <= 5
    with refusal("not-finished") as refused:
        service.result(waiting[1].id)
    assert refused.value.retry_after <= 15


def test_what_was_stopped_for_taking_too_long_is_expected_to_again(serve):
    service = serve(job_seconds=0.6)
    options = refined(1).options
    for _ in range(20):
        service._durations.learn(options, 1_000_000, 0.001)
    assert service.submit(refined(1, "hold")).seconds_left < 0.1
    until(lambda: not service.health().running and not service.health().waiting)
    assert service.submit(refined(2, "hold")).seconds_left > 0.1


def test_a_full_queue_says_when_to_come_again(serve):
    service = serve(queue=2, per_user=2)
    hold(service, "a")
    service.submit(wish(), "b")
    service.submit(wish(), "c")
    with refusal("queue-full", match="2 jobs wait") as refused:
        service.submit(wish(), "d")
    assert refused.value.retry_after >= 1
    with refusal("queue-full"):
        service.check_room("d")
    assert 'impasto_rejected_total{reason="queue-full"} 2.0' in service.metrics.text()


def test_one_user_cannot_fill_the_queue(serve):
    service = serve(queue=10, per_user=2)
    first = hold(service, "greedy")
    service.submit(wish(), "greedy")
    with refusal("too-many-jobs") as refused:
        service.submit(wish(), "greedy")
    assert refused.value.retry_after >= 1
    assert service.submit(wish(), "modest").status is Status.QUEUED
    service.cancel(first.id)
    service.wait(first.id, SOON)
    until(lambda: service.health().waiting == 0)
    service.submit(wish(), "greedy")


def test_waiting_uploads_are_bounded(serve):
    service = serve(waiting_mb=0.01, queue=1000, per_user=1000)
    large = PaintRequest(content=picture(size=(40, 40), kind="BMP"), styles=("hold",))
    hold(service, request=large)
    service.submit(large)
    with refusal("queue-full"):
        service.submit(large)
    assert service.health().upload_bytes == 2 * large.num_bytes


def test_progress_and_preview(service, go):
    heard = []
    job = service.submit(wish("hold"))
    with service.following(job.id, lambda: heard.append(1)):
        until(lambda: service.status(job.id).step == 1)
        assert service.preview(job.id) == b"a preview"
        assert heard
    count = len(heard)
    go()
    service.wait(job.id, SOON)
    assert len(heard) == count
    assert service.preview(job.id) is None


def test_cancel_in_the_queue_and_at_work(service):
    held = hold(service)
    waiting = service.submit(wish())
    assert service.cancel(waiting.id).status is Status.CANCELLED
    with pytest.raises(JobFailedError) as nothing:
        service.result(waiting.id)
    assert nothing.value.code == "cancelled"
    with refusal("not-finished"):
        service.result(held.id)
    service.cancel(held.id)
    assert service.wait(held.id, SOON).status is Status.CANCELLED
    assert service.result(held.id).data == b"the best so far"
    assert service.cancel(held.id).status is Status.CANCELLED


def test_what_does_not_stop_is_killed_and_the_service_goes_on(serve, monkeypatch):
    monkeypatch.setattr(process_module, "STOP_SECONDS", 0.2)
    service = serve()
    job = service.submit(wish("stubborn"))
    until(lambda: service.status(job.id).status is Status.RUNNING)
    service.cancel(job.id)
    assert service.wait(job.id, SOON).status is Status.CANCELLED
    assert service.wait(service.submit(wish()).id, SOON).status is Status.DONE
    assert "impasto_worker_deaths_total 0.0" in service.metrics.text(), "it did not die by itself"


def test_time_limit(serve, monkeypatch):
    monkeypatch.setattr(process_module, "STOP_SECONDS", 0.2)
    service = serve(job_seconds=0.3)
    for action, has_result in (("hold", True), ("stubborn", False)):
        ended = service.wait(service.submit(wish(action)).id, SOON)
        assert (ended.status, ended.failure.code, ended.has_result) == (Status.FAILED, "time-limit", has_result)
        assert "longer than 0.3 s" in ended.failure.message
    assert service.wait(service.submit(wish()).id, SOON).status is Status.DONE


def test_the_job_of_a_worker_that_dies_is_painted_again(service):
    job = service.submit(wish("die-once", shade=7))
    assert service.wait(job.id, SOON).status is Status.DONE
    assert service.result(job.id).data == hashlib.sha256(picture(7)).digest()
    assert "impasto_retries_total 1.0" in service.metrics.text()


def refined(shade, action="now"):
    """A wish that is expected to take 50 s."""
    return PaintRequest(content=picture(shade), styles=(action,), options=StylizeOptions(refine=200))


STEP = {"kind": "progress", "job": "JOB", "blobs": [], "step": 1, "total": 4, "seconds_left": 3.0}
DONE = {"kind": "done", "job": "JOB", "blobs": [8], "cache": {}}


@pytest.mark.parametrize(
    "says",
    [
        {"kind": "progress", "job": "JOB", "blobs": []}, {**STEP, "step": "first"}, {**STEP, "step": float("inf")},
        {**STEP, "seconds_left": "soon"}, {**STEP, "seconds_left": float("nan")}, {**STEP, "seconds_left": [3]},
        {**STEP, "job": None}, {**DONE, "job": "another"}, {**DONE, "kind": "sung"},
        {**DONE, "cache": None}, {**DONE, "cache": {"styles": ["many", "few"]}}, {**DONE, "cache": {"styles": [1]}},
        {**DONE, "blobs": []}, {**DONE, "blobs": [[8]]}, {**DONE, "blobs": [2**32] * 2**15}, {"kind": "failed"},
        {"kind": "failed", "job": "JOB", "blobs": []}, {"kind": "failed", "job": "JOB", "blobs": [], "code": 5},
        {**STEP, "seconds_left": 10**400}, "[" * 99_999, "",
    ],
    ids=range(21),
)  # fmt: skip
def test_whatever_a_worker_says_its_job_fails_alone(says, service, tmp_path):
    (tmp_path / "says").write_text(says if isinstance(says, str) else json.dumps(says))
    service.wait_until_ready(SOON)
    (first,) = service.worker_pids()
    job = service.submit(wish("garbage"))
    ended = service.wait(job.id, SOON)
    assert (ended.status, ended.failure.code, ended.has_result) == (Status.FAILED, "worker-died", False)
    assert service.wait(service.submit(wish()).id, SOON).status is Status.DONE
    assert first not in service.worker_pids()


def test_a_worker_that_speaks_unasked_is_replaced(service):
    service.wait_until_ready(SOON)
    (first,) = service.worker_pids()
    (lane,) = service._lanes
    for _ in range(process_module.MOST_UNREAD + 1):
        lane.process._enqueue(Message("progress", {}))
    until(lambda: service.health().ready and service.worker_pids() not in ([], [first]))


def test_what_breaks_inside_a_device_worker_fails_its_job_and_health_sees_it(service, monkeypatch):
    service.wait_until_ready(SOON)
    monkeypatch.setattr(Service, "_pause", lambda self, seconds: time.sleep(0.01))
    with monkeypatch.context() as patch:
        patch.setattr("impasto.service.workshop.run", lambda *_: 1 / 0)
        patch.setattr(Service, "_start_process", lambda self, lane: 1 / 0)
        ended = service.wait(service.submit(wish()).id, SOON)
        assert (ended.status, ended.failure.code) == (Status.FAILED, "internal")
        until(lambda: service.health().problems)
        assert (service.health().ready, service.health().workers_ready) == (False, 0)
        assert "cpu: something went wrong inside impasto" in service.health().problems
    assert service.wait(service.submit(wish()).id, SOON).status is Status.DONE
    assert service.health().problems == ()


def test_a_listener_that_fails_harms_nobody(service, go):
    job = hold(service)
    with service.following(job.id, lambda: 1 / 0):
        go()
        assert service.wait(job.id, SOON).status is Status.DONE
    assert service.wait(service.submit(wish()).id, SOON).status is Status.DONE


def test_an_idle_worker_that_is_killed_is_replaced_before_it_is_needed(service):
    service.wait_until_ready(SOON)
    (first,) = service.worker_pids()
    os.kill(first, signal.SIGKILL)
    until(lambda: service.health().ready and service.worker_pids() not in ([], [first]))
    assert service.wait(service.submit(wish()).id, SOON).status is Status.DONE


def test_a_worker_that_does_not_start_is_a_reason_and_hands_back_what_waits(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(Service, "_pause", lambda self, seconds: time.sleep(0.01))
    (tmp_path / "broken").touch()
    service = serve()
    with pytest.raises(ImpastoError, match="which is not there"):
        service.wait_until_ready(SOON)
    until(service._is_unavailable)
    with refusal("unavailable"):
        service.submit(wish())
    health = service.health()
    assert (health.ready, health.problems) == (False, ("cpu: device is 'x', which is not there",))
    (tmp_path / "broken").unlink()
    until(lambda: service.health().ready)
    assert service.wait(service.submit(wish()).id, SOON).status is Status.DONE


def test_jobs_of_others_do_not_exist(service):
    job = service.submit(wish(), "owner")
    service.wait(job.id, SOON)
    calls = (service.status, service.result, service.preview, service.cancel, service.forget)
    for call in calls:
        with pytest.raises(NoSuchJobError):
            call(job.id, user="other")
    assert service.result(job.id, user="owner").data == service.result(job.id).data


def test_stopping_hands_back_what_waits_and_finishes_what_runs(serve, go):
    service = serve(stop_seconds=SOON)
    held, waiting = hold(service), service.submit(wish())
    service.stop()
    assert service.status(waiting.id).failure.code == "stopping"
    with refusal("stopping") as refused:
        service.submit(wish())
    assert refused.value.retry_after > 0
    assert service.health().stopping
    threading.Timer(0.3, go).start()
    assert service.drain(), "somebody may ask"
    assert service.status(held.id).status is Status.DONE
    assert not service.drain()
    service.close()
    assert service.worker_pids() == []


def test_closing_stops_what_takes_too_long_and_keeps_the_best(serve):
    service = serve(stop_seconds=0.1)
    held = hold(service)
    service.close()
    ended = service.status(held.id)
    assert (ended.status, ended.failure.code) == (Status.FAILED, "stopping")
    assert service.result(held.id).data == b"the best so far"


def test_metrics_are_numbers_with_names(service):
    service.wait(service.submit(wish()).id, SOON)
    lines = service.metrics.text().splitlines()
    values = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}
    assert values['impasto_jobs_total{method="adain",status="done"}'] == 1
    assert values['impasto_job_seconds_count{method="adain"}'] == 1
    assert values['impasto_job_seconds_bucket{le="+Inf",method="adain"}'] == 1
    assert values["impasto_style_cache_misses"] == 2
    assert values["impasto_jobs_waiting"] == 0
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(typed) == len(set(typed))


def test_looks_wait_in_the_same_queue_and_are_counted_by_themselves(service, go):
    hold(service)
    job = service.submit(look())
    assert service.status(job.id).position == 0
    go()
    ended = service.wait(job.id, SOON)
    assert (ended.status, ended.method) == (Status.DONE, "gatys")
    assert service.health().result_bytes == len(service.result(job.id).data) + 32
    text = service.metrics.text()
    assert 'impasto_look_seconds_count{method="gatys"} 1.0' in text
    assert 'impasto_job_seconds_count{method="gatys"}' not in text


# --- a wall clock that jumps ------------------------------------------------------------------------------------------

YEARS = 10 * 365 * 86_400.0


@pytest.fixture
def jump(monkeypatch):
    """Called with seconds: the wall clock goes on from there, as of a machine that hears the time late."""
    real = time.time

    def by(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + seconds)

    return by


@pytest.mark.parametrize("seconds", [YEARS, -YEARS])
def test_no_limit_and_no_age_follows_it(seconds, serve, go, jump):
    service = serve(job_seconds=60, keep_seconds=60)
    done, held, waiting = (service.submit(wish(style)) for style in ("now", "hold", "now"))
    service.wait(done.id, SOON)
    jump(seconds)
    assert service.status(held.id).status is Status.RUNNING
    assert 0 <= service.status(waiting.id).wait_seconds <= 600
    time.sleep(1.1)  # longer than between two looks for what has expired
    go()
    for job in (done, held, waiting):
        assert service.wait(job.id, SOON).status is Status.DONE
        assert service.result(job.id).data
        assert 0 <= service.status(job.id).seconds <= 60


@pytest.mark.parametrize("seconds", [YEARS, -YEARS])
def test_what_was_accepted_is_painted_by_the_next_server(seconds, serve, go, jump, tmp_path):
    spool = tmp_path / "spool"
    service = serve(spool=spool)
    jobs = [service.submit(wish("hold")), service.submit(wish())]
    for job in jobs:
        service.keep(job.id)
    left = shutil.copytree(spool, tmp_path / "left")
    go()
    jump(seconds)
    with faked(tmp_path, spool=left) as again:
        for job in jobs:
            assert again.wait(job.id, SOON).status is Status.DONE
            assert again.result(job.id).data

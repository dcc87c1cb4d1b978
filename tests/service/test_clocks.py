"""A wall clock that jumps: a machine that hears the time only after it has begun, or is set by hand."""

import shutil
import time

import pytest
from fake_service import faked
from wishes import wish

from impasto.service import Status

SOON = 20
YEARS = 10 * 365 * 86_400.0


@pytest.fixture
def jump(monkeypatch):
    """Called with seconds: the wall clock goes on from there."""
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

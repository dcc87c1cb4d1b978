"""Painting processes on a Ray cluster of two nodes on this machine, of which one dies."""

import io
import os

import pytest
from connections import until
from PIL import Image
from ray_cluster import cluster
from wishes import picture

from impasto.methods import StylizeOptions
from impasto.service.job import Status
from impasto.service.limits import Limits
from impasto.service.process import RAY_WORKER
from impasto.service.request import PaintRequest
from impasto.service.service import Service

__all__ = ["cluster"]

pytest.importorskip("ray")

pytestmark = pytest.mark.slow
SOON = 240


def served(**how):
    return Service(limits=Limits(stop_seconds=0, job_seconds=SOON), devices=["cpu"], **how)


def wish(number, **options):
    style = picture(200, size=(32, 32)) if number % 2 else "ink"
    return PaintRequest(content=picture(40 * number, size=(48, 36)), styles=(style,), options=StylizeOptions(**options))


def pixels(painting):
    return Image.open(io.BytesIO(painting)).tobytes()


def test_a_lane_on_a_cluster_paints_what_one_here_does_and_outlives_its_node(cluster, monkeypatch):
    address, kill_a_node = cluster
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")  # as Ray gives an actor of one core
    with served() as here:
        here.wait_until_ready()
        jobs = [here.submit(wish(number)) for number in range(4)]
        expected = [pixels(here.result(here.wait(job.id, SOON).id).data) for job in jobs]
    with served(command=(*RAY_WORKER, address)) as there:
        there.wait_until_ready()
        jobs = [there.submit(wish(number)) for number in range(4)]
        assert [pixels(there.result(there.wait(job.id, SOON).id).data) for job in jobs] == expected
        # Progress and previews come, and a wish to stop goes.
        slow = {"method": "gatys", "scales": 1, "coarse_steps": 0, "steps": 2000}
        stopped = there.submit(wish(0, **slow))
        until(lambda: there.status(stopped.id).previews, SOON)
        assert there.preview(stopped.id).startswith(b"\xff\xd8")
        there.cancel(stopped.id)
        assert there.wait(stopped.id, SOON).status is Status.CANCELLED
        assert there.result(stopped.id).data.startswith(b"\x89PNG")
        # A node that dies takes the lane along, and its job is painted again elsewhere.
        held = there.submit(wish(0, **slow))
        until(lambda: there.status(held.id).step, SOON)
        assert kill_a_node() == 1
        after = there.submit(wish(1))
        until(lambda: "impasto_retries_total 1.0" in there.metrics.text(), SOON)
        until(lambda: there.health().workers_ready == 1, SOON)
        there.cancel(held.id)
        assert there.wait(held.id, SOON).status is Status.CANCELLED
        assert pixels(there.result(there.wait(after.id, SOON).id).data) == expected[1]


def test_a_cluster_that_is_not_there_is_said():
    with (
        served(command=(*RAY_WORKER, "ray://127.0.0.1:9")) as service,
        pytest.raises(Exception, match=r"--workers ray://127\.0\.0\.1:9"),
    ):
        service.wait_until_ready()

"""The painting process itself, once, with the embedded networks."""

import io
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image
from wishes import picture

import impasto
from impasto.gallery import packaged
from impasto.options import StylizeOptions
from impasto.record import read_record
from impasto.service import Limits, Request, Service, Status
from impasto.service.painter import Cache

SOON = 120


@pytest.fixture(scope="module")
def service():
    with Service(limits=Limits(stop_seconds=0), devices=["cpu"]) as service:
        service.wait_until_ready(SOON)
        yield service


def photo(**how):
    with Image.open(packaged()["mountains"]) as image:
        small = image.resize((48, 32))
    stream = io.BytesIO()
    small.save(stream, **{"format": "JPEG", **how})
    return stream.getvalue()


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def painted(service, request):
    job = service.submit(request)
    ended = service.wait(job.id, SOON)
    assert ended.status is Status.DONE, ended
    return service.result(job.id).data


def test_paints_what_the_library_paints(service):
    content, style = photo(), packaged()["swirls"].read_bytes()
    expected = pixels(impasto.stylize(photo(format="PNG"), style))
    for choice in (style, "swirls"):
        found = pixels(painted(service, Request(content=photo(format="PNG"), styles=(choice,))))
        assert np.abs(found.astype(int) - expected).max() <= 1
    assert pixels(painted(service, Request(content=content, styles=("ink",)))).tolist() != expected.tolist()


def test_a_style_is_encoded_once(service):
    before = service.health().cache["styles"]
    for _ in range(2):
        painted(service, Request(content=photo(), styles=("cubes",)))
    hits, misses = service.health().cache["styles"]
    assert (hits - before[0], misses - before[1]) == (1, 1)


def test_nothing_of_the_photo_but_its_pixels_is_passed_on(service):
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    exif.get_ifd(0x8825)[2] = (47.0, 22.0, 11.0)
    content = photo(exif=exif.tobytes(), comment=b"a secret place")
    assert b"secret" in content
    for kind in ("jpeg", "png", "webp", "tiff"):
        data = painted(service, Request(content=content, styles=(photo(),), format=kind))
        assert b"secret" not in data
        with Image.open(io.BytesIO(data)) as image:
            assert not image.getexif().get_ifd(0x8825)
        record = read_record(data)
        assert (record["content"], record["style"]) == ("", ["upload"])


def test_a_damaged_picture_fails_its_own_job_only(service):
    for content in (picture(size=(64, 64))[:-40], photo()[:-200]):
        ended = service.wait(service.submit(Request(content=content, styles=("swirls",))).id, SOON)
        assert (ended.status, ended.failure.code) == (Status.FAILED, "PictureError")
        assert ended.failure.message.startswith("content: it is cut short or damaged")
    painted(service, Request(content=photo(), styles=("swirls",)))


def test_gatys_reports_shows_previews_and_stops(service):
    options = StylizeOptions(method="gatys", scales=1, coarse_steps=0, steps=100_000)
    job = service.submit(Request(content=photo(), styles=("swirls",), options=options))
    end = time.monotonic() + SOON
    while not (service.status(job.id).step > 2 and service.status(job.id).previews):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert service.status(job.id).total == 100_000
    assert pixels(service.preview(job.id)).shape == (32, 48, 3)
    service.cancel(job.id)
    assert service.wait(job.id, SOON).status is Status.CANCELLED
    assert pixels(service.result(job.id).data).shape == (32, 48, 3)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle(service):
    options = StylizeOptions(method="gatys", scales=1, coarse_steps=0, steps=60)
    job = service.submit(Request(content=photo(), styles=("swirls",), options=options))
    end = time.monotonic() + SOON
    while service.status(job.id).step == 0:
        assert time.monotonic() < end
        time.sleep(0.02)
    (pid,) = service.worker_pids()
    os.kill(pid, signal.SIGKILL)
    assert service.wait(job.id, SOON).status is Status.DONE
    assert service.worker_pids() != [pid]


def test_a_device_that_is_not_there_is_a_reason():
    with Service(devices=["cuda:99"]) as service, pytest.raises(impasto.ImpastoError, match="device is 'cuda:99'"):
        service.wait_until_ready(SOON)


def test_cache_keeps_the_most_recently_used():
    cache = Cache(2)
    made = []
    for key in "abacab":
        cache.get(key, lambda key=key: made.append(key))
    assert ("".join(made), cache.hits, cache.misses, len(cache)) == ("abcb", 2, 4, 2)

"""The painting process itself, once, with the embedded networks."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from connections import until
from picture_files import file_bytes
from PIL import Image
from wishes import picture

import impasto
from impasto.attention import overlay, prepare
from impasto.gallery import packaged
from impasto.methods import StylizeOptions
from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.record import read_record
from impasto.service.job import Status
from impasto.service.limits import Limits
from impasto.service.painter import TaskPainter
from impasto.service.request import PaintRequest
from impasto.service.service import Service
from impasto.translation import save_generators

SOON = 120


@pytest.fixture(scope="module")
def service():
    with Service(limits=Limits(stop_seconds=0), devices=["cpu"]) as service:
        service.wait_until_ready(SOON)
        yield service


def photo(kind="JPEG", **how):
    with Image.open(packaged()["mountains"]) as image:
        return file_bytes(image.resize((48, 32)), kind, **how)


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def ended(service, **how):
    """The job of a request, when it is over."""
    request = PaintRequest(**{"content": photo("PNG"), "styles": ("swirls",), **how})
    return service.wait(service.submit(request).id, SOON)


def painted(service, **how):
    """What becomes of it, as a file."""
    job = ended(service, **how)
    assert job.status is Status.DONE, job
    return service.result(job.id).data


def test_paints_what_the_library_paints(service, whole_styles):
    swirls, results = packaged()["swirls"].read_bytes(), {}
    for choice, style in ((swirls, swirls), ("swirls", swirls), ("starry-night", "starry-night")):
        expected = pixels(impasto.stylize(photo("PNG"), style))
        results[choice] = pixels(painted(service, styles=(choice,))).astype(int)
        assert np.abs(results[choice] - expected).max() <= 1
    assert np.abs(results["starry-night"] - results["swirls"]).mean() > 5


def test_nothing_that_starts_threads_is_loaded_before_it_is_confined():
    code = "import sys, impasto.service.worker; sys.exit(bool({'numpy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines")
def test_what_paints_is_confined_where_the_system_can(service):
    [pid] = service.worker_pids()
    status = Path(f"/proc/{pid}/status").read_text()
    assert ("Seccomp:\t2\n" in status) == ("network" in service.health().confined)
    assert "memory" in service.health().confined


def test_a_style_is_encoded_once(service):
    hits, misses = service.health().cache["styles"]
    for _ in range(2):
        painted(service, styles=("cubes",))
    assert service.health().cache["styles"] == (hits + 1, misses + 1)


def test_nothing_of_the_photo_but_its_pixels_is_passed_on(service):
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    exif.get_ifd(0x8825)[2] = (47.0, 22.0, 11.0)
    content = photo(exif=exif.tobytes(), comment=b"a secret place")
    assert b"secret" in content
    for kind in ("jpeg", "png", "webp", "tiff"):
        data = painted(service, content=content, styles=(photo(),), format=kind)
        assert b"secret" not in data
        with Image.open(io.BytesIO(data)) as image:
            assert not image.getexif().get_ifd(0x8825)
        record = read_record(data)
        assert (record["content"], record["style"]) == ("", ["upload"])


def test_a_look_is_what_the_library_shows(service):
    options = StylizeOptions(method="gatys", attention_layers="relu3_1")
    expected = np.asarray(overlay(prepare(photo("PNG"), packaged()["swirls"], options), "50%,25%"))
    for style in ("swirls", packaged()["swirls"].read_bytes()):
        found = pixels(painted(service, styles=(style,), options=options, place=(50, 25)))
        assert np.abs(found.astype(int) - expected).max() <= 1
    assert pixels(painted(service, options=options, place=(90, 90))).tolist() != found.tolist()


def test_pictures_are_seen_once_however_many_places_are_asked_for(service):
    options = StylizeOptions(method="gatys", attention_layers="relu4_1")
    hits, misses = service.health().cache["looks"]
    for place in ((10, 10), (50, 50), (100, 100)):
        painted(service, options=options, place=place)
    assert service.health().cache["looks"] == (hits + 2, misses + 1)


def test_a_wrong_layer_and_a_damaged_picture_are_reported(service):
    options = StylizeOptions(method="gatys", attention_layers="relu9_1")
    failure = ended(service, options=options, place=(1, 1)).failure
    assert failure.code == "OptionError"
    assert failure.message.startswith("attention_layers names 'relu9_1';")
    damaged = ended(service, content=photo()[:-200], options=StylizeOptions(method="gatys"), place=(1, 1))
    assert damaged.failure.message.startswith("content: it is cut short")


def test_a_generators_look_is_what_the_library_shows(tmp_path):
    torch.manual_seed(0)
    file = tmp_path / "nla.safetensors"
    network = Generator(GeneratorConfig(width=2, blocks=2, position=1))
    save_generators(file, "nla-cyclegan", {"A2B": network, "B2A": network}, {})
    options = StylizeOptions(method="nla-cyclegan", direction="B2A")
    painter = TaskPainter("cpu", {}, {"nla-cyclegan": str(file)}, 10**6, 60)
    data = painter.look(PaintRequest(content=photo("PNG"), options=options, place=(50, 25)))
    method = impasto.load("nla-cyclegan", device="cpu", weights=file)
    expected = overlay(prepare(photo("PNG"), None, options, stylizer=method), "50%,25%")
    assert pixels(data).tolist() == np.asarray(expected).tolist()


def test_a_damaged_picture_fails_its_own_job_only(service):
    for content in (picture(size=(64, 64))[:-40], photo()[:-200]):
        job = ended(service, content=content)
        assert (job.status, job.failure.code) == (Status.FAILED, "PictureError")
        assert job.failure.message.startswith("content: it is cut short or damaged")
    painted(service)


def test_gatys_reports_shows_previews_and_stops(service):
    options = StylizeOptions(method="gatys", scales=1, coarse_steps=0, steps=100_000)
    job = service.submit(PaintRequest(content=photo(), styles=("swirls",), options=options))
    until(lambda: service.status(job.id).step > 2 and service.status(job.id).previews, SOON)
    assert service.status(job.id).total == 100_000
    assert pixels(service.preview(job.id)).shape == (32, 48, 3)
    service.cancel(job.id)
    assert service.wait(job.id, SOON).status is Status.CANCELLED
    assert pixels(service.result(job.id).data).shape == (32, 48, 3)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle(service):
    options = StylizeOptions(method="gatys", scales=1, coarse_steps=0, steps=60)
    job = service.submit(PaintRequest(content=photo(), styles=("swirls",), options=options))
    until(lambda: service.status(job.id).step, SOON)
    (pid,) = service.worker_pids()
    os.kill(pid, signal.SIGKILL)
    assert service.wait(job.id, SOON).status is Status.DONE
    assert service.worker_pids() != [pid]


def test_a_device_that_is_not_there_is_a_reason():
    with Service(devices=["cuda:99"]) as service, pytest.raises(impasto.ImpastoError, match="device is 'cuda:99'"):
        service.wait_until_ready(SOON)

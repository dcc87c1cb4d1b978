"""Accepted jobs on the disk: a server that is killed is followed by one that finishes each of them once."""

import asyncio
import hashlib
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing

import pytest
from clips import clip
from connections import until
from fake_service import faked, refusal
from wishes import look, picture, wish

from impasto.errors import ImpastoError
from impasto.methods import StylizeOptions
from impasto.service import spool as spool_module
from impasto.service.job import Status
from impasto.service.refusals import JobFailedError, NoSuchJobError
from impasto.service.request import PaintRequest, VideoRequest
from impasto.service.service import changes
from impasto.service.spool import DATABASE, MOST_BEGUN, _packed, _unpacked
from impasto.video.options import VideoOptions

SOON = 20


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def service(serve, spool):
    return serve(spool=spool)


def submit(service, request, user="me"):
    """As a door does that answers 202."""
    job = service.submit(request, user)
    service.keep(job.id, user)
    return job


def killed(spool, tmp_path):
    """What a server leaves that is killed now. It need not even end for that."""
    left = tmp_path / f"left-{len(list(tmp_path.iterdir()))}"
    return shutil.copytree(spool, left)


def files(spool):
    return sorted(path.name for path in spool.rglob("*") if path.suffix in (".request", ".result", ".part"))


def painted(tmp_path):
    return (tmp_path / "painted").read_text().split() if (tmp_path / "painted").exists() else []


def digest(shade):
    return hashlib.sha256(picture(shade)).digest()


def test_jobs_of_a_killed_server_are_finished_once_and_found(service, serve, go, spool, tmp_path):
    done = submit(service, wish(shade=1), "ada")
    service.wait(done.id, SOON)
    held = submit(service, wish("hold", shade=2), "ada")
    waiting = [submit(service, wish(shade=shade), "ben") for shade in (3, 4)]
    # Nobody has been told of this one.
    service.submit(wish(shade=5), "ben")
    left = killed(spool, tmp_path)
    service.close()
    (tmp_path / "painted").unlink()
    go()

    again = serve(spool=left)
    assert again.result(done.id, "ada").data == digest(1)
    for job, user, shade in ((held, "ada", 2), (waiting[0], "ben", 3), (waiting[1], "ben", 4)):
        assert again.wait(job.id, SOON, user).status is Status.DONE
        assert again.result(job.id, user).data == digest(shade)
        with pytest.raises(NoSuchJobError):
            again.status(job.id, "eve")
    assert sorted(painted(tmp_path)) == sorted(digest(shade).hex() for shade in (2, 3, 4))
    assert files(left) == sorted(f"{job.id}.result" for job in (done, held, *waiting))
    before = again.status(held.id)
    again.close()
    # And once more, with nothing left to do.
    last = serve(spool=left)
    assert last.status(held.id).seconds == pytest.approx(before.seconds)
    assert last.result(waiting[1].id).media_type == "image/png"
    assert len(painted(tmp_path)) == 3


def test_what_cannot_wait_or_failed_is_found_as_it_was(service, serve, spool, tmp_path):
    failed = submit(service, wish("explode"))
    service.wait(failed.id, SOON)
    held, waiting = submit(service, wish("hold")), submit(service, wish())
    service.cancel(waiting.id)
    again = serve(spool=killed(spool, tmp_path))
    assert again.status(failed.id).failure.message == "something went wrong inside impasto"
    assert again.status(waiting.id).status is Status.CANCELLED
    again.cancel(held.id)
    assert again.wait(held.id, SOON).status is Status.CANCELLED


def test_a_server_that_stops_puts_off_what_it_has_accepted(service, serve, go, spool):
    running, waiting = submit(service, wish("hold", shade=1)), submit(service, wish(shade=2))
    service.close()
    for job in (running, waiting):
        shown = service.status(job.id)
        assert (shown.status, shown.position, shown.failure) == (Status.QUEUED, None, None)
        with refusal("stopping", match="goes on with this job"):
            service.result(job.id)
    go()
    again = serve(spool=spool)
    for shade, job in ((1, running), (2, waiting)):
        assert again.wait(job.id, SOON).status is Status.DONE
        assert again.result(job.id).data == digest(shade)


def test_what_is_put_off_can_be_followed_to_there_and_cancelled(service, serve, spool):
    running, waiting = submit(service, wish("hold")), submit(service, wish())
    service.drain()

    async def followed(job):
        return [snapshot.status async for snapshot in changes(service, job.id)]

    assert asyncio.run(followed(waiting)) == [Status.QUEUED]
    assert service.cancel(waiting.id).status is Status.CANCELLED
    service.close()
    again = serve(spool=spool)
    assert again.status(waiting.id).status is Status.CANCELLED
    again.cancel(running.id)


def test_kept_results_have_their_time_and_their_limits(serve, spool, tmp_path, monkeypatch):
    service = serve(spool=spool, keep_seconds=60, results=2)
    jobs = []
    for shade in range(3):
        jobs.append(submit(service, wish(shade=shade)))
        service.wait(jobs[-1].id, SOON)
    assert files(spool) == sorted(f"{job.id}.result" for job in jobs[1:])
    service.forget(jobs[1].id)
    assert files(spool) == [f"{jobs[2].id}.result"]
    left = killed(spool, tmp_path)
    # Its time goes on while there is no server.
    now = spool_module.time.time
    monkeypatch.setattr(spool_module.time, "time", lambda: now() + 59)
    with faked(tmp_path, spool=left, keep_seconds=60) as again:
        assert again.result(jobs[2].id).data == digest(2)
    monkeypatch.setattr(spool_module.time, "time", lambda: now() + 61)
    with faked(tmp_path, spool=left, keep_seconds=60) as again, pytest.raises(NoSuchJobError):
        again.status(jobs[2].id)
    assert files(left) == []


def test_a_job_over_which_servers_die_is_given_up(service, serve, spool, tmp_path):
    job = submit(service, wish("hold"))
    left = spool
    for _ in range(MOST_BEGUN - 1):
        assert service.status(job.id).failure is None
        until(lambda service=service: service.status(job.id).step)
        left = killed(left, tmp_path)
        service = serve(spool=left)
    until(lambda: service.status(job.id).step)
    again = serve(spool=killed(left, tmp_path))
    assert again.status(job.id).failure.code == "lost"
    assert "died 3 times while it painted this" in again.status(job.id).failure.message


def test_what_is_damaged_is_said_and_stops_nothing_else(service, serve, spool, tmp_path):
    submit(service, wish("hold"))
    torn, gone, whole = (submit(service, wish(shade=shade)) for shade in range(3))
    left = killed(spool, tmp_path)
    request = left / f"{torn.id}.request"
    request.write_bytes(request.read_bytes()[:-5])
    (left / f"{gone.id}.request").unlink()
    (left / ".impasto-0123.part").write_bytes(b"half")
    (left / "nobody.result").write_bytes(b"x")
    (tmp_path / "go").touch()
    again = serve(spool=left)
    for job in (torn, gone):
        with pytest.raises(JobFailedError, match="what the server had kept of it cannot be read"):
            again.result(job.id)
    assert again.wait(whole.id, SOON).status is Status.DONE
    assert not {".impasto-0123.part", "nobody.result"} & set(files(left))
    again.close()
    for path in left.glob(f"{DATABASE}*"):
        path.write_bytes(b"no database at all" * 400)
    with pytest.raises(ImpastoError, match=r"jobs\.sqlite: is damaged .*; move the folder away"):
        faked(tmp_path, spool=left).start()


def test_one_folder_belongs_to_one_server_of_one_version(service, spool, tmp_path):
    assert spool.stat().st_mode & 0o077 == 0
    with pytest.raises(ImpastoError, match="another server keeps its jobs there"):
        faked(tmp_path, spool=spool).start()
    service.close()
    with closing(sqlite3.connect(spool / DATABASE)) as table:
        assert table.execute("pragma journal_mode").fetchone() == ("wal",)
        table.execute("pragma user_version = 9")
    with pytest.raises(ImpastoError, match="another version of impasto"):
        faked(tmp_path, spool=spool).start()


def test_a_full_disk_refuses_and_loses_nothing(service, serve, spool, tmp_path, monkeypatch):
    first, second = service.submit(wish("hold", shade=1)), service.submit(wish(shade=2))
    service.keep(first.id)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool_module, "_write", full)
    with refusal("queue-full", match="the server's disk is full"):
        service.keep(second.id)
    with pytest.raises(NoSuchJobError):
        service.status(second.id)
    (tmp_path / "go").touch()
    # It is done, and only not on the disk.
    assert service.wait(first.id, SOON).status is Status.DONE
    monkeypatch.undo()
    again = serve(spool=killed(spool, tmp_path))
    assert again.wait(first.id, SOON).status is Status.DONE
    with pytest.raises(NoSuchJobError):
        again.status(second.id)


def test_without_a_spool_nothing_is_written(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(spool_module, "_write", lambda *_: pytest.fail("it was written"))
    service = serve()
    job = submit(service, wish())
    service.wait(job.id, SOON)
    assert {path.name for path in tmp_path.iterdir()} <= {"painted"}


@pytest.mark.parametrize(
    "request_",
    [
        PaintRequest(
            content=b"photo", styles=("swirls", b"style", b"other"), masks=(None, b"mask", b""), format="webp",
            options=StylizeOptions(style_blend="1,2,1", size=64),
        ),
        look(),
        VideoRequest(clip="", styles=(b"style",), video=VideoOptions(start="1", steady=0.5), format="webm"),
    ],
)  # fmt: skip
def test_a_request_comes_back_as_it_was(request_):
    assert _unpacked(request_.kind, _packed(request_)) == request_


def test_a_film_outlives_the_server(serve, go, spool, tmp_path, monkeypatch):
    pytest.importorskip("av")
    pytest.importorskip("cv2")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    service, data = serve(spool=spool), clip()

    def send(action):
        name, path = service.videos.receive("me", len(data))
        path.write_bytes(data)
        return submit(service, VideoRequest(clip=service.videos.keep(name).id, styles=(action,)))

    done, held = send("now"), send("hold")
    service.wait(done.id, SOON)
    left = killed(spool, tmp_path)
    go()
    again = serve(spool=left)
    assert again.wait(held.id, SOON).status is Status.DONE
    for job in (done, held):
        assert again.result(job.id).path.read_bytes() == data
        assert again.result(job.id).media_type == "video/mp4"
    # Films that no job was begun with are to be sent again.
    assert sorted(path.name for path in (left / "films").iterdir()) == sorted([done.id, held.id])
    again.forget(held.id)
    assert [path.name for path in (left / "films").iterdir()] == [done.id]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_everything_is_for_the_owner_alone(serve, spool, caplog):
    spool.mkdir(mode=0o755)
    spool.chmod(0o755)
    before = os.umask(0o022)
    try:
        service = serve(spool=spool)
        done = submit(service, wish())
        service.wait(done.id, SOON)
        submit(service, wish("hold"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in spool.rglob("*")}
    finally:
        os.umask(before)
    assert {mode for name, mode in modes.items() if name != "films"} == {0o600}, modes
    assert f"{spool}: others may look into this folder (mode 755): chmod 700 it" in caplog.text
    (spool / f"{done.id}.result").chmod(0o644)
    service.close()
    serve(spool=spool)
    assert (spool / f"{done.id}.result").stat().st_mode & 0o777 == 0o600

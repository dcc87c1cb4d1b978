"""Films as jobs of the service: what is taken, where it lies, and that nothing of it stays."""

import os
import struct
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")

from clips import clip, count
from connections import until
from fake_service import refusal
from wishes import picture

from impasto.errors import OptionError, PictureError
from impasto.methods import StylizeOptions
from impasto.progress import Progress
from impasto.service.job import Status
from impasto.service.limits import Limits
from impasto.service.refusals import JobFailedError
from impasto.service.request import SentVideo, VideoRequest, inspect_video, largest_size
from impasto.service.service import Service
from impasto.service.videos import FOLDER, LEAST_BYTES, Videos, probed
from impasto.video.options import VideoOptions

pytestmark = pytest.mark.usefixtures("temporary")

SOON = 20
TEN = SentVideo(id="video:ten", num_bytes=1000, width=96, height=48, seconds=0.4, fps=25.0, frames=10)


@pytest.fixture
def videos(temporary):
    """Makes stores that end with the test. limits: of theirs."""
    with ExitStack() as stack:

        def make(**limits) -> Videos:
            store = Videos(Limits(**limits))
            stack.callback(store.close)
            store.start()
            return store

        yield make


def put(service: Service, data: bytes, user: str = "me") -> str:
    return keep(service.videos, data, user).id


def keep(videos: Videos, data: bytes, user: str = "me"):
    name, path = videos.receive(user, len(data))
    path.write_bytes(data)
    return videos.keep(name)


def ask(service: Service, action: str = "now", data: bytes | None = None, **more):
    return service.submit(VideoRequest(clip=put(service, data or clip()), styles=(action,), **more), "me")


def files(folder: Path) -> list[str]:
    """What there is on the disk, but for the lock."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


def test_a_film_is_painted_kept_and_forgotten(service, temporary):
    data = clip()
    job = service.wait(ask(service, data=data).id, SOON)
    assert (job.status, job.kind, job.step, job.total, job.has_result) == (Status.DONE, "video", 4, 4, True)
    assert job.fps is not None
    result = service.result(job.id, "me")
    assert (result.path.read_bytes(), result.media_type, result.data) == (data, "video/mp4", b"")
    # Of the job nothing but the painted film is kept.
    assert len(files(temporary)) == 2
    assert service.health().video_bytes == LEAST_BYTES + len(data)
    service.forget(job.id, "me")
    assert len(files(temporary)) == 1
    service.close()
    assert not list(temporary.iterdir())


def test_a_film_that_is_cancelled_keeps_what_is_done(service):
    held, waiting = ask(service, "hold"), ask(service, "now")
    until(lambda: service.status(held.id).step)
    for job in (waiting, held):
        service.cancel(job.id)
    with pytest.raises(JobFailedError):
        service.result(waiting.id)
    ended = service.wait(held.id, SOON)
    assert (ended.status, ended.has_result) == (Status.CANCELLED, True)
    assert count(service.result(held.id).path.read_bytes()) == 6


def test_a_worker_that_dies_goes_on_in_the_same_folder(service, tmp_path):
    ended = service.wait(ask(service, "die-once").id, SOON)
    assert (tmp_path / "died").exists()
    assert ended.status is Status.DONE
    ended = service.wait(ask(service, "die").id, SOON)
    assert (ended.failure.code, ended.has_result) == ("worker-died", False)


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"no film\n" * 1000, "not-a-video", "the film cannot be read: it is no film"),
        (b"", "not-a-video", "the film cannot be read: the file is empty"),
        (clip()[:700], "not-a-video", "the film cannot be read: it is no film, or is damaged or cut short"),
        (picture(3), "not-a-video", "the film cannot be read: it is a picture, and no film"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "not-a-video", "the film cannot be read"),
        (clip(size=(256, 128)), "too-large", "the film's frames have more than 0.02 megapixels"),
        (bytes(50_001), "too-large", "the film has more than 0.05 MB"),
    ],
)
def test_what_is_no_film_or_too_large_is_refused_in_one_line(data, code, said, videos, temporary):
    here = videos(video_megapixels=0.02, video_mb=0.05)
    with refusal(code, match=said) as refused:
        keep(here, data)
    assert "\n" not in str(refused.value)
    assert str(temporary) not in str(refused.value)
    assert (files(temporary), here.num_bytes) == ([], 0)


@pytest.mark.parametrize(
    ("wish", "code", "said"),
    [
        ({}, "too-long", r"the film has 0\.4 s, but this server paints at most 0\.2"),
        ({"video": VideoOptions(start="5")}, "", r"start is 5, but the film ends after 0\.4 s"),
        ({"format": "avi"}, "", "format is 'avi', but must be one of mp4, webm, gif, webp"),
        ({"styles": ()}, "", "at least one style is needed"),
        ({"styles": ("missing",)}, "", "style 'missing' is not on this server"),
        ({"options": StylizeOptions(size=640)}, "too-large", r"a size of 96 fits"),
        ({"options": StylizeOptions("gatys", init="photo.png")}, "", "init cannot be given"),
    ],
)
def test_what_cannot_be_painted_of_it_is_refused(wish, code, said, offer):
    limits = Limits(video_seconds=0.2, video_result_megapixels=0.005)
    with refusal(code, said) if code else pytest.raises(OptionError, match=said):
        inspect_video(VideoRequest(**{"clip": TEN.id, "styles": ("now",)} | wish), TEN, limits, offer)


def test_of_a_long_film_a_part_is_counted(offer):
    part = VideoOptions(start="0.12", end="0.28")
    wish = VideoRequest(clip=TEN.id, styles=("now",), video=part, options=StylizeOptions(size=48))
    assert inspect_video(wish, TEN, Limits(video_seconds=0.2), offer) == 4 * 48 * 24
    assert largest_size(TEN, Limits(video_result_megapixels=0.005)) == 100 - 4


def test_films_of_others_do_not_exist(service):
    video = put(service, clip(), "owner")
    for reach in (service.videos.named, service.videos.forget):
        with refusal("no-such-upload"):
            reach(video, "another")
    with refusal("no-such-upload"):
        service.submit(VideoRequest(clip=video, styles=("now",)), "another")
    service.videos.forget(video, "owner")


def test_a_server_without_films_says_why(videos, monkeypatch):
    with refusal("no-videos", match="this server paints no films: it takes no films"):
        videos(video_seconds=0).receive("me")
    monkeypatch.setattr("impasto.service.videos.find_spec", lambda name: None)
    with refusal("no-videos", match=r"it lacks the extra 'video' \(av, cv2\)"):
        videos().receive("me")
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with refusal("no-videos", match="its folder of films cannot be written: No such file"):
        videos().receive("me")


def test_the_disk_is_shared_out(serve, temporary):
    # Players skip what is marked as free.
    data = clip() + struct.pack(">I4s", 20_000, b"free") + bytes(19_992)
    each = 3.5 * len(data) / 1e6
    service = serve(videos_each_mb=each, videos_mb=2 * each, video_result_mb=len(data) / 1e6)
    first, second, third, fourth = (put(service, data) for _ in range(4))
    with refusal("no-such-upload"):
        service.videos.named(first, "me")
    for _ in range(3):
        service.videos.receive("another", len(data))
    # Nobody's films go for another's.
    with refusal("queue-full", match="leave no room") as refused:
        service.videos.receive("a third", 2 * len(data))
    assert refused.value.retry_after
    service.videos.forget(fourth, "me")
    service.videos.named(second, "me")
    # The job's place is reserved for as long as it is painted.
    job = service.submit(VideoRequest(clip=third, styles=("hold",)), "me")
    with refusal("no-such-upload"):
        service.videos.named(second, "me")
    with refusal("queue-full"):
        service.videos.receive("me", 2 * len(data))
    service.cancel(job.id)
    service.wait(job.id, SOON)
    service.videos.receive("me", len(data))


def test_what_a_killed_server_left_is_taken_away(videos, temporary):
    running = videos()
    keep(running, clip())
    left = Path(tempfile.mkdtemp(prefix=FOLDER))
    (left / "film").write_bytes(b"of somebody")
    for folder in temporary.iterdir():
        os.utime(folder, (0, 0))
    videos()
    assert not left.exists()
    assert len(files(temporary)) == 1


def test_a_film_that_fills_the_disk_ends_there(tmp_path, monkeypatch):
    from impasto.service.painter import TaskPainter

    pieces, heard = tmp_path / "painted.mp4.pieces", []
    pieces.mkdir()

    def paint(*_, progress, **__):
        for step, size in enumerate((1000, 1), 1):
            (pieces / f"{step}.mp4").write_bytes(bytes(size))
            progress(Progress(step=step, total=2))

    monkeypatch.setattr("impasto.video.stylize.stylize_video", paint)
    painter = TaskPainter("cpu", {}, {}, 10**6, 60)
    with pytest.raises(PictureError, match=r"needs more than 0\.002 MB on the disk; choose a smaller size"):
        painter.video(VideoRequest(clip="", styles=(picture(),)), heard.append, tmp_path, 2000)
    assert [progress.step for progress in heard] == [1]


@pytest.mark.slow
def test_the_painting_process_paints_what_the_library_paints(tmp_path, temporary):
    from impasto import stylize_video

    data = clip(16, (96, 64))
    (tmp_path / "clip.mp4").write_bytes(data)
    stylize_video(tmp_path / "clip.mp4", "starry-night", output=tmp_path / "alone.mp4", size=48)
    with Service(devices=["cpu"], limits=Limits(video_result_mb=0.3)) as service:
        service.wait_until_ready()
        wish = VideoRequest(clip=put(service, data), styles=("starry-night",), options=StylizeOptions(size=48))
        job = service.wait(service.submit(wish, "me").id, 120)
        assert (job.status, job.step, job.total) == (Status.DONE, 16, 16)
        painted = service.result(job.id).path.read_bytes()
        assert count(painted) == 16
        assert abs(len(painted) - (tmp_path / "alone.mp4").stat().st_size) < 200
        # A long one is cancelled, and what is done can be played.
        long = VideoRequest(clip=put(service, clip(400, (96, 64))), styles=("starry-night",))
        job = service.submit(long, "me")
        until(lambda: service.status(job.id).step >= 20, 120)
        service.cancel(job.id)
        job = service.wait(job.id, 120)
        assert (job.status, job.has_result) == (Status.CANCELLED, True)
        assert 20 <= count(service.result(job.id).path.read_bytes()) < 400
        # Of one that needs too much of the disk, too.
        big = VideoRequest(clip=put(service, clip(400, (320, 240))), styles=("starry-night",))
        job = service.wait(service.submit(big, "me").id, 120)
        assert (job.status, job.failure.code, job.has_result) == (Status.FAILED, "PictureError", True)
        assert 1 <= count(service.result(job.id).path.read_bytes()) < 400
    assert not list(temporary.iterdir())


def test_a_film_is_not_called_damaged_for_want_of_time(tmp_path, monkeypatch):
    film = tmp_path / "clip.mp4"
    film.write_bytes(clip())
    monkeypatch.setattr("impasto.service.videos.PROBE_SECONDS", 0.001)
    with refusal("queue-full", match="too busy to look at the film; send it again") as refused:
        probed(film)
    assert refused.value.retry_after

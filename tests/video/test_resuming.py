"""Nothing is painted twice: kills, stops, damaged frames, long films."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from films import STYLE, Inverting, frames_of, greys_of, level, packets_of, painted, plain, times_of, write_film

from impasto import Cancelled, DivergedError, PictureError, VideoOptions, stylize_video
from impasto.errors import CheckpointError
from impasto.video import pieces, stylize


def moving(number, height=48, width=64):
    """Something that moves, so that frames depend on frames before."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.sin((columns + 2 * number) / 5) * np.cos(rows / 7)
    return np.repeat(((waves + 1) * 110 + 10).astype(np.uint8)[..., None], 3, 2)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", map(moving, range(170)), sound=True)


@pytest.fixture
def clip(film, tmp_path):
    return Path(shutil.copy(film, tmp_path))


def steady(clip, name="out.mp4", **choices):
    """Painted, so that frames depend on frames before."""
    return painted(clip, name, steady=VideoOptions.steady, **choices)


def resumed(clip, name="out.mp4"):
    """(the film, how many of its frames were painted now)."""
    stylizer = Inverting()
    return steady(clip, name, stylizer=stylizer, resume=True), stylizer.painted


def stop(report):
    if report.step == 120:
        raise Cancelled


def test_a_stopped_run_leaves_a_film_and_goes_on_with_it(clip, tmp_path):
    whole = steady(clip, "whole.mp4")
    with pytest.raises(Cancelled, match=r"out.mp4 holds them") as stopped:
        steady(clip, progress=stop)
    out = tmp_path / "out.mp4"
    assert stopped.value.best == out
    assert len(times_of(out)) == 120
    assert len(packets_of(out, "audio")) == pytest.approx(120 / 25 * 48_000 / 1024, abs=2)
    assert resumed(clip) == (out, 50)
    assert times_of(out) == times_of(whole)
    # Encoded anew from where it stopped, so not to the bit.
    assert np.abs(np.array(frames_of(out), int) - np.array(frames_of(whole), int)).mean() < 2
    assert packets_of(out, "audio") == packets_of(whole, "audio") == packets_of(clip, "audio")
    assert not list(tmp_path.glob("*.pieces"))


def test_other_options_are_not_resumed_and_without_resume_it_begins_again(clip, tmp_path):
    with pytest.raises(Cancelled):
        steady(clip, progress=stop)
    for style, share in ((STYLE, 0.5), (1 - STYLE, VideoOptions.steady)):
        with pytest.raises(CheckpointError, match="other options"):
            stylize_video(clip, style, output=tmp_path / "out.mp4", stylizer=Inverting(), resume=True, steady=share)
    stylizer = Inverting()
    steady(clip, stylizer=stylizer, overwrite=True)
    assert stylizer.painted == 170


def test_stopped_before_the_first_frame(clip, tmp_path):
    class Stubborn(Inverting):
        def __call__(self, *arguments, **options):
            raise KeyboardInterrupt

    with pytest.raises(Cancelled, match="before anything"):
        steady(clip, stylizer=Stubborn())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


KILLED = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from films import Inverting, STYLE
from impasto import stylize_video

class Slow(Inverting):
    def __call__(self, *arguments, **options):
        time.sleep(0.01)
        return super().__call__(*arguments, **options)

stylize_video(sys.argv[1], STYLE, output=sys.argv[2], stylizer=Slow(), resume=True)
"""


def test_a_killed_run_resumes_to_the_same_frames(clip, tmp_path):
    whole, out = steady(clip, "whole"), tmp_path / "out"
    here = Path(__file__).parent
    command = [sys.executable, "-c", KILLED, str(clip), str(out), str(here), str(here.parent)]
    process = subprocess.Popen(command)
    second = tmp_path / "out.pieces" / "00001.nut"
    deadline = time.monotonic() + 120
    while not second.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    assert resumed(clip, "out")[1] < 170
    made, wanted = (sorted(folder.iterdir()) for folder in (out, whole))
    assert len(made) == len(wanted) == 170
    assert all((frames_of(one)[0] == frames_of(other)[0]).all() for one, other in zip(made, wanted, strict=True))


def test_a_run_that_was_killed_after_its_last_piece_only_joins(clip, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(stylize, "join_film", fail)
        with pytest.raises(PictureError, match=r"out.mp4: it cannot be written: no space left"):
            steady(clip)
    assert not (tmp_path / "out.mp4").exists()
    out, count = resumed(clip)
    assert (count, len(times_of(out))) == (0, 170)


def test_files_of_others_in_the_folder_of_pieces_stay(clip, tmp_path):
    folder = tmp_path / "out.mp4.pieces"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    steady(clip, end="1")
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_damaged_frames_are_repeated_and_named(tmp_path, caplog):
    """Pictures of MJPEG stand alone, so that one that is damaged harms no other."""
    good = write_film(tmp_path / "good.mkv", map(plain, range(12)), codec="mjpeg", form="yuvj420p", options={"bf": "0"})
    clip = tmp_path / "clip.mkv"
    with av.open(str(good)) as source, av.open(str(clip), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0], opaque=True)
        for number, packet in enumerate(source.demux(video=0)):
            if packet.pts is None:
                continue
            copy = av.Packet(b"\0" * 50 if number in (5, 6) else bytes(packet))
            copy.pts, copy.dts = packet.pts, packet.dts
            copy.time_base, copy.duration = packet.time_base, packet.duration
            copy.stream, copy.is_keyframe = stream, True
            out.mux(copy)
    made = painted(clip, "out.mkv")
    assert times_of(made) == times_of(good)
    wanted = [0, 1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 11]
    assert greys_of(made) == pytest.approx([255 - level(number) for number in wanted], abs=3)
    assert "frame at 0:00.200" in caplog.text
    assert "frame at 0:00.240" in caplog.text


def test_a_frame_that_cannot_be_painted_is_repeated(tmp_path, caplog):
    class Sometimes(Inverting):
        def __call__(self, *arguments, **options):
            painted = super().__call__(*arguments, **options)
            if self.painted == 3:
                raise DivergedError("the loss is not finite")
            return painted

    clip = write_film(tmp_path / "clip.mp4", map(plain, range(5)))
    made = painted(clip, stylizer=Sometimes())
    assert greys_of(made) == pytest.approx([255 - level(number) for number in (0, 1, 1, 3, 4)], abs=3)
    assert "frame at 0:00.080" in caplog.text


def test_a_full_disk_is_one_line_and_keeps_the_pieces(clip, monkeypatch):
    write = pieces.VideoEncoder.write
    written = []

    def fail(self, pixels, pts):
        written.append(pts)
        if len(written) == 130:
            raise PictureError(f"{self.path}: no space left on device")
        write(self, pixels, pts)

    with monkeypatch.context() as patch:
        patch.setattr(pieces.VideoEncoder, "write", fail)
        with pytest.raises(PictureError, match="no space left"):
            steady(clip)
    out, count = resumed(clip)
    assert count < 130
    assert len(times_of(out)) == 170


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(clip, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(PictureError, match="cannot be written"):
        steady(clip, "locked/out.mp4")


def resident():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


@pytest.mark.slow
def test_ten_thousand_frames_in_constant_memory(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", (moving(number, 16, 16) for number in range(10_000)))
    found = []

    def progress(report):
        if report.step in (2_000, 9_900):
            found.append(resident())

    made = steady(clip, progress=progress)
    assert found[1] - found[0] < 30e6
    assert times_of(made) == times_of(clip)

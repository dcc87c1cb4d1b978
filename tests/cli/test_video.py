"""`impasto video`: what it says, what it refuses, and what is left when it is stopped."""

import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av")
pytest.importorskip("cv2")
clips = pytest.importorskip("clips")


@pytest.fixture
def clip(folder):
    path = folder / "clip.mp4"
    path.write_bytes(clips.clip(8, (32, 24)))
    return path


def frames(path):
    return clips.count(Path(path).read_bytes())


def test_it_paints_and_says_where(impasto, clip, folder):
    outcome = impasto("video", "clip.mp4", "--style", "style.png", "-o", "out.mp4", "--from", "0.08", "--to", "0:00.28")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.fullmatch(r"out\.mp4: \d+\.\d s\n", outcome.out)
    assert frames("out.mp4") == 5
    outcome = impasto("video", "clip.mp4", "--style", "style.png")
    assert (outcome.code, outcome.out.split(":")[0]) == (0, "clip-impasto.mp4")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_a_picture_is_no_film(suffix, impasto, folder):
    with Image.open("photo.png") as photo:
        photo.save(f"still.{suffix}")
    outcome = impasto("video", f"still.{suffix}", "--style", "style.png", "-o", "out.mp4")
    said = f"impasto: still.{suffix}: it is a picture, and no film; as a picture it can be painted\n"
    assert (outcome.code, outcome.err, (folder / "out.mp4").exists()) == (1, said, False)


def test_a_film_says_how_it_was_made(impasto, clip):
    impasto("video", "clip.mp4", "--style", "style.png", "-o", "out.mp4", "--to", "0.2", "--strength", "0.5")
    outcome = impasto("info", "out.mp4")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert lines[0] == "out.mp4: mov, 32 x 24 pixels"
    assert {"style style.png", "strength 0.5", "steady 0.8", "end 0.2", "size 32 x 24"} <= set(lines)
    outcome = impasto("info", "clip.mp4")
    assert outcome.code == 1
    assert outcome.out == "clip.mp4: mov, 32 x 24 pixels\n"
    assert outcome.err.startswith("impasto: clip.mp4: it carries no record")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--from 7", "--from is 7 s, but the film ends after 0.32 s"),
        ("--from 0.5 --to 0.2", "--to is 0.2, but must come after start"),
        ("--to 1:75", "--to is '1:75', but"),
        ("--steady 2", "--steady is 2.0, but must be"),
        ("-o out.avi", "out.avi: .avi is no format to write"),
        ("-o out.gif --codec h264", "--codec is 'h264', but a .gif"),
        ("-o out.mp4 --codec prores", "--codec is 'prores', which .mp4 cannot hold"),
        ("--strength 9", "--strength is 9.0, but must be"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(impasto, clip, words, said):
    impasto("video", "clip.mp4", "--style", "style.png", *words.split()).refuses(2, f"impasto: {said}")


def test_what_is_missing(impasto, clip):
    assert "CLIP is missing" in impasto("video").err
    assert "--style is missing" in impasto("video", "clip.mp4").err
    outcome = impasto("video", "photo.txt", "--style", "style.png")
    assert (outcome.code, outcome.err) == (1, "impasto: photo.txt: it cannot be read: no such file or directory\n")


def test_ctrl_c_leaves_a_film_and_resume_goes_on(impasto, clip, folder, monkeypatch):
    from impasto.video import pieces, stylize

    report = stylize._Clock.report

    def stop(self, *arguments):
        made = report(self, *arguments)
        if made.step == 5:
            signal.raise_signal(signal.SIGINT)
        return made

    monkeypatch.setattr(pieces, "FRAMES", 2)
    monkeypatch.setattr(stylize._Clock, "report", stop)
    outcome = impasto("video", "clip.mp4", "--style", "style.png", "-o", "out.mp4")
    assert outcome.code == 130
    assert outcome.err == "impasto: stopped after 5 frames; out.mp4 holds them, and --resume goes on with them\n"
    assert frames("out.mp4") == 5
    monkeypatch.setattr(stylize._Clock, "report", report)
    assert impasto("video", "clip.mp4", "--style", "style.png", "-o", "out.mp4", "--resume").code == 0
    assert frames("out.mp4") == 8
    assert not (folder / "out.mp4.pieces").exists()


def test_the_preview_is_the_frame_in_half_blocks():
    from impasto.cli.video import COLUMNS, _half_blocks

    frame = np.zeros((1, 3, 90, 160), np.float32)
    frame[:, 0, :45] = 1
    lines = _half_blocks(frame).plain.splitlines()
    assert [len(line) for line in lines] == [COLUMNS] * 14

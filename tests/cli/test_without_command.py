"""What a stranger types: a photo and a painting, nothing else; and a picture in a pipe."""

import io
import subprocess
import sys

import pytest
from PIL import Image

from impasto.cli import stylize as command
from impasto.cli.pictures import STDOUT, Pipes, piped


@pytest.fixture
def asked(monkeypatch):
    """(names of contents, names of styles) of each painting that was asked for, instead of painting it."""
    seen = []

    def paint(pictures, *rest):
        seen.append(([one.name for one in pictures.contents], [one.name for one in pictures.styles]))

    monkeypatch.setattr(command, "_paint", paint)
    return seen


@pytest.mark.parametrize(
    "words",
    [
        ("photo.png", "-s", "style.png"),
        ("photo.png", "--style=style.png"),
        ("--debug", "photo.png", "-s", "style.png"),
        ("--config", "own.yaml", "photo.png", "-s", "style.png"),
        ("--config=own.yaml", "photo.png", "-s", "style.png"),
    ],
)
def test_pictures_are_painted(words, impasto, folder, asked):
    (folder / "own.yaml").write_text("stylize: {}")
    assert impasto(*words).code == 0
    assert asked == [(["photo.png"], ["style.png"])]


def test_impastos_own_and_folders_are_pictures_too(impasto, asked):
    assert impasto("mountains", "-s", "swirls").code == 0
    assert impasto(".", "-s", "swirls").code == 0
    assert [one[1] for one in asked] == [["swirls"], ["swirls"]]


def test_a_command_is_never_a_picture(impasto, folder, asked):
    (folder / "styles").mkdir()
    assert "starry-night" in impasto("styles").out
    assert asked == []


def test_from_a_pipe_into_a_pipe(folder):
    command = [sys.executable, "-m", "impasto", "-", "-s", "style.png", "-o", "-"]
    ended = subprocess.run(command, input=(folder / "photo.png").read_bytes(), capture_output=True, check=True)
    assert ended.stderr == b""
    with Image.open(io.BytesIO(ended.stdout)) as painted, Image.open(folder / "photo.png") as photo:
        assert (painted.format, painted.size) == ("PNG", photo.size)


@pytest.mark.parametrize(
    ("words", "kind", "written"),
    [
        (["photo.png", "-s", "-"], "png", "photo-impasto.png"),
        (["-", "-s", "style.png"], "jpeg", "stdin-impasto.jpg"),  # which has the usual suffix
    ],
)
def test_from_a_pipe(words, kind, written, folder, impasto, monkeypatch):
    data = io.BytesIO()
    with Image.open(folder / "photo.png") as photo:
        photo.save(data, kind)
    data.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    before = set(folder.iterdir())
    outcome = impasto(*words)
    assert (outcome.code, outcome.err, outcome.out.split(":")[0]) == (0, "", written)
    assert {one.name for one in set(folder.iterdir()) - before} == {written}


@pytest.mark.parametrize("output", [None, "painting.png"])
def test_without_streams_no_folder_is_made_that_a_killed_run_would_leave(temporary, output):
    with piped(["photo.jpg", "starry-night"], output) as pipes:
        assert pipes == Pipes(None, None)
        assert list(temporary.iterdir()) == []


def test_a_stream_has_a_file_for_as_long_as_the_command_runs(temporary):
    with piped(["photo.jpg"], STDOUT) as pipes:
        assert pipes.sent is not None
        assert pipes.sent.parent.is_dir()
    assert list(temporary.iterdir()) == []

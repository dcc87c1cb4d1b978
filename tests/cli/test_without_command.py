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
    assert 'Did you mean "stylize"?' in impasto("stylise").err
    assert asked == []


def test_a_picture_from_a_pipe_has_the_usual_suffix(folder):
    with Image.open(folder / "photo.png") as photo:
        photo.save(folder / "photo.jpeg")
    code, out, _ = pipe(folder, "-", "-s", "style.png", given=(folder / "photo.jpeg").read_bytes())
    assert (code, out.decode().split(":")[0]) == (0, "stdin-impasto.jpg")


def pipe(folder, *words, given=b""):
    command = [sys.executable, "-m", "impasto", *words]
    ended = subprocess.run(command, input=given, capture_output=True, cwd=folder, check=False)
    return ended.returncode, ended.stdout, ended.stderr.decode()


def test_from_a_pipe_into_a_pipe(folder):
    code, out, err = pipe(folder, "-", "-s", "style.png", "-o", "-", given=(folder / "photo.png").read_bytes())
    assert (code, err) == (0, "")
    with Image.open(io.BytesIO(out)) as painted, Image.open(folder / "photo.png") as photo:
        assert (painted.format, painted.size) == ("PNG", photo.size)
    before = set(folder.iterdir())
    code, out, _ = pipe(folder, "photo.png", "-s", "-", given=(folder / "style.png").read_bytes())
    assert (code, out.decode().split(":")[0]) == (0, "photo-impasto.png")
    assert {one.name for one in set(folder.iterdir()) - before} == {"photo-impasto.png"}


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

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from impasto import __version__
from impasto.cli import demo
from impasto.errors import OptionError, PictureError

MAIN = "import sys; from impasto.cli.main import main; sys.exit(main())"
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


def python(code, *words, **streams):
    """Run code in a process that has imported nothing yet."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    words = [sys.executable, "-c", textwrap.dedent(code), *words]
    return subprocess.run(words, text=True, timeout=60, check=False, **streams)


def test_help_and_wrong_usage_do_without_torch_numpy_and_pillow():
    run = python(
        """
        import contextlib, io, sys
        from impasto.cli.main import app, main
        names = [name for name in app if not name.startswith("-")]
        helps = [[name, "--help"] for name in names]
        helps += [[name, part, "--help"] for name in names for part in app[name] if not part.startswith("-")]
        wrong = [["styl"], ["stylize"], ["stylize", "photo.png", "--stlye", "x"]]
        wrong += [["stylize", "photo.png"], ["stylize", "photo.png", "-s", "style.png", "--size", "0"]]
        wrong += [["stylize", "a.png", "b.png", "-s", "style.png", "-o", "c.png"], ["train", "x", "--out", "y"]]
        wrong += [["serve", "--host", "0.0.0.0"], ["serve", "--queue", "0"], ["keys", "add", "--keys", "x"]]
        wrong += [["bot", "--allow", "0"], ["study", "poling"]]
        wrong += [["train", "cyclegan", "--data", "A=x"], ["train", "cyclegan", "--out", "y", "--steps", "0"]]
        missing = [["train", "cyclegan", "--data", "A=nowhere", "--out", "y"]]
        missing += [["study", "semantic-ablation", "--data", "A=.", "B=nowhere"]]
        missing += [["study", "pooling", "--content", "nowhere.png"]]
        for expected, calls in (0, [["--help"], ["--version"], [], *helps]), (2, wrong), (1, missing):
            for call in calls:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    code = main(call)
                loaded = {"torch", "numpy", "PIL", "accelerate", "requests", "telegram", "httpx"} & set(sys.modules)
                print(code == expected, sorted(loaded), call)
        """
    )
    lines = run.stdout.splitlines()
    assert (run.returncode, run.stderr) == (0, "")
    assert [line for line in lines if not line.startswith("True [] ")] == []
    assert len([line for line in lines if "--help" in line]) > 30


def test_version(impasto):
    assert impasto("--version").out == f"{__version__}\n"


def broken(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PictureError("photo.png: it is empty"), 1, "impasto: photo.png: it is empty\n"),
        (PictureError("two\nlines \x1b[31m"), 1, "impasto: two lines \\x1b[31m\n"),
        (OptionError("method is 0, but must be more"), 2, "impasto: --method is 0, but must be more\n"),
        (KeyboardInterrupt(), 130, "impasto: interrupted\n"),
        (ZeroDivisionError("oh"), 1, "impasto: something went wrong inside impasto (ZeroDivisionError: oh); please"),
    ],
)
def test_every_error_is_one_line_and_an_exit_code(error, code, said, impasto, monkeypatch):
    monkeypatch.setattr(demo, "_is_demo", broken(error))
    impasto("demo").refuses(code, said)


def test_debug_shows_the_traceback(impasto, monkeypatch):
    monkeypatch.setattr(demo, "_is_demo", broken(PictureError("x")))
    with pytest.raises(PictureError):
        impasto("demo", "--debug")
    monkeypatch.setenv("IMPASTO_DEBUG", "1")
    with pytest.raises(PictureError):
        impasto("demo")


def paint_nothing(folder):
    """painted.png, with a record."""
    from PIL import Image, PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("impasto", '{"software": "impasto"}')
    Image.new("RGB", (1, 1)).save(folder / "painted.png", pnginfo=chunks)


@pytest.mark.parametrize("words", [["--help"], ["info", "--json", "painted.png"]])
def test_a_reader_that_goes_away_is_no_error(words, folder):
    paint_nothing(folder)
    command = [sys.executable, "-c", MAIN, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        run.stdout.close()
        said = run.stderr.read()
    assert said == ""
    assert run.returncode != 0


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)], ids=str)
def test_closed_streams_are_no_error(closed, folder):
    words = [sys.executable, "-c", MAIN, "encode", "swirls", "-o", "x.style.safetensors"]
    done = python(f"import os, sys; [os.close(number) for number in {closed}]; os.execv(sys.executable, {words!r})")
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "x.style.safetensors").stat().st_size > 0


@needs_full
@pytest.mark.parametrize("words", [["keys", "list", "--keys", "keys.json"], ["--help"], ["info", "painted.png"]])
def test_a_full_disk_behind_stdout_is_said_once(words, folder):
    key = '{"name": "a", "sha256": "b", "scopes": [], "created": "", "rate": null}'
    (folder / "keys.json").write_text(f'{{"keys": [{key}]}}')
    paint_nothing(folder)
    with FULL.open("w") as full:
        done = python(MAIN, *words, stdout=full)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no space left on device" in done.stderr
    assert "inside impasto" not in done.stderr
    assert "painted.png" not in done.stderr


@needs_full
def test_notes_that_nobody_can_read_stop_nothing(folder):
    with FULL.open("w") as full:
        done = python(MAIN, "styl", stderr=full)
        assert (done.returncode, done.stdout) == (2, "")
        assert python(MAIN, "keys", "add", "me", "--keys", "keys.json", stderr=full).returncode == 0


def test_a_folder_that_is_gone_is_said(impasto, folder, monkeypatch):
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    outcome = impasto("stylize", "photo.png", "-s", "style.png")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "inside impasto" not in outcome.err


def test_no_home_is_said_where_one_is_needed(impasto, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    impasto("weights", "fetch", "vgg19").refuses(1, "there is no home folder")


def test_completion_can_be_installed(impasto, folder):
    assert impasto("--install-completion", "--shell", "bash", "-o", "completion.sh").code == 0
    text = (folder / "completion.sh").read_text()
    assert "--style-weight" in text
    assert "normalise" in text


def test_matrices_leave_the_processors_to_the_networks():
    """Whoever said otherwise is heard."""
    code = "import os; from impasto.cli.main import main; main(['styles']); print(os.environ['OPENBLAS_NUM_THREADS'])"
    for chosen, expected in ({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3"):
        clean = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
        done = python(code, env=clean | chosen)
        assert done.stdout.split()[-1] == expected

import os
import subprocess
import sys
import textwrap

import pytest

from impasto import __version__
from impasto.cli import demo
from impasto.errors import OptionError, PictureError

COMMANDS = [
    "stylize", "demo", "encode", "info", "train", "attention", "study", "evaluate", "compare",
    "data", "data list", "data fetch", "data check", "runs", "runs list", "runs show", "runs diff",
    "weights", "weights list", "weights fetch", "weights normalise", "weights import",
    "survey", "survey create", "survey serve", "survey report",
    "serve", "bot", "keys add", "keys list", "keys remove",
]  # fmt: skip


def fresh(code):
    """Run code in a process that has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_and_wrong_usage_do_without_torch_numpy_and_pillow():
    run = fresh(
        f"""
        import contextlib, io, sys
        from impasto.cli.main import main
        calls = [[*name.split(), "--help"] for name in {COMMANDS!r}]
        calls += [["--help"], ["--version"], [], ["styl"], ["stylize"], ["stylize", "photo.png", "--stlye", "x"]]
        calls += [["stylize", "photo.png"], ["stylize", "photo.png", "-s", "style.png", "--size", "0"]]
        calls += [["stylize", "a.png", "b.png", "-s", "style.png", "-o", "c.png"], ["train", "x", "--out", "y"]]
        calls += [["serve", "--host", "0.0.0.0"], ["serve", "--queue", "0"], ["keys", "add", "--keys", "x"]]
        calls += [["bot", "--allow", "0"]]
        for call in calls:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                code = main(call)
            loaded = {{"torch", "numpy", "PIL", "accelerate", "requests", "telegram", "httpx"}} & set(sys.modules)
            print(code, sorted(loaded), call)
        """
    )
    lines = run.stdout.splitlines()
    assert (run.returncode, run.stderr) == (0, "")
    assert [line for line in lines if " [] [" not in line] == []
    assert [line[0] for line in lines] == ["0"] * (len(COMMANDS) + 3) + ["2"] * 11


def test_version(impasto):
    assert impasto("--version").out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["styl"], 'Did you mean "stylize"?'),
        (["stylize", "photo.png", "--stlye", "x"], "Did you mean --style?"),
        (["weights", "fetc"], 'Did you mean "fetch"?'),
        (["stylize", "photo.png", "-o"], "requires an argument"),
        (["stylize", "photo.png"], "--style is missing"),
    ],
)
def test_wrong_usage_is_one_line_that_helps(words, hint, impasto):
    outcome = impasto(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("impasto: ")
    assert outcome.err.count("\n") == 1
    assert hint in outcome.err


def broken(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PictureError("photo.png: it is empty"), 1, "impasto: photo.png: it is empty\n"),
        (PictureError("two\nlines \x1b[31m"), 1, "impasto: two lines \\x1b[31m\n"),
        (OptionError("size is 0, but must be more"), 2, "impasto: --size is 0, but must be more\n"),
        (KeyboardInterrupt(), 130, "impasto: interrupted\n"),
        (ZeroDivisionError("oh"), 1, "impasto: something went wrong inside impasto (ZeroDivisionError: oh); please"),
    ],
)
def test_every_error_is_one_line_and_an_exit_code(error, code, said, impasto, monkeypatch):
    monkeypatch.setattr(demo, "_is_demo", broken(error))
    outcome = impasto("demo")
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith(said)
    assert outcome.err.count("\n") == 1


def test_debug_shows_the_traceback(impasto, monkeypatch):
    monkeypatch.setattr(demo, "_is_demo", broken(PictureError("x")))
    with pytest.raises(PictureError):
        impasto("demo", "--debug")
    monkeypatch.setenv("IMPASTO_DEBUG", "1")
    with pytest.raises(PictureError):
        impasto("demo")


@pytest.mark.parametrize("words", [["--help"], ["info", "--json", "painted.png"]])
def test_a_reader_that_goes_away_is_no_error(words, folder):
    from PIL import Image, PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("impasto", '{"software": "impasto"}')
    Image.new("RGB", (1, 1)).save("painted.png", pnginfo=chunks)
    command = [sys.executable, "-c", "import sys; from impasto.cli.main import main; sys.exit(main())", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as run:
        run.stdout.close()
        said = run.stderr.read()
    assert said == ""
    assert run.returncode != 0


def test_completion_can_be_installed(impasto, folder):
    assert impasto("--install-completion", "--shell", "bash", "-o", "completion.sh").code == 0
    text = (folder / "completion.sh").read_text()
    assert "--style-weight" in text
    assert "normalise" in text

"""The default method paints, encodes, serves and explains its styles where PyTorch is not installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from impasto.errors import missing_extra
from impasto.gallery import packaged

# What `import torch` finds where it is not installed.
SITE = "import sys\nsys.modules['torch'] = None\n"

SERVE = """
import sys
from impasto.service import Limits, PaintRequest, Service, Status
photo, painting = (open(path, "rb").read() for path in sys.argv[1:])
with Service(limits=Limits(stop_seconds=0), devices=["cpu"]) as service:
    assert list(service.offer.methods) == ["adain"]
    service.wait_until_ready(120)
    for style in (painting, "starry-night"):
        job = service.submit(PaintRequest(content=photo, styles=(style,)))
        ended = service.wait(job.id, 120)
        assert ended.status is Status.DONE, ended
        assert len(service.result(job.id).data) > 1000
print("served")
"""


@pytest.fixture
def run(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(SITE)
    with Image.open(packaged()["mountains"]) as picture:
        picture.resize((96, 64)).save(tmp_path / "photo.png")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_the_command_line(run, tmp_path: Path) -> None:
    for arguments in (
        ["stylize", "photo.png", "--style", "starry-night", "--output", "named.png"],
        ["stylize", "photo.png", "--style", packaged()["swirls"], "--colour", "keep", "--output", "keep.png"],
        ["encode", packaged()["cubes"], "--output", "cubes.style.safetensors"],
        ["stylize", "photo.png", "--style", "cubes.style.safetensors", "--strength", "0.6", "--output", "encoded.png"],
        ["styles"],
    ):
        done = run("-m", "impasto", *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    assert "The Starry Night" in done.stdout
    for name in ("named.png", "keep.png", "encoded.png"):
        with Image.open(tmp_path / name) as painted:
            assert painted.size == (96, 64)


@pytest.mark.parametrize(
    ("choice", "what"),
    [
        (["--method", "gatys"], "the method gatys"),
        (["--encoder", "vgg19"], "the encoder vgg19"),
        (["--decoder", "adain_paper"], "the decoder adain_paper"),
        (["--refine", "2"], "--refine 2"),
        (["--quality", "finer"], "--quality finer"),
        (["--device", "cuda"], "the device cuda"),
    ],
)
def test_what_needs_it_says_how_to_get_it(run, choice: list[str], what: str) -> None:
    done = run("-m", "impasto", "stylize", "photo.png", "--style", packaged()["swirls"], "--output", "x.png", *choice)
    assert (done.returncode, done.stderr) == (2, f"impasto: {missing_extra(what, 'torch', 'torch')}\n")
    assert "pip install '.[torch]' -c constraints.txt" in done.stderr


@pytest.mark.parametrize("choice", [["--quality", "finer"], ["--method", "gatys"]])
def test_first_what_no_installation_would_change(run, choice: list[str]) -> None:
    done = run("-m", "impasto", "stylize", "photo.png", "--style", "starry-night", *choice)
    assert (done.returncode, "torch" in done.stderr) == (2, False)
    assert "needs the painting itself, of which the style 'starry-night' keeps only statistics" in done.stderr


def test_the_demo_says_what_the_finer_one_needs(run) -> None:
    done = run("-m", "impasto", "demo")
    assert done.returncode == 0
    assert done.stderr.startswith("slower and finer (impasto demo --method gatys, or impasto stylize --quality finer)")
    assert "needs the extra 'torch'" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "photo.png", "--style", "photo.png", "--output", "compared"],
        ["survey", "create", "asked.db", "--content", ".", "--style", ".", "--result", "."],
        ["train", "adain", "--data", "content=.", "--data", "style=.", "--out", "run"],
        ["attention", "photo.png", "--style", "photo.png", "--map", "--output", "seen.png"],
        ["evaluate", "photo.png", "--content", "photo.png"],
        ["study", "attention-map", "--output", "studied"],
    ],
)
def test_commands_that_need_it_say_how_to_get_it(run, command: list[str]) -> None:
    done = run("-m", "impasto", *command)
    assert done.returncode in (1, 2)
    assert (done.stderr.count("\n"), done.stdout) == (1, ""), done.stderr
    extra = "train" if command[0] == "train" else "torch"
    assert done.stderr.startswith("impasto: ")
    assert f": pip install '.[{extra}]'" in done.stderr


@pytest.mark.slow
def test_the_wheel_alone_paints_and_serves() -> None:
    script = Path(__file__).parent.parent / "tools/clean_install.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["batch", ".", "--style", "swirls", "--output", "out"],
                                       ["video", "frames", "--style", "swirls", "--output", "out"]])  # fmt: skip
def test_many_pictures(run, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    shutil.copy(tmp_path / "photo.png", tmp_path / "frames" / "1.png")
    done = run("-m", "impasto", *arguments)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out").rglob("*.png"))


@pytest.mark.slow
def test_the_service(run) -> None:
    done = run("-c", SERVE, "photo.png", packaged()["swirls"])
    assert done.stdout == "served\n", done.stderr

"""The default method paints, encodes, serves and explains its styles where PyTorch is not installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from impasto.errors import missing_extra
from impasto.gallery import packaged

SERVE = """
import sys
from impasto.service.job import Status
from impasto.service.limits import Limits
from impasto.service.request import PaintRequest
from impasto.service.service import Service
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
    # What `import torch` finds where it is not installed.
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    with Image.open(packaged()["mountains"]) as picture:
        picture.resize((96, 64)).save(tmp_path / "photo.png")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


EACH = """
import sys
from impasto.cli.main import main
codes = []
for words in sys.argv[1:]:
    codes.append(main(words.split()))
    print("--", file=sys.stderr)
print(codes)
"""


@pytest.fixture
def each(run):
    """(exit code, what is said) of each of several commands, one after the other in one process without PyTorch."""

    def said(*commands: str) -> list[tuple[int, str]]:
        done = run("-c", EACH, *commands)
        *each, rest = done.stderr.split("--\n")
        assert (done.returncode, rest) == (0, ""), done.stderr
        return list(zip(json.loads(done.stdout.splitlines()[-1]), each, strict=True))

    return said


def test_the_command_line(each, tmp_path: Path) -> None:
    *painted, (_, demo) = each(
        "stylize photo.png --style starry-night --output named.png",
        "stylize photo.png --style swirls --colour keep --output keep.png",
        "encode photo.png --output photo.style.safetensors",
        "stylize photo.png --style photo.style.safetensors --strength 0.6 --output encoded.png",
        "styles",
        "demo",
    )
    assert painted == [(0, "")] * 5
    for name in ("named.png", "keep.png", "encoded.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (96, 64)
    assert demo.startswith("slower and finer (impasto demo --method gatys, or impasto stylize --quality finer)")
    assert "needs the extra 'torch'" in demo


PAINT = "stylize photo.png --style swirls --output x.png "
NAMED = "stylize photo.png --style starry-night "


def test_what_needs_it_says_how_to_get_it(each) -> None:
    needs = {
        "--method gatys": "the method gatys",
        "--encoder vgg19": "the encoder vgg19",
        "--decoder adain_paper": "the decoder adain_paper",
        "--refine 2": "--refine 2",
        "--quality finer": "--quality finer",
        "--device cuda": "the device cuda",
    }
    said = each(*(PAINT + choice for choice in needs))
    assert said == [(2, f"impasto: {missing_extra(what, 'torch', 'torch')}\n") for what in needs.values()]
    assert all("pip install '.[torch]' -c constraints.txt" in err for _, err in said)


def test_first_what_no_installation_would_change(each) -> None:
    for code, err in each(NAMED + "--quality finer", NAMED + "--method gatys"):
        assert (code, "torch" in err) == (2, False)
        assert "needs the painting itself, of which the style 'starry-night' keeps only statistics" in err


def test_commands_that_need_it_say_how_to_get_it(each) -> None:
    commands = (
        "compare photo.png --style photo.png --output compared",
        "survey create asked.db --content . --style . --result .",
        "attention photo.png --style photo.png --map --output seen.png",
        "evaluate photo.png --content photo.png",
        "study attention-map --output studied",
        "train adain --data content=. --data style=. --out run",
    )
    for command, (code, err) in zip(commands, each(*commands), strict=True):
        assert code in (1, 2)
        extra = "train" if command.startswith("train") else "torch"
        assert (err.startswith("impasto: "), err.count("\n")) == (True, 1), err
        assert f": pip install '.[{extra}]'" in err


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

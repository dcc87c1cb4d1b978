"""What the documentation shows is so: every command is understood, and those that can run here run, in miniature."""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cyclopts import CycloptsError
from PIL import Image
from trainings import draw, forget

from impasto.cli.main import app, main
from impasto.cli.pictures import spelled_out
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.translation import DIRECTIONS, save_generators

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if not {"_build", "generated"} & {*page.parts}
)

# The same with less work.
SHORTER = (
    (r"train (cyclegan|nla_cyclegan) ", r"train \1_slim "),
    (r"train (.*)", r"train \1 --steps 2 --device cpu"),
    (r" --steps 2000 --size 64| --slim --steps 20000| --trend| --seeds 3| --quick", ""),
    (r"study (?!paper-tables)(\S.*)", r"study \1 --quick"),
    (r" --preset best| --precision bf16", ""),
    (r"--method gatys", "--method gatys --steps 2 --coarse-steps 1"),
    (r"--quality finer", "--refine 2"),
    (r"adain,adain\+refine,gatys|adain,gatys", "adain,gatys:steps=2:coarse_steps=1"),
    (r"--size (1024|2000)|--size 256", "--size 48"),
    (r"cuda:1", "cpu"),
    (r"--at 120,300", "--at 12,30"),
    (r"(--method nla-cyclegan) --weights \S+", r"\1 --weights monet"),
)
# What cannot run in a test, and why.
NOT_HERE = {
    r"data fetch|weights fetch|datasets/": "needs the network",
    r"s3://|--on |torchrun|--devices|cuda:0": "needs other machines",
    r"impasto (serve|bot)|survey serve": "serves until it is stopped; the test of servers asks one",
    r"--encoder vgg19|vgg_normalised|decoder\.pth|weights normalise": "needs files that nobody ships",
    r"vgg19=|manifest\.parquet|--evaluated|best/|photos2paintings|runs/seed|testB=more": "needs files of one's own",
    r"impasto stylize photos/ -s": "is of the survey, whose page has a test of its own",
    r"impasto survey": "has tests of its own",
    r"train adain|decoder\.safetensors|impasto runs|train nla_cyclegan": "takes minutes; tests/recipes do it small",
    r"--baseline|semantic\.safetensors": "needs trained networks; tests/attention has some",
}


def lines(page: str) -> list[str]:
    """The commands of a page, each in one line, without comments; and what they answer, where that is shown."""
    blocks = re.findall(r"```(?:shell|console)\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ").splitlines()
    return [said for line in joined if (said := re.sub(r"(^|\s+)#.*$", "", line).removeprefix("$ ").strip())]


def commands(page: str) -> Iterator[str]:
    """What stands after `impasto` in a page, one command after the other."""
    for line in lines(page):
        for part in re.split(r" && | \| ", line):
            if part.startswith("impasto ") or part == "impasto":
                yield part.removeprefix("impasto").strip()


@pytest.mark.parametrize("page", [page for page in PAGES if any(commands(page))])
def test_every_command_is_understood(page):
    for command in commands(page):
        words = shlex.split(re.sub(r" > \S+$", "", command))
        if words[0] not in app:
            words.insert(0, "stylize")
        with contextlib.suppress(SystemExit):  # --help
            try:
                app.parse_args(spelled_out(words), print_error=False, exit_on_error=False)
            except CycloptsError as error:
                pytest.fail(f"{page}: impasto {command}: {error}")


@pytest.mark.parametrize("page", PAGES)
def test_papers_have_authors_and_not_numbers(page):
    assert not re.search(r"[Pp]apers? 00\d", (ROOT / page).read_text("utf-8"))


def test_no_text_of_the_program_calls_a_paper_by_a_number(capsys):
    texts = [app.generate_docs(output_format="markdown")]
    assert main(["study"]) == 0
    texts.append(capsys.readouterr().out)
    texts += [card.read_text("utf-8") for card in (ROOT / "src/impasto/assets").glob("*.md")]
    assert not [text for text in texts if re.search(r"[Pp]apers? 00\d|\(00\d\b", text)]


def test_every_picture_says_which_command_makes_it(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from docs_pictures import FOLDER, PICTURES

    told = [name for made in PICTURES for name in made.files]
    assert sorted(told) == sorted(path.name for path in FOLDER.iterdir())
    shown = {
        name
        for page in PAGES
        for name in re.findall(r"(?:\(|\.\./|docs/)pictures/([\w.-]+)", (ROOT / page).read_text("utf-8"))
    }
    assert shown == {*told}
    for made in PICTURES:
        for command in made.command.split(" && "):
            program, first, *_ = shlex.split(command)
            assert first in app if program == "impasto" else (ROOT / first).is_file(), command


def test_every_network_has_a_card_with_the_command_that_made_it():
    for network in (ROOT / "src/impasto/assets").glob("*.safetensors"):
        card = network.with_suffix(".md").read_text("utf-8")
        assert re.search(r"impasto train |python tools/", card), network.name


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with all that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["impasto"])
    for name in [name for name in os.environ if name.startswith("IMPASTO_")]:
        monkeypatch.delenv(name)
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    for name in ("photos", "paintings", "holidays", "more", "portraits", "testA", "testB", "trainA", "trainB"):
        draw(tmp_path / name, 2, random, (80, 72))
    for name in ("photo", "painting", "one", "two", "other", "a", "b", "sky", "ground"):
        with Image.open(tmp_path / "photos" / "1.png") as picture:
            picture.rotate(len(name) * 30).save(tmp_path / f"{name}.jpg")
    Image.linear_gradient("L").resize((80, 72)).save(tmp_path / "sky.png")
    for picture in (tmp_path / "more").iterdir():
        picture.with_suffix(".jpg").write_bytes((tmp_path / "photo.jpg").read_bytes())
    yield tmp_path
    forget()


def shortened(command):
    for long, short in SHORTER:
        command = re.sub(long, short, command)
    return command


def run(command):
    """In this process, so that a page takes seconds. Raises AssertionError with what it said."""
    forget()
    said, output = io.StringIO(), None
    if " > " in command:
        command, _, output = command.partition(" > ")
    if command.startswith("- "):  # standard input and output are a process's own
        photo = Path("photo.jpg").read_bytes()
        words = [sys.executable, "-m", "impasto", *shlex.split(command)]
        Path(output).write_bytes(subprocess.run(words, input=photo, capture_output=True, check=True).stdout)
        return
    words = []
    for word in shlex.split(command):
        words += sorted(map(str, Path().glob(word))) if "*" in word else [word]
    for place, word in enumerate(words[:-1]):
        # One page writes the same name again and again.
        if word == "-o" and Path(words[place + 1]).is_file():
            Path(words[place + 1]).unlink()
        elif word in ("-o", "--out") and words[place + 1].rstrip("/").startswith(("study", "compared", "numbers")):
            shutil.rmtree(words[place + 1], ignore_errors=True)
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        code = main(words)
    assert code == 0, f"impasto {command}: {said.getvalue()[-600:]}"


def runnable(page):
    return [command for command in commands(page) if not any(re.search(no, f"impasto {command}") for no in NOT_HERE)]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if page == "docs/tutorial.md" else pytest.mark.slow)
        for page in PAGES
        if runnable(page)
    ],
)  # fmt: skip
def test_commands_run(page, folder):
    if page.endswith("stylize.md"):
        (folder / "runs" / "mine").mkdir(parents=True)
        networks = {direction: Generator(GeneratorConfig(width=2, blocks=1)) for direction in DIRECTIONS}
        save_generators(folder / "runs/mine/generators.safetensors", "cyclegan", networks, {})
    if page.endswith(("video.md", "README.md")):
        run("video holidays/ --style ink -o clip.mp4")
    if page.endswith("evaluation.md"):
        shutil.copytree(folder / "testA", folder / "translated")
    for command in runnable(page):
        if command.startswith("evaluate painted/"):
            shutil.rmtree(folder / "painted", ignore_errors=True)
            shutil.copytree(folder / "photos", folder / "painted")
        if command.startswith("train") or "--data A=" in command:  # some are held out
            for name in ("photos", "paintings"):
                draw(folder / name, 20, np.random.default_rng(1), (80, 72))
        run(shortened(command))


def python_blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page) and "serving" not in page])
def test_python_runs(page, folder):
    pixels = torch.rand(1, 3, 24, 24)
    names = {"painted": pixels, "photo": pixels, "frames": pixels.repeat(3, 1, 1, 1), "flow": torch.zeros(2, 2, 24, 24)}
    names["photos"] = [Image.open("photo.jpg"), Image.open("other.jpg")]
    for photo in names["photos"]:
        photo.load()  # which closes the file
    if page.endswith("video.md"):
        run("video holidays/ --style ink --fps 1 -o clip.mp4")
    for block in python_blocks(page):
        short = block.replace('start="10", end="20"', 'start="0", end="1"')
        exec(short, dict(names))


def asked_as(line, url, environment):
    """What a line of a page says, asked of a server that has the films of the test."""
    line = line.replace("http://127.0.0.1:8000", url).replace("curl -f ", "curl -sf ")
    line = re.sub(r"video:\w+", environment.get("video", ""), line).replace("start=2 -F end=5.5 ", "start=0 ")
    if "respond-async" in line:
        line = line.replace("-D - ", "")
    if "/result" in line or "/preview" in line:
        shell(f"curl -sN {url}/v1/jobs/$job/events > events", environment)
    return shell(line, environment)


def shell(line, environment):
    done = subprocess.run(line, shell=True, check=False, capture_output=True, env=environment, timeout=120)
    assert done.returncode == 0, (line, done.stdout)
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_server_is_asked_as_the_pages_show(folder):
    run("video holidays/ --style ink --fps 1 -o clip.mp4")
    command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            url = server.stdout.readline().strip()
            environment = {**os.environ, "job": ""}
            for page in ("docs/tutorial.md", "docs/how-to/serving.md"):
                for line in lines(page):
                    if not line.startswith("curl ") or "HOST" in line:
                        continue
                    said = asked_as(line, url, environment)
                    if "/result -o" in line:
                        assert Path("painted.png").read_bytes().startswith(b"\x89PNG")
                    if line.endswith("@clip.mp4"):
                        environment["video"] = json.loads(said)["id"]
                    if "respond-async" in line and "stylize-video" not in line:
                        environment["job"] = json.loads(said)["id"]
            for block in python_blocks("docs/how-to/serving.md"):
                exec(block.replace("http://127.0.0.1:8000", url), {})
        finally:
            server.terminate()

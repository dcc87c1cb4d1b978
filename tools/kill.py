"""Kill commands that write, at random moments, and fill their disk; whatever lies there afterwards has to be whole.

    python tools/kill.py [--times 100] [--seed 0] [COMMAND...]
    python tools/kill.py --full             on a disk of a few kilobytes instead (Linux, as root: it mounts a tmpfs)

A file is whole if what reads such files reads it to its end. What is called `.partial`, or hidden, does not count.
Now and then the command is given once more after a kill, and has to come to its end, or to say that it has been there.
A server is asked for work until it is killed; the next one on the same files has to know all that this one answered.
"""

import argparse
import contextlib
import http.client
import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fake_telegram import TOKEN, Telegram, telegram
from file_server import File, serving

from impasto import weights
from impasto.client import Client
from impasto.errors import ImpastoError
from impasto.gallery import packaged

IMPASTO = [sys.executable, "-m", "impasto"]
COMMANDS = {
    "stylize": "stylize photos/ --style swirls -o out/",
    "stylize-over": "stylize photos/ink.png --style swirls -o old.png --overwrite",
    "demo": "demo -o out/demo.png",
    "encode": "encode photos/ink.png -o out/ink.style.safetensors",
    "styles": "styles photos/ink.png -o out/sheet.jpg --size 64",
    "batch": "batch photos/ --style swirls -o out/",
    "batch-shards": "batch photos/ --style swirls -o out/painted.tar --per-shard 2",
    "video": "video photos/ --style swirls -o out/film.gif",
    "video-mp4": "video photos/ --style swirls -o out/film.mp4",
    "attention": "attention photos/ink.png --style swirls --method gatys --at 50%,50% -o out/look.html",
    "compare": "compare photos/ink.png --style swirls --methods adain -o out/",
    "evaluate": "evaluate painted/ink-swirls.png --content photos/ink.png --style swirls.png --networks none -o out/",
    "study": "study ratio-sweep --quick --steps 2 --size 48 --values 1"
    " --content photos/ink.png --style swirls.png -o out/study",
    "train": "train cyclegan_slim --data A=photos/ B=painted/ --out out/run --steps 3"
    " --set crop=32 save_every=1 held_out=1",
    "normalise": "weights normalise --encoder lite --data photos/ -o out/lite.safetensors --overwrite",
    "data": "data fetch toy --out out/",
    "keys": "keys add ada --keys keys.json",
    "survey": "survey create out/a.survey --content photos/ --style swirls.png --result painted/ --pairs 2",
    "survey-report": "survey report asked.survey -o out/report --resamples 100 --overwrite",
}
FULL_KILOBYTES = 48
AGAIN = 10
"""Kills to one time that the command is given once more."""
SERVED_SECONDS = 3.0
"""That a server is asked for work, at the longest."""

FETCH = """
from impasto.data.archives import ARCHIVES, Archive
Archive.urls = property(lambda self: (URL,))
ARCHIVES["toy"] = Archive(name="toy", origin="here")
"""
"""For `impasto data fetch`: a data set on this machine."""
MAIN = "import sys; from impasto.cli.main import main; sys.exit(main(sys.argv[1:]))"
NAMES = "import sys; from impasto.cli.main import main; main(sys.argv[1:]); print('modules', *sys.modules)"
FORKS = """
import contextlib, importlib, os, sys
for name in sys.stdin.readline().split():
    with contextlib.suppress(Exception):
        importlib.import_module(name)
from impasto.cli.main import main
for line in sys.stdin:
    if not (child := os.fork()):
        os.setsid()
        os.chdir(line.strip())
        for stream in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        sys.exit(main(sys.argv[1:]))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""A process that has loaded everything, and forks one for each folder that it is told: what is killed is at work, and
does not load modules. It says the process, and with which code that ended."""


def prepare(folder: Path) -> None:
    for name in ("photos", "painted", "out"):
        (folder / name).mkdir()
    for name, file in packaged().items():
        small = Image.open(file).convert("RGB").resize((96, 64))
        small.save(folder / "photos" / f"{name}.png")
        small.save(folder / "painted" / f"{name}-swirls.png")
    small.save(folder / "swirls.png")
    small.save(folder / "old.png")
    asked = COMMANDS["survey"].replace("out/a.survey", "asked.survey")
    for command in ("keys add bob --keys keys.json", asked):
        subprocess.run([*IMPASTO, *command.split()], cwd=folder, check=True, capture_output=True)


def torn(folder: Path) -> list[str]:
    """What is not whole, and why."""
    found = []
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder).parts
        if not file.is_file() or "partial" in file.name or any(part.startswith(".") for part in inside):
            continue
        try:
            read(file)
        except Exception as error:  # noqa: BLE001 - whatever a reader says
            found.append(f"{'/'.join(inside)}: {error!r}")
    return found


def read(file: Path) -> None:
    """To its end. Raises whatever its reader does."""
    if file.suffix in (".png", ".jpg", ".gif"):
        with Image.open(file) as picture:
            picture.load()
    elif file.suffix == ".json":
        json.loads(file.read_text("utf-8"))
    elif file.suffix == ".jsonl":
        # Of a log that is written line by line, the last one may be torn.
        *lines, _ = file.read_text("utf-8").split("\n")
        for line in lines:
            json.loads(line)
    elif file.suffix == ".safetensors":
        weights.load_arrays(file)
    elif file.suffix in (".sqlite", ".survey"):
        with contextlib.closing(sqlite3.connect(file)) as database:
            [[said]] = database.execute("PRAGMA integrity_check")
            assert said == "ok", said
    elif file.suffix == ".tar":
        with tarfile.open(file) as shard:
            for member in shard:
                shard.extractfile(member).read()  # type: ignore[union-attr]
    elif file.suffix == ".parquet":
        import pyarrow.parquet

        pyarrow.parquet.read_table(file)
    elif file.suffix == ".mp4":
        import av

        with av.open(str(file)) as film:
            assert list(film.decode(video=0))


@contextmanager
def prelude(name: str) -> Iterator[str]:
    """What runs before a command, in the same Python."""
    if name != "data":
        yield ""
        return
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(200):
            file.write(packaged()["ink"], f"toy/train{'AB'[number % 2]}/{number}.png")
    with serving() as server:
        server.files["/toy.zip"] = File(archive.getvalue())
        yield FETCH.replace("URL", repr(f"{server.url}/toy.zip"))


@contextmanager
def forking(before: str, words: list[str], folder: Path) -> Iterator[Callable[[Path], tuple[int, Callable[[], int]]]]:
    """Called with a folder: the command at work in it, as its process, and a wait for its exit code."""
    told = subprocess.check_output(
        [sys.executable, "-c", before + NAMES, *words], cwd=folder, text=True, stderr=subprocess.DEVNULL
    )
    modules = told.rpartition("modules ")[2].strip()
    command = [sys.executable, "-c", before + FORKS, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said, asked = process.stdout, process.stdin
        asked.write(f"{modules}\n")

        def begin(place: Path) -> tuple[int, Callable[[], int]]:
            asked.write(f"{place}\n")
            asked.flush()
            return int(said.readline()), lambda: int(said.readline())

        yield begin
        asked.close()


def killed(name: str, times: int, random_: random.Random) -> list[str]:
    """What was torn, over all times."""
    words, faults = COMMANDS[name].split(), []
    with tempfile.TemporaryDirectory() as kept, prelude(name) as before:
        base = Path(kept) / "base"
        base.mkdir()
        prepare(base)
        with forking(before, words, shutil.copytree(base, Path(kept) / "loaded")) as begin:
            began = time.monotonic()
            _, end = begin(shutil.copytree(base, Path(kept) / "whole"))
            assert end() == 0, "it fails by itself"
            length = time.monotonic() - began
            for number in range(times):
                folder = shutil.copytree(base, Path(kept) / str(number))
                process, end = begin(folder)
                time.sleep(length * random_.random())
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
                end()
                faults += torn(folder)
                if number % AGAIN == 0:
                    faults += once_more(before, words, folder) + torn(folder)
                shutil.rmtree(folder)
    return faults


def once_more(before: str, words: list[str], folder: Path) -> list[str]:
    """What is wrong with the command where it was killed before."""
    resume = ["--resume"] if (folder / "out/run/state.json").exists() else []
    command = [sys.executable, "-c", f"{before}{MAIN}", *words, *resume]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    is_wrong = done.returncode and not re.search("exists|already|taken", done.stderr)
    return [f"again: {done.returncode} {done.stderr[-300:]}"] if is_wrong else []


# --- servers ---------------------------------------------------------------------------------------------------------


@contextmanager
def listening(words: list[str], folder: Path) -> Iterator[str]:
    """The address of a server, which is killed."""
    process = subprocess.Popen(
        words, cwd=folder, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http"), f"it did not start: {address}"
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def paint(url: str, folder: Path, promised: set[str]) -> None:
    client = Client(url)
    while True:
        promised.add(str(client.submit(folder / "photos/ink.png", "swirls", size=64)["id"]))
        time.sleep(0.05)


def paintings_lost(url: str, promised: set[str]) -> set[str]:
    client = Client(url)
    for job in promised:
        *_, last = client.events(job)
        if last["status"] == "done" and client.result(job):
            promised = promised - {job}
    return promised


def people(folder: Path) -> list[str]:
    """The paths of their links."""
    return re.findall(r"/\w+/p/\S+", (folder / "asked.survey.links.txt").read_text("utf-8"))


def answer(url: str, folder: Path, promised: set[str]) -> None:
    for home in people(folder):
        for position in range(2):
            body = json.dumps({"value": 1 + len(promised) % 10}).encode()
            asked = urllib.request.Request(f"{url}{home}/answers/{position}", body, method="PUT")
            urllib.request.urlopen(asked, timeout=10).read()
            promised.add(f"{home} {position} {1 + len(promised) % 10}")


def answers_lost(url: str, promised: set[str]) -> set[str]:
    known = set()
    for home in {said.split()[0] for said in promised}:
        state = json.loads(urllib.request.urlopen(f"{url}{home}/state", timeout=10).read())
        known |= {f"{home} {position} {task['answer']}" for position, task in enumerate(state["tasks"])}
    return promised - known


def send(chats: Telegram, folder: Path, promised: set[str]) -> None:
    photo = (folder / "photos/ink.png").read_bytes()
    for number in range(4):
        chats.user().sends(photo)
        promised.add(str(number))
        time.sleep(0.4)


def photos_lost(chats: Telegram, promised: set[str]) -> set[str]:
    """Photos without a painting, however late."""
    until, painted = time.monotonic() + 60, 0
    while painted < len(promised) and time.monotonic() < until:
        time.sleep(0.1)
        painted = sum(message.kind == "photo" for message in chats.user().answers)
    return {f"{len(promised) - painted} photos"} if painted < len(promised) else set()


@dataclass(frozen=True)
class Server:
    """command: URL is Telegram's. ask: called with whom it talks to, its folder, and what was promised so far, to add
    to it until the server is gone. lost: what is not there, of the next
    server."""

    command: str
    ask: Callable[[Any, Path, set[str]], None]
    lost: Callable[[Any, set[str]], set[str]]


SERVERS = {
    "serve": Server("serve --port 0 --spool spool/", paint, paintings_lost),
    "survey-serve": Server("survey serve asked.survey --port 0", answer, answers_lost),
    "bot": Server("bot --token-file token --memory bot.sqlite --base-url URL", send, photos_lost),
}


def killed_servers(name: str, times: int, random_: random.Random) -> list[str]:
    """What was torn or lost, over all times."""
    server, faults = SERVERS[name], []
    with tempfile.TemporaryDirectory() as kept:
        base = Path(kept) / "base"
        base.mkdir()
        prepare(base)
        (base / "token").write_text(TOKEN)
        (base / "token").chmod(0o600)
        for number in range(times):
            folder, promised = shutil.copytree(base, Path(kept) / str(number)), set[str]()

            def until_gone(peer: Any, folder: Path = folder, promised: set[str] = promised) -> None:
                with contextlib.suppress(OSError, http.client.HTTPException, ImpastoError):
                    server.ask(peer, folder, promised)

            with telegram() as chats:
                words = [*IMPASTO, *server.command.replace("URL", chats.url).split()]
                with listening(words, folder) as address:
                    asking = threading.Thread(target=until_gone, args=(chats if name == "bot" else address,))
                    asking.start()
                    time.sleep(SERVED_SECONDS * random_.random())
                asking.join()
                faults += torn(folder)
                if number % AGAIN == 0:
                    with listening(words, folder) as address:
                        missing = server.lost(chats if name == "bot" else address, promised)
                    faults += [f"lost: {one}" for one in sorted(missing)] + torn(folder)
            shutil.rmtree(folder)
    return faults


# --- full disks ------------------------------------------------------------------------------------------------------


def full(name: str) -> list[str]:
    """What is wrong after the command met a full disk."""
    with tempfile.TemporaryDirectory() as kept:
        base, disk = Path(kept) / "base", Path(kept) / "disk"
        base.mkdir()
        disk.mkdir()
        prepare(base)
        size = sum(file.stat().st_size for file in base.rglob("*") if file.is_file()) // 1024 + FULL_KILOBYTES
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
        try:
            shutil.copytree(base, disk, dirs_exist_ok=True)
            with contextlib.suppress(OSError):
                (disk / ".filler").write_bytes(bytes(2**20))
            with prelude(name) as before:
                words = [sys.executable, "-c", f"{before}{MAIN}", *COMMANDS[name].split()]
                done = subprocess.run(words, cwd=disk, check=False, capture_output=True, text=True)
            # To read a database takes room, too.
            faults = torn(shutil.copytree(disk, Path(kept) / "copy"))
            if done.returncode not in (1, 2):
                faults.append(f"exit code {done.returncode}")
            if "Traceback" in done.stderr or not done.stderr.strip():
                faults.append(f"it said: {done.stderr[-300:]!r}")
        finally:
            subprocess.run(["umount", disk], check=True)
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=f"of {', '.join((*COMMANDS, *SERVERS))}; all")
    parser.add_argument("--times", type=int, default=100, help="kills of each (100)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    code = 0
    for name in arguments.commands or (COMMANDS if arguments.full else (*COMMANDS, *SERVERS)):
        if arguments.full:
            faults = full(name)
        else:
            kill = killed_servers if name in SERVERS else killed
            faults = kill(name, arguments.times, random.Random(arguments.seed))
        print(f"{name}: {len(faults)} faults", *dict.fromkeys(faults), sep="\n  ", flush=True)
        code |= bool(faults)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Kill commands that write, at random moments, and fill their disk; whatever lies there afterwards has to be whole.

    python tools/kill.py [--times 100] [--seed 0] [COMMAND...]
    python tools/kill.py --full             on a disk of a few kilobytes instead (Linux, as root: it mounts a tmpfs)

A file is whole if what reads such files reads it to its end. What is called `.partial`, or hidden, does not count.
"""

import argparse
import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from impasto import weights
from impasto.gallery import packaged

IMPASTO = [sys.executable, "-m", "impasto"]
COMMANDS = {
    "stylize": "stylize photos/ --style swirls -o out/",
    "stylize-over": "stylize photos/ink.png --style swirls -o old.png --overwrite",
    "encode": "encode photos/ink.png -o out/ink.style.safetensors",
    "styles": "styles photos/ink.png -o out/sheet.jpg --size 64",
    "batch": "batch photos/ --style swirls -o out/",
    "video": "video photos/ --style swirls -o out/film.gif",
    "compare": "compare photos/ --style swirls --methods adain -o out/",
    "keys": "keys add ada --keys keys.json",
    "survey": "survey create out/a.survey --content photos/ --style swirls.png --result painted/ --pairs 2",
}
FULL_KILOBYTES = 48


def prepare(folder: Path) -> None:
    for name in ("photos", "painted", "out"):
        (folder / name).mkdir()
    for name, file in packaged().items():
        small = Image.open(file).convert("RGB").resize((96, 64))
        small.save(folder / "photos" / f"{name}.png")
        small.save(folder / "painted" / f"{name}-swirls.png")
    small.save(folder / "swirls.png")
    small.save(folder / "old.png")
    subprocess.run([*IMPASTO, "keys", "add", "bob", "--keys", "keys.json"], cwd=folder, check=True, capture_output=True)


def torn(folder: Path) -> list[str]:
    """What is not whole, and why."""
    found = []
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder).parts
        if not file.is_file() or "partial" in file.name or any(part.startswith(".") for part in inside):
            continue
        try:
            if file.suffix in (".png", ".jpg", ".gif"):
                with Image.open(file) as picture:
                    picture.load()
            elif file.suffix == ".json":
                json.loads(file.read_text("utf-8"))
            elif file.suffix == ".safetensors":
                weights.load_arrays(file)
        except Exception as error:  # noqa: BLE001 - whatever a reader says
            found.append(f"{'/'.join(inside)}: {error}")
    return found


def killed(name: str, times: int, random_: random.Random) -> list[str]:
    """What was torn, over all times."""
    words = [*IMPASTO, *COMMANDS[name].split()]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as kept:
        base = Path(kept) / "base"
        base.mkdir()
        prepare(base)
        began, faults = time.monotonic(), []
        whole = shutil.copytree(base, Path(kept) / "whole")
        subprocess.run(words, cwd=whole, check=True, **quiet)
        length = time.monotonic() - began
        for number in range(times):
            folder = shutil.copytree(base, Path(kept) / str(number))
            process = subprocess.Popen(words, cwd=folder, start_new_session=True, **quiet)
            # Writing is at the end.
            time.sleep(length * (0.3 + 0.8 * random_.random()))
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.05)
            faults += torn(folder)
            # The same command again comes to its end.
            again = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True)
            if "Traceback" in again.stderr:
                faults.append(f"again: {again.stderr[-300:]}")
            shutil.rmtree(folder)
    return faults


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
            done = subprocess.run(
                [*IMPASTO, *COMMANDS[name].split()], cwd=disk, check=False, capture_output=True, text=True
            )
            faults = torn(disk)
            if done.returncode not in (1, 2):
                faults.append(f"exit code {done.returncode}")
            if "Traceback" in done.stderr or not done.stderr.strip():
                faults.append(f"it said: {done.stderr[-300:]!r}")
        finally:
            subprocess.run(["umount", disk], check=True)
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=f"of {', '.join(COMMANDS)}; all if not given")
    parser.add_argument("--times", type=int, default=100, help="kills of each (100)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    code = 0
    for name in arguments.commands or COMMANDS:
        faults = full(name) if arguments.full else killed(name, arguments.times, random.Random(arguments.seed))
        print(f"{name}: {len(faults)} faults", *dict.fromkeys(faults), sep="\n  ", flush=True)
        code |= bool(faults)
    return code


if __name__ == "__main__":
    sys.exit(main())

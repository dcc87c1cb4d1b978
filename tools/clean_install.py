"""The wheel alone in environments of their own: it paints, serves and explains without PyTorch, in at most 400 MB.

    python tools/clean_install.py [dist/impasto-*.whl] [--python PYTHON...] [--extras NAME...]

Without a wheel, one is built of this folder. What it needs comes from where pip, or uv where it is installed, gets
packages. Each extra gets an environment of its own for each Python, and does what it is for, once: `core` is none, and
`all` does everything.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

MOST_MB = 400
ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "src/impasto/assets/pictures/mountains.jpg"

SERVED = """
import re, subprocess, sys
from impasto.client import Client
command = [sys.executable, "-m", "impasto", "serve", "--port", "0"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    url = next(found.group() for line in server.stdout if (found := re.search(r"http://[0-9.:]+", line)))
    painting = Client(url).stylize("photo.jpg", "starry-night", size=128)
finally:
    server.terminate()
    server.wait(30)
assert painting.startswith(b"\\x89PNG"), painting[:20]
"""
IMPASTO = ("-m", "impasto")
PAINT = (*IMPASTO, "stylize", "photo.jpg", "--size", "128", "-o")
PAINTS = ((*PAINT, "painted.jpg", "--style", "starry-night"), (*IMPASTO, "info", "painted.jpg"), (*IMPASTO, "styles"))
SERVES = (("-c", SERVED),)
BY_STEPS = "by-steps.png --style swirls --method gatys --steps 2 --coarse-steps 1"
TRAIN = "train cyclegan_slim --data A=many B=many --steps 1 --set crop=32 held_out=1 --device cpu --out run"
SURVEY = "survey create a.survey --content many --style photo.jpg --result results --pairs 1"
FILM = "video many --style swirls --size 64 -o film.mp4"
BATCH = "batch many --style swirls --size 64 -o out/painted.tar"
SMOKE: Mapping[str, Sequence[Sequence[str]]] = {
    "core": PAINTS,
    "torch": ((*PAINT, *BY_STEPS.split()),),
    "train": ((*IMPASTO, *TRAIN.split()),),
    "web": SERVES,
    "serve": SERVES,
    # Without Telegram it comes as far as its token.
    "bot": (("-c", "import aiolimiter, impasto.bot.app"), (*IMPASTO, "bot", "--help")),
    "survey": ((*IMPASTO, *SURVEY.split()), (*IMPASTO, "survey", "report", "a.survey", "--resamples", "100")),
    "video": ((*IMPASTO, *FILM.split()),),
    "scale": ((*IMPASTO, *BATCH.split()),),
}
LEAN = ("core", "web", "serve", "bot", "video", "scale")
"""Those that bring no PyTorch."""


def run(*command: str | Path, cwd: Path | None = None) -> None:
    print("$", *[str(word).strip().partition("\n")[0] for word in command], flush=True)
    subprocess.run([str(word) for word in command], check=True, env=clean(), cwd=cwd)


def clean() -> dict[str, str]:
    """Nothing of the environment that this runs in is seen."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def wheel_in(folder: Path) -> Path:
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


def installed(wheel: Path, interpreter: str, extra: str, place: Path) -> Path:
    """The Python of a new environment with the wheel in it."""
    what = str(wheel) if extra == "core" else f"{wheel}[{extra}]"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--python", interpreter, place)
        run(uv, "pip", "install", "--quiet", "--python", python, what)
    else:
        run(interpreter, "-m", "venv", place)
        run(python, "-m", "pip", "install", "--quiet", "--no-compile", what)
    return python


def try_out(python: Path, extra: str, folder: Path) -> None:
    """Have it do what the extra is for, where no source of impasto lies."""
    has_torch = subprocess.run([python, "-c", "import torch"], env=clean(), capture_output=True, check=False)
    if extra in LEAN and has_torch.returncode == 0:
        sys.exit("PyTorch came along")
    (folder / "many").mkdir(parents=True)
    (folder / "results").mkdir()
    shutil.copy(PHOTO, folder / "photo.jpg")
    reduced = f"from PIL import Image; small = Image.open({str(PHOTO)!r}).resize((64, 48))"
    saved = "; ".join(f"small.point(lambda v: v + {k}).save('many/{k}.png')" for k in range(3))
    run(python, "-c", f"{reduced}; {saved}; small.save('results/0-photo.png')", cwd=folder)
    for name in SMOKE if extra == "all" else (extra,):
        for words in SMOKE[name]:
            run(python, *words, cwd=folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, nargs="?")
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters; this one if not given")
    parser.add_argument("--extras", nargs="+", default=["core", "web"], choices=[*SMOKE, "all"])
    chosen = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        wheel = (chosen.wheel or wheel_in(folder)).resolve()
        for interpreter in chosen.python:
            for extra in chosen.extras:
                place = folder / "environment"
                python = installed(wheel, interpreter, extra, place)
                size = megabytes(place)
                try_out(python, extra, folder / "there")
                print(f"{extra} with {interpreter}: {size:.0f} MB installed, and it does what it is for", flush=True)
                if extra == "core" and size > MOST_MB:
                    sys.exit(f"that is more than {MOST_MB} MB")
                shutil.rmtree(place)
                shutil.rmtree(folder / "there")


if __name__ == "__main__":
    main()

"""The wheel alone in an environment of its own: it paints, serves and explains without PyTorch, in at most 400 MB.

    python tools/clean_install.py [dist/impasto-*.whl]

Without a wheel, one is built of this folder. What it needs comes from where pip gets packages.
"""

import argparse
import os
import subprocess
import sys
import venv
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
    painting = Client(url).stylize(sys.argv[1], "starry-night", size=128)
finally:
    server.terminate()
    server.wait(30)
assert painting.startswith(b"\\x89PNG"), painting[:20]
"""


def run(*command: str | Path) -> None:
    print("$", *[str(word).strip().partition("\n")[0] for word in command], flush=True)
    subprocess.run([str(word) for word in command], check=True, env=clean())


def clean() -> dict[str, str]:
    """Nothing of the environment that this runs in is seen."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, nargs="?")
    chosen = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        environment = folder / "clean"
        venv.create(environment, with_pip=True)
        python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        packages = Path(subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True, env=clean()
        ).strip())  # fmt: skip
        before = megabytes(packages)
        if chosen.wheel is None:
            run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
        wheel = (chosen.wheel or next(folder.glob("*.whl"))).resolve()
        run(python, "-m", "pip", "install", "--quiet", "--no-compile", wheel)
        installed = megabytes(packages) - before
        os.chdir(folder)  # where no source of impasto lies
        if (
            subprocess.run([python, "-c", "import torch"], env=clean(), capture_output=True, check=False).returncode
            == 0
        ):
            sys.exit("PyTorch came along")
        run(python, "-m", "impasto", "stylize", PHOTO, "--style", "starry-night", "--size", "256", "-o", "painted.jpg")
        run(python, "-m", "impasto", "info", "painted.jpg")
        run(python, "-m", "impasto", "styles")
        run(python, "-m", "pip", "install", "--quiet", f"{wheel}[web]")
        run(python, "-c", SERVED, PHOTO)
        print(f"{installed:.0f} MB installed; it paints, explains and serves without PyTorch")
        if installed > MOST_MB:
            sys.exit(f"that is more than {MOST_MB} MB")


if __name__ == "__main__":
    main()

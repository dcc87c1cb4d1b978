"""Read every file of folders as a picture: each is read, or refused with a line for people, in time and in bounds.

    python tools/read_all.py FOLDER...

For test suites of other packages, which hold files of every format, whole and broken (`pip download --no-binary`).
They are read by a process of their own, which is followed by another where it dies or takes longer than 30 seconds; and
where Pillow reads a file as well, the two have to agree on its pixels, but for a few levels.
"""

import argparse
import json
import subprocess
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from impasto import image
from impasto.engine.raster import Window
from impasto.errors import PictureError

Floats = NDArray[np.float32]
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "AVIF", "BMP")
SECONDS = 30.0
MEMORY = 4 * 2**30
PIXELS = 20_000_000
FAR = 0.04
"""Mean difference of pixels from which two readers do not agree."""


def outcome(path: Path) -> tuple[str, str]:
    """What became of one file, and what was said."""
    other = by_pillow(path)
    try:
        found = image.read(path, pixel_limit=PIXELS)
        height, width = found.raster.size
        pixels = found.raster.window(Window(0, 0, height, width))[0]
    except PictureError as error:
        if "\n" in str(error) or str(path) not in str(error):
            return "unclear", str(error)
        return ("refused" if isinstance(other, str) else "refused alone"), str(error)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return "error", repr(error)
    if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
        return "error", "pixels outside of [0, 1]"
    return ("read alone", other) if isinstance(other, str) else compared(pixels, other)


def compared(pixels: Floats, other: Floats) -> tuple[str, str]:
    """What both readers say."""
    if other.shape[1:] != pixels.shape[1:]:
        return "differs", f"{pixels.shape[:0:-1]} here, {other.shape[:0:-1]} by Pillow"
    far = float(np.abs((pixels - other[:3]) * other[3]).mean())
    return ("differs" if far > FAR else "read"), f"{far:.4f}"


def by_pillow(path: Path) -> Floats | str:
    """(4, H, W) of RGB and opacity, or why not; of the formats that impasto reads alone."""
    try:
        with warnings.catch_warnings(), Image.open(path, formats=FORMATS) as file:
            warnings.simplefilter("ignore")
            told = ImageOps.exif_transpose(file)
            if told.mode.startswith("I;16"):
                grey = np.asarray(told, dtype=np.float32) / 65535
                return np.stack([grey, grey, grey, np.ones_like(grey)])
            return np.asarray(told.convert("RGBA"), dtype=np.float32).transpose(2, 0, 1) / 255
    except Exception as error:  # noqa: BLE001 - Pillow's business
        return repr(error)


def read_from_stdin() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        print(json.dumps(outcome(Path(json.loads(line)))), flush=True)


class Reader:
    """A process that reads, as long as it lives."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __call__(self, path: Path) -> tuple[str, str] | None:
        """None if it died over the file, or was killed for taking too long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(SECONDS, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps(str(path)) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        timer.cancel()
        return tuple(json.loads(line)) if line else None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args()
    files = sorted(path for folder in arguments.folders for path in folder.rglob("*") if path.is_file())
    reader, counts = Reader(), Counter[str]()
    for path in files:
        found = reader(path)
        if found is None:
            found = ("died", "killed, or longer than it may take")
            reader.close()
            reader = Reader()
        counts[found[0]] += 1
        if found[0] not in ("read", "refused"):
            print(found[0], path, found[1], sep="\t", flush=True)
    reader.close()
    print(f"{len(files)} files: {', '.join(f'{count} {name}' for name, count in counts.most_common())}")
    return 1 if counts["died"] or counts["error"] or counts["unclear"] else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        read_from_stdin()
    else:
        sys.exit(main())

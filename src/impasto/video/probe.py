"""What a film is, found out in a process of its own, which what strangers send may break: one line of JSON.

python -m impasto.video.probe FILE
"""

import json
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto.confinement import confine
from impasto.errors import PictureError

MEMORY = 4 * 2**30
"""Bytes of addresses that the process may have: a header can claim frames of any size."""


def probe(path: Path) -> dict[str, Any]:
    """Its width and height in pixels, frames, seconds and frames a second, by what lies in the file, whatever its
    header says. Raises PictureError."""
    from impasto.video.clips import open_clip
    from impasto.video.options import VideoOptions
    from impasto.video.reading import counted

    clip = open_clip(path, VideoOptions())
    frames, seconds = counted(clip) if clip.is_film else (clip.count or 1, Fraction(clip.count or 1) / clip.rate)
    return {
        "width": clip.width, "height": clip.height, "frames": frames, "seconds": round(float(seconds), 3),
        "fps": round(float(frames / seconds), 3),
    }  # fmt: skip


def main() -> None:
    """One file; its line holds a `problem` where it is no film."""
    path = Path(sys.argv[1])
    # Before libraries are loaded that start threads.
    confine([path])
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        facts = probe(path)
    except PictureError as error:
        facts = {"problem": str(error).removeprefix(f"{path}: ")}
    except MemoryError:
        facts = {"problem": "its frames are too large"}
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()

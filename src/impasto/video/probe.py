"""What a film is, found out in a process of its own, which what strangers send may break: one line of JSON.

python -m impasto.video.probe FILE
"""

import json
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.confinement import confine
from impasto.errors import PictureError

if TYPE_CHECKING:
    from impasto.video.reading import Clip

MEMORY = 4 * 2**30
"""Bytes of addresses that the process may have: a header can claim frames of any size."""


def probe(path: Path) -> dict[str, Any]:
    """Its width and height in pixels, frames, seconds and frames a second, by what lies in the file, whatever its
    header says. Raises PictureError."""
    from impasto.video.clips import open_clip
    from impasto.video.options import VideoOptions

    clip = open_clip(path, VideoOptions())
    frames, seconds = _counted(clip) if clip.is_film else (clip.count or 1, Fraction(clip.count or 1) / clip.rate)
    return {
        "width": clip.width, "height": clip.height, "frames": frames, "seconds": round(float(seconds), 3),
        "fps": round(float(frames / seconds), 3),
    }  # fmt: skip


def _counted(clip: "Clip") -> tuple[int, Fraction]:
    """Frames, and the seconds until the last one is over."""
    from impasto.video.reading import explained, main_stream, opened

    frames, last, first = 0, clip.origin, clip.origin
    with explained(clip.path), opened(clip.path) as container:
        for packet in container.demux(main_stream(container, clip.path)):
            if packet.size:
                frames += 1
                last = last if packet.pts is None else max(last, packet.pts)
    timed = (last - first) * clip.time_base + 1 / clip.rate
    # A stream without times is shown at its rate.
    return max(1, frames), timed if last > first else max(1, frames) / clip.rate


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

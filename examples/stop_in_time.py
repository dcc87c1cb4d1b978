"""An optimisation that stops after some seconds, with the best so far: python examples/stop_in_time.py [SECONDS].

Needs the extra `torch`.
"""

import sys
import time

from PIL import Image

import impasto
from impasto.gallery import packaged, photos

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
until = time.monotonic() + seconds


def watch(progress: impasto.Progress) -> None:
    print(f"step {progress.step} of {progress.total}", end="\r")
    if time.monotonic() > until:
        raise impasto.Cancelled


photo, style = Image.open(photos()["still_life"]), Image.open(packaged()["cubes"])
try:
    painting = impasto.stylize(photo, style, method="gatys", size=256, progress=watch)
except impasto.Cancelled as stopped:
    painting = stopped.best
if painting is not None:
    painting.save("stop_in_time.png")
    print("stop_in_time.png")

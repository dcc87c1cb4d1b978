"""Ask about impasto's own pictures, and take a picture of the page: on a screen, and on a phone in the dark.

    python tools/survey_page.py docs/pictures/survey.jpg

Paints, makes the survey and serves it with the commands of docs/how-to/survey.md, and looks at it in Chromium.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from impasto.gallery import packaged
from impasto.survey.store import Store

IMPASTO = [sys.executable, "-m", "impasto"]
CHROMIUM = "/usr/bin/chromium"
PHOTOS, PAINTINGS = ("mountains", "still_life"), ("swirls", "cubes", "ink")
PARTICIPANTS = 200
"""So many that one of them sees the wanted pair at the wanted place: orders are drawn."""
PLACE = 2
"""How many questions are answered before."""
HEIGHT = 844
GAP = 24


def make_survey(folder: Path) -> tuple[Path, list[str]]:
    """The survey's file, and the addresses of its participants below that of the server."""
    for name, pictures in (("photos", PHOTOS), ("paintings", PAINTINGS)):
        (folder / name).mkdir()
        for picture in pictures:
            shutil.copy(packaged()[picture], folder / name)
    for painting in PAINTINGS:
        _run(folder, "stylize", "photos/", "-s", f"paintings/{painting}.jpg", "-o", "painted/")
    words = ("--content", "photos/", "--style", "paintings/", "--result", "painted/", "--participants")
    _run(folder, "survey", "create", "six.survey", *words, str(PARTICIPANTS))
    links = (folder / "six.survey.links.txt").read_text("utf-8").split()
    return folder / "six.survey", ["/".join(link.split("/")[3:]) for link in links]


def who_sees(file: Path, links: list[str], pair: str) -> str:
    """The address of somebody whose question at PLACE is about this pair."""
    store = Store(file)
    content, style = next((one.content, one.style) for one in store.pictures() if one.name == pair)
    for link in links:
        person = store.participant(link.rpartition("/")[2])
        task = store.tasks(person)[PLACE]
        if (store.picture(task.content), store.picture(task.style)) == (content, style):
            return link
    raise SystemExit(f"nobody sees {pair} at place {PLACE}; draw again")


@contextmanager
def served(file: Path) -> Iterator[str]:
    """The address of `impasto survey serve`."""
    command = [*IMPASTO, "survey", "serve", str(file), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def screenshot(chromium: Any, address: str, width: int, scheme: str) -> Image.Image:
    """The page as it is when a number was chosen."""
    phone = width < 500
    page = chromium.new_page(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, has_touch=phone, is_mobile=phone
    )
    page.goto(address)
    page.click("#begin")
    for place in range(PLACE + 1):
        page.wait_for_selector(f"text=/^{place + 1} of /")
        page.click(f".scale label:nth-child({8 - place % 2})")
        if place < PLACE:
            page.click("footer .next")
    page.mouse.move(0, 0)
    # The bar at the top moves for a moment.
    page.wait_for_timeout(1000)
    data = page.screenshot()
    page.close()
    return Image.open(io.BytesIO(data)).convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="where the picture of the page goes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, links = make_survey(Path(folder))
        with served(file) as server, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            shots = [
                screenshot(chromium, f"{server}/{who_sees(file, links, pair)}", width, scheme)
                for pair, width, scheme in (("still_life-swirls", 1280, "light"), ("mountains-ink", 390, "dark"))
            ]
            chromium.close()
    sheet = Image.new("RGB", (sum(shot.width for shot in shots) + GAP, HEIGHT), "white")
    sheet.paste(shots[0], (0, 0))
    sheet.paste(shots[1], (sheet.width - shots[1].width, 0))
    sheet.save(arguments.picture, quality=85, optimize=True)


def _run(folder: Path, *words: str) -> None:
    subprocess.run([*IMPASTO, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

"""A newcomer's path through the page, timed in Chromium: open, drop a photo, click a style, save. Three gestures.

    python benchmarks/newcomer.py [--style starry-night] [--times 5]

Starts `impasto serve` on loopback. Prints the bytes of the first view, its pictures apart, and medians in seconds: from
opening until something can be chosen, from the drop to the photo, from the click to the painting, from the button to
the file. Needs Chromium at /usr/bin/chromium.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import sync_playwright

from impasto.gallery import packaged

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]
PHOTO = packaged()["mountains"]
SIZES = """() => {
    const sizes = {pictures: 0, rest: 0}
    for (const one of [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]) {
        sizes[one.initiatorType === 'img' ? 'pictures' : 'rest'] += one.encodedBodySize
    }
    return sizes
}"""


def timed(what: Callable[[], Any]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def walk(chromium: Any, url: str, style: str) -> tuple[dict[str, float], dict[str, int]]:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    took = {"open": timed(lambda: (page.goto(url), page.wait_for_selector(".sample"), page.wait_for_selector(".tile")))}
    page.wait_for_load_state("networkidle")
    first = page.evaluate(SIZES)

    def drop() -> None:
        with page.expect_file_chooser() as chooser:
            page.click(".invitation .primary")
        chooser.value.set_files(PHOTO)
        page.wait_for_selector("#stage .view")

    def paint() -> None:
        page.click(f"#panel [data-style='{style}']")
        page.wait_for_selector("#status.good", timeout=300_000)

    def save() -> None:
        with page.expect_download() as download:
            page.click("#save-go")
        download.value.path()

    took |= {"photo": timed(drop), "paint": timed(paint), "save": timed(save)}
    page.close()
    return took, first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
                walks = [walk(chromium, url, arguments.style) for _ in range(arguments.times)]
                chromium.close()
        finally:
            server.terminate()
            server.wait(60)
    first = walks[0][1]
    print(f"first view  {first['rest'] / 1000:.0f} kB, and {first['pictures'] / 1000:.0f} kB of pictures")
    medians = {name: statistics.median(took[name] for took, _ in walks) for name in walks[0][0]}
    for name, seconds in medians.items():
        print(f"{name:11} {seconds:.2f} s")
    print(f"{'together':11} {sum(medians.values()):.2f} s, three gestures")


if __name__ == "__main__":
    main()

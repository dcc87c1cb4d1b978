"""Take the pictures of the web page in docs/how-to/serving.md, with impasto's own pictures and its real networks.

    python tools/page_pictures.py [FOLDER]

Writes page-WIDTH-light.jpg and page-WIDTH-dark.jpg for a desktop, a tablet and a phone, one picture of every other tab
on the desktop, and page-tabs-WIDTH.jpg of them side by side on the others, into the folder, docs/pictures if not given.
Needs the extras `web`, `video` and `dev`, and Chromium at /usr/bin/chromium.
"""

import argparse
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from impasto.cli.serve import ServedModels, _offer
from impasto.gallery import packaged
from impasto.service.service import Service
from impasto.serving.server import listen
from impasto.web.app import create_app, make_server

PHOTO, STYLE = packaged()["mountains"], "great-wave"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]
SIZES = {1440: 900, 820: 1180, 390: 844}
PATIENCE = 300_000
SIDE_BY_SIDE = ((390, "light"), (820, "dark"))
GAP, WIDEST = 24, 1400


@contextmanager
def running() -> Iterator[str]:
    """The address of a server as `impasto serve` starts it."""
    with Service(_offer(ServedModels()), devices=["cpu"]) as service, listen("127.0.0.1", 0) as sock:
        service.wait_until_ready()
        server = make_server(create_app(service))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def drop(page: Any) -> None:
    """The photo, as if it was chosen."""
    with page.expect_file_chooser() as chooser:
        page.click("text=Choose a photo")
    chooser.value.set_files(PHOTO)


def paint(page: Any, style: str) -> None:
    """A click on a style."""
    page.click(f"#panel [data-style='{style}']")
    expect(page.locator("#status")).to_contain_text("Painted in", timeout=PATIENCE)


def main() -> None:
    """All pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "docs/pictures")
    folder = parser.parse_args().folder
    with running() as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for width, height in SIZES.items():
            for scheme in ("light", "dark"):
                page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, locale="en")

                def shoot(name: str, page: Any = page) -> None:
                    page.mouse.move(0, 0)
                    page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=82)

                page.goto(address)
                page.wait_for_selector(".sample")
                page.wait_for_load_state("networkidle")
                if (width, scheme) == (1440, "light"):
                    shoot("page-begin-light")
                drop(page)
                paint(page, "starry-night")
                paint(page, STYLE)
                page.locator("#stage .uncover").fill("42")
                shoot(f"page-{width}-{scheme}")
                if (width, scheme) == (1440, "light"):
                    others(page, shoot)
                if (width, scheme) in SIDE_BY_SIDE:
                    tabs(page).save(folder / f"page-tabs-{width}.jpg", quality=82)
                page.close()
        chromium.close()


def tabs(page: Any) -> Image.Image:
    """The other tabs side by side, after a little of each was done."""
    views = []
    for tab in ("styles", "compare", "explore"):
        page.click(f"#tab-{tab}")
        match tab:
            case "styles":
                page.wait_for_selector("#styles .card")
                page.wait_for_load_state("networkidle")
            case "compare":
                page.locator("#compare label.line", has_text="gatys").locator("input").uncheck()
                page.click("#compare-go")
                expect(page.locator("#compare-note")).to_contain_text("side by side", timeout=PATIENCE)
            case "explore":
                expect(page.locator("#explore-seen")).to_be_visible(timeout=PATIENCE)
        page.mouse.move(0, 0)
        page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        views.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    width, height = views[0].size
    sheet = Image.new("RGB", (len(views) * (width + GAP) - GAP, height), "white")
    for number, view in enumerate(views):
        sheet.paste(view, (number * (width + GAP), 0))
    sheet.thumbnail((WIDEST, WIDEST))
    return sheet


def others(page: Any, shoot: Any) -> None:
    """The other tabs."""
    page.click("#tab-styles")
    page.click("#sheet-go")
    expect(page.locator("#sheet-note")).to_contain_text("Your photo in", timeout=PATIENCE)
    shoot("page-styles")
    page.click("#tab-compare")
    page.click("#compare [data-style=swirls]")
    page.click("#compare-go")
    expect(page.locator("#compare-note")).to_contain_text("side by side", timeout=PATIENCE)
    shoot("page-compare")
    page.click("#tab-explore")
    expect(page.locator("#explore-seen")).to_be_visible(timeout=PATIENCE)
    shoot("page-explore")
    page.click("#tab-video")
    with page.expect_file_chooser() as chooser:
        page.click("#video-choose")
    chooser.value.set_files({"name": "pan.mp4", "mimeType": "video/mp4", "buffer": panned()})
    page.click(f"#video [data-style={STYLE}]")
    page.click("#video-go:enabled")
    expect(page.locator("#video-note")).to_contain_text("Painted", timeout=PATIENCE)
    page.wait_for_function("[...document.querySelectorAll('#video video')].every(one => one.readyState >= 2)")
    # Players say for a moment that they load.
    page.wait_for_timeout(3000)
    shoot("page-video")


def panned() -> bytes:
    """A second of film, MP4: a pan over the photo."""
    photo = np.array(Image.open(PHOTO).convert("RGB").resize((960, 640)))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 768, 512, "yuv420p"
        for x in range(25):
            pixels = np.ascontiguousarray(photo[64:576, 4 * x : 4 * x + 768])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode(None))
    return file.getvalue()


if __name__ == "__main__":
    main()

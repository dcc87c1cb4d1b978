"""Take the pictures of the web page that stand in docs/serving.md, with impasto's own pictures and its real networks.

    python tools/page_pictures.py [FOLDER]

Writes page.jpg and page-phone.jpg into the folder, docs/pictures if not given. Needs the extras `web` and `dev`, and
Chromium at /usr/bin/chromium.
"""

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from impasto.cli.serve import Goods, _offer
from impasto.gallery import packaged
from impasto.service import Service
from impasto.serving.server import listen
from impasto.web.app import create_app
from impasto.web.page.mount import add_page
from impasto.web.server import make_server

PHOTO, STYLE = packaged()["mountains"], "swirls"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]
DESKTOP = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "device_scale_factor": 1.5}


@contextmanager
def running() -> Iterator[str]:
    """The address of a server as `impasto serve` starts it."""
    with Service(_offer(Goods()), devices=["cpu"]) as service, listen("127.0.0.1", 0) as sock:
        service.wait_until_ready()
        app = create_app(service)
        add_page(app, service)
        server = make_server(app, service)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def paint(page: Any) -> None:
    """The photo in the style, half uncovered."""
    page.set_input_files("#photo input[type=file]", PHOTO)
    page.wait_for_selector("#photo img")
    for box in page.locator("#gallery input").all():
        box.set_checked(box.get_attribute("name") == STYLE)
    page.click("#paint")
    page.wait_for_selector("#result .uncover")
    page.locator("#result .uncover").fill("45")
    page.mouse.move(0, 0)


def main() -> None:
    """Both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "docs/pictures")
    folder = parser.parse_args().folder
    with running() as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, how in (("page", DESKTOP), ("page-phone", PHONE)):
            page = chromium.new_page(**how)
            page.goto(address)
            paint(page)
            if how is PHONE:
                page.evaluate("document.querySelector('#note').scrollIntoView()")
            page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=82)
        chromium.close()


if __name__ == "__main__":
    main()

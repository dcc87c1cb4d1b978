"""Painting in the browser against the Python engine and against a server: seconds until there is a picture.

    python benchmarks/browser.py [--site build/site] [--style starry-night] [--times 3] [--large]

Builds the page that paints by itself (`make site`, which needs npm) unless one is given, serves it on loopback with the
headers that allow threads, and starts `impasto serve`. Prints, as medians:

- browser: from a wish to a painting that the browser has decoded, ready for the screen, by the page's own module in
  Chromium; `cold`: the module is fetched and compiled first (no network is as fast as loopback, and it is 18 MB).
- engine: the same paintings by `impasto.stylize`, from bytes to bytes, in float32 as in the browser, and as by default.
- server: from the click in the page of `impasto serve` to the painting on the screen, of photos of 1 and 12 megapixels;
  `first`: to the small painting that is seen until the large one is there.

--large: the browser and the engine in float32 paint 12 megapixels, too, which takes minutes. Needs Chromium at
/usr/bin/chromium.
"""

import argparse
import base64
import importlib.util
import io
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import impasto
from impasto.gallery import packaged
from impasto.web.site import HEADERS

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]
PATIENCE = 1_200_000
SMALL, ONE, TWELVE = 512, (1224, 816), (4240, 2826)

PAINT = """async ([photo, style, size]) => {
    const { browser } = await import('/page/browser/backend.js')
    await Promise.all([browser.offer(), browser.styles()])
    const blob = new Blob([Uint8Array.from(atob(photo), one => one.charCodeAt(0))])
    const began = performance.now()
    const painting = await browser.paint({ photo: blob, styles: [{ name: style }], options: size ? { size } : {} }, {})
    const picture = await createImageBitmap(painting.blob)
    return (performance.now() - began) / 1000
}"""
SEEN = """() => {
    const one = document.querySelector('#stage .painting')
    return !one.hidden && one.src && one.complete && one.naturalWidth
}"""


class Isolated(SimpleHTTPRequestHandler):
    """Files with the headers that let a page share memory between threads."""

    def end_headers(self) -> None:
        for name in ("Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy"):
            self.send_header(name, HEADERS[name])
        super().end_headers()

    def guess_type(self, path: Any) -> str:
        known = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}
        return known.get(Path(path).suffix) or super().guess_type(path)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def files(folder: Path) -> Iterator[str]:
    """The address of a folder on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Isolated, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving() -> Iterator[str]:
    """The address of `impasto serve`."""
    command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait(60)


def built(folder: Path) -> Path:
    path = Path(__file__).parents[1] / "tools" / "build_site.py"
    spec = importlib.util.spec_from_file_location("build_site", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.build(folder)
    return folder


def photo(size: tuple[int, int]) -> bytes:
    """A JPEG file."""
    stream = io.BytesIO()
    with Image.open(packaged()["mountains"]) as image:
        image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def report(name: str, seconds: list[float]) -> None:
    print(f"{name:38} {statistics.median(seconds):7.2f} s   ({', '.join(f'{one:.2f}' for one in seconds)})", flush=True)


def in_browser(chromium: Any, url: str, data: bytes, style: str, size: int | None, times: int) -> Iterator[list[float]]:
    """Seconds with a module that is fetched first, each in a context of its own; and then without."""
    encoded = base64.b64encode(data).decode()
    cold, warm = [], []
    for _ in range(times):
        context = chromium.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        # Not the page itself, which fetches the module at once.
        page.goto(f"{url}/page/icon.svg")
        cold.append(page.evaluate(PAINT, [encoded, style, size]))
        warm.append(page.evaluate(PAINT, [encoded, style, size]))
        context.close()
    yield cold
    yield warm


def by_server(chromium: Any, url: str, data: bytes, style: str, times: int) -> tuple[list[float], list[float]]:
    """Seconds from the click until something painted is seen, and until all of it is; each with a photo sent anew."""
    first, last = [], []
    for _ in range(times + 1):
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.wait_for_selector(".tile")
        with page.expect_file_chooser() as chooser:
            page.click(".invitation .primary")
        chooser.value.set_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": data})
        page.wait_for_selector("#stage .view")
        began = time.perf_counter()
        page.click(f"#panel [data-style='{style}']")
        page.wait_for_function(SEEN)
        first.append(time.perf_counter() - began)
        page.wait_for_selector("#status.good")
        last.append(time.perf_counter() - began)
        page.close()
    return first[1:], last[1:]


def timed(what: Callable[[], Any], times: int) -> list[float]:
    what()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        took.append(time.perf_counter() - began)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, help="a folder that `make site` built")
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    style, times = arguments.style, arguments.times
    one, twelve = photo(ONE), photo(TWELVE)
    load = f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors at the beginning"
    print(f"photos: {len(one) / 1e6:.1f} and {len(twelve) / 1e6:.1f} MB; {load}")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        with files(arguments.site or built(Path(place) / "site")) as url:
            for name, data in (("1 megapixel", one), ("12 megapixels", twelve)):
                cold, warm = in_browser(chromium, url, data, style, SMALL, times)
                report(f"browser, {SMALL} px of {name}, cold", cold)
                report(f"browser, {SMALL} px of {name}", warm)
            report("browser, 1 megapixel", list(in_browser(chromium, url, one, style, None, times))[1])
            if arguments.large:
                report("browser, 12 megapixels", next(in_browser(chromium, url, twelve, style, None, 1)))
        for name, data, many in (("1 megapixel", one, times), ("12 megapixels", twelve, 1)):
            if data is one or arguments.large:
                paint = partial(impasto.stylize, data, style)
                report(f"engine in float32, {name}", timed(partial(paint, precision="fp32"), many))
            report(f"engine, {name}", timed(partial(impasto.stylize, data, style), many))
        with serving() as url:
            for name, data, many in (("1 megapixel", one, times), ("12 megapixels", twelve, 1)):
                first, last = by_server(chromium, url, data, style, many)
                report(f"server, {name}, first", first)
                report(f"server, {name}", last)
        chromium.close()


if __name__ == "__main__":
    main()

"""The Explore tab in Chromium: a click, and the picture appears."""

import threading
from contextlib import contextmanager

import gradio as gr
import pytest
import uvicorn
from fake_service import go, offer, serve
from fastapi import FastAPI
from wishes import picture

from impasto.web.page.explore import explore_tab
from impasto.web.server import listen

__all__ = ["go", "offer", "serve"]

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 300_000

# Slow, because a choice that follows another one too fast is sometimes not heard, and then waited for in vain.
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def address(service):
    """Of a page with nothing but the tab."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        explore_tab(service)
    theme = gr.themes.Base(font=["sans-serif"], font_mono=["monospace"])
    # As `launch` would, which leaves its event loop open.
    app = gr.mount_gradio_app(FastAPI(), blocks, path="", theme=theme, footer_links=[])
    with listen("127.0.0.1", 0) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def visitor(url):
    """A page in a browser, which complains of errors and of requests to anybody else."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE)
        try:
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE)
            odd = []
            page.on("pageerror", lambda error: odd.append(str(error)))
            page.on("request", lambda one: None if one.url.startswith((url, "data:")) else odd.append(one.url))
            page.goto(url)
            yield page
            assert odd == []
        finally:
            chromium.close()


def shown_colour(page, before):
    """The pixel that the fake worker answers with, once it is another one."""
    page.wait_for_function(
        "before => { const seen = document.querySelector('#explore-shown figure:last-child img');"
        " return seen && seen.complete && seen.src !== before; }", arg=before,
    )  # fmt: skip
    return page.evaluate("""() => {
        const seen = document.querySelector('#explore-shown figure:last-child img');
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.drawImage(seen, 0, 0);
        return [[...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3), seen.src];
    }""")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_click_keys_layer_and_painting(serve, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    service = serve()
    with address(service) as url, visitor(url) as page:
        file = {"name": "photo.png", "mimeType": "image/png", "buffer": picture(90, size=(1600, 800))}
        page.set_input_files("#explore-photo input[type=file]", file)
        # The middle, at once.
        colour, source = shown_colour(page, "")
        assert colour == [50, 50, 4]
        box = page.locator("#explore-photo img").bounding_box()
        # The picture, twice as wide as high, is in the middle of its box.
        width, height = min(box["width"], 2 * box["height"]), min(box["height"], box["width"] / 2)
        left, top = (box["width"] - width) / 2, (box["height"] - height) / 2
        page.mouse.click(box["x"] + left + 0.25 * width, box["y"] + top + 0.75 * height)
        colour, source = shown_colour(page, source)
        assert colour == [25, 75, 4]
        assert float(page.input_value("#explore-x input")) == pytest.approx(25, abs=1)
        page.fill("#explore-x input", "80")
        page.keyboard.press("Enter")
        colour, source = shown_colour(page, source)
        assert (colour[0], colour[2]) == (80, 4)
        page.get_by_label("relu2_1: fine texture").check()
        colour, source = shown_colour(page, source)
        assert colour[2] == 2
        page.get_by_label("explode").check()
        page.wait_for_selector("#explore-note .bad:has-text('Something went wrong')")

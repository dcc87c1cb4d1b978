"""The Explore tab in Chromium: a click, and the picture appears."""

from contextlib import contextmanager

import pytest
from chromium import browser
from fake_service import go, offer, serve
from wishes import picture

__all__ = ["go", "offer", "serve"]

PATIENCE = 60_000

pytestmark = pytest.mark.browser


@contextmanager
def visitor(url):
    """A page in a browser, which complains of errors and of requests to anybody else."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE)
        odd = []
        page.on("pageerror", lambda error: odd.append(str(error)))
        page.on("request", lambda one: None if one.url.startswith((url, "data:")) else odd.append(one.url))
        page.goto(url)
        yield page
        assert odd == []


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


def test_click_keys_layer_and_painting(serve, running):
    with running(serve(), page=True) as site, visitor(site.url) as page:
        page.get_by_role("tab", name="Explore").click()
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
        page.locator("#explore-styles").get_by_label("explode").check()
        page.wait_for_selector("#explore-note .bad:has-text('Something went wrong')")

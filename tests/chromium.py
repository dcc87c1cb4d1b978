"""Chromium for the tests of pages, which are skipped where it is missing."""

from contextlib import contextmanager

import pytest

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # A camera that shows a pattern, and needs no leave.
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
PATIENCE = 300_000
"""Milliseconds, because a machine may be busy with something else."""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@contextmanager
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def opened(file, **settings):
    """A page from its file, in a context of its own; complains of errors, and of whatever it asks for beside itself."""
    with browser() as chromium:
        context = chromium.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        page, odd = context.new_page(), []
        page.on("console", lambda message: odd.append(message.text))
        page.on("pageerror", lambda error: odd.append(str(error)))
        page.on("request", lambda one: None if one.url.startswith((file.as_uri(), "data:")) else odd.append(one.url))
        try:
            page.goto(file.as_uri())
            yield page
            assert odd == []
        finally:
            context.close()

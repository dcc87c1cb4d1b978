"""Chromium for the tests of pages, which are skipped where it is missing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
def visitor(chromium: Any, site: str, is_odd: Callable[[str], object] = bool, **settings: Any) -> Iterator[Any]:
    """A page of somebody new, who complains in the end of errors, of odd lines on the console, and of requests to
    anybody but the site."""
    context = chromium.new_context(**settings)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    odd: list[str] = []
    page.on("console", lambda message: odd.append(message.text) if is_odd(message.text) else None)
    page.on("pageerror", lambda error: odd.append(str(error)))
    page.on("request", lambda one: None if one.url.startswith((site, "data:", "blob:")) else odd.append(one.url))
    try:
        yield page
        assert not odd, odd
    finally:
        context.close()

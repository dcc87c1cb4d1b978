"""Chromium, visitors who complain of anything odd, and the page over a service that gives photos back."""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chromium import PATIENCE, browser
from fake_service import actions, faked
from PIL import Image

from impasto.gallery import packaged
from impasto.service import Offer, Service

KNOWN = ("Method not implemented.", "[DOM] Password forms should have")
"""How lines of the console begin that mean nothing: gradio's about its own page, and Chromium's about a key."""


def noise(seed: int, size: tuple[int, int] = (48, 32)) -> bytes:
    """A PNG file, (width, height), like no other."""
    stream = io.BytesIO()
    shades = bytes((seed * 31 + place * place) % 251 for place in range(size[0] * size[1]))
    Image.frombytes("L", size, shades).convert("RGB").save(stream, "PNG")
    return stream.getvalue()


def named(name: str, data: bytes) -> dict[str, Any]:
    """A file, as Playwright drops it."""
    return {"name": name, "mimeType": "image/png", "buffer": data}


def until(true: Callable[[], bool]) -> None:
    """Waits for what the server does by itself."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass(frozen=True)
class Echo:
    """A page whose paintings are the photos as they came. folder: of its painting process."""

    service: Service
    url: str
    folder: Path

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """What was painted; with `sent`, the photo and all other pictures that came along."""
        path = self.folder / "tasks.jsonl"
        tasks = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [{**task, "sent": [base64.b64decode(one) for one in task["sent"]]} for task in tasks]

    @contextmanager
    def holding(self) -> Iterator[Callable[[], None]]:
        """A way to let go of the jobs that are held, until the context ends."""
        go = self.folder / "go"
        try:
            yield go.touch
        finally:
            go.unlink(missing_ok=True)

    def is_idle(self) -> bool:
        health = self.service.health()
        return health.running + health.waiting == 0


@contextmanager
def echo_page(folder: Path, running: Callable[..., AbstractContextManager[Any]], **server: Any) -> Iterator[Echo]:
    """server: what `running` takes."""
    weights = folder / "weights"
    weights.touch()
    offer = Offer(styles={**actions().styles, **packaged()}, weights={"vgg19": weights, "cyclegan": weights})
    limits = {"upload_mb": 0.5, "megapixels": 1, "result_megapixels": 0.25}
    service = faked(folder, offer=offer, echo=True, **limits)
    with own_page(service, running, **server) as url:
        yield Echo(service, url, folder)


@contextmanager
def own_page(service: Service, running: Callable[..., AbstractContextManager[Any]], **server: Any) -> Iterator[str]:
    """The page's address, over a service that is not started yet."""
    with ExitStack() as stack:
        stack.enter_context(service)
        # In a thread of its own, as the page wants no event loop where it is built, and Playwright's is there.
        with ThreadPoolExecutor(1) as pool:
            site = pool.submit(stack.enter_context, running(service, page=True, **server)).result()
        yield site.url


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory, running: Callable[..., Any]) -> Iterator[Echo]:
    with echo_page(tmp_path_factory.mktemp("echo"), running) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=PATIENCE)
    with browser() as one:
        yield one


Visit = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def visit(chromium: Any) -> Visit:
    """Opens a page as a new visitor, who complains of errors and of requests to anybody else. tab: to press. wrong:
    statuses of answers that are meant to be."""

    @contextmanager
    def visitor(url: str, tab: str = "paint", wrong: tuple[int, ...] = (), **settings: Any) -> Iterator[Any]:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 1000}, **settings})
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        odd: list[str] = []
        page.on("console", lambda message: odd.append(message.text) if _is_odd(message.text, wrong) else None)
        page.on("pageerror", lambda error: odd.append(str(error)))
        page.on("request", lambda one: None if one.url.startswith((url, "data:", "blob:")) else odd.append(one.url))
        try:
            page.goto(url)
            if tab:
                page.click(f"#tab-{tab}-button")
                page.wait_for_selector(f"#{tab}")
            yield page
            assert not odd, odd
        finally:
            context.close()

    return visitor


def _is_odd(text: str, wrong: tuple[int, ...]) -> bool:
    return not text.startswith(KNOWN) and not any(f"status of {status} " in text for status in wrong)


# --- what visitors do -------------------------------------------------------------------------------------------------


def drop(page: Any, data: bytes, name: str = "photo.png", note: str = "A photo of") -> None:
    """A photo on the Paint tab, until the page has answered. note: what it says."""
    shown = "() => document.querySelector('#photo img')?.src ?? ''"
    before = page.evaluate(shown)
    page.set_input_files("#photo input[type=file]", named(name, data))
    page.wait_for_function(f"before => ({shown})() !== before", arg=before)
    said(page, note)


def choose(page: Any, *styles: str) -> None:
    """These styles of the gallery, and no others."""
    wanted = {name.replace("_", " ") for name in styles}
    for box in page.locator("#gallery label").all():
        name = box.inner_text().strip()
        box.locator("input").set_checked(name in wanted)


def paint(page: Any) -> None:
    """From the press of the button to one more painting in the strip."""
    from playwright.sync_api import expect

    paintings = page.locator("#strip li")
    before = paintings.count()
    page.click("#paint")
    expect(paintings).to_have_count(before + 1)
    expect(page.locator("#paint")).to_be_enabled()
    assert "Painted in" in page.inner_text("#note")


def said(page: Any, text: str, where: str = "#note") -> None:
    """Waits until the page says it, where a screen reader hears of it."""
    page.wait_for_selector(f"{where}[aria-live=polite]:has-text({json.dumps(text, ensure_ascii=False)})")


def download(page: Any, press: str) -> tuple[str, bytes]:
    """(name, data) of what is saved when it is pressed."""
    with page.expect_download() as saved:
        page.click(press)
    return saved.value.suggested_filename, Path(saved.value.path()).read_bytes()

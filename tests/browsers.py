"""Chromium, visitors who complain of anything odd, and the page over a service that gives photos back."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chromium import PATIENCE, browser, visitor
from fake_service import actions, faked
from picture_files import file_bytes
from PIL import Image

from impasto.gallery import packaged
from impasto.service.offer import Offer
from impasto.service.service import Service

KNOWN = ("[DOM] Password forms should have", "Canvas2D: Multiple readback")
"""How lines of the console begin that mean nothing: a key is no password of a user's, and a test looks at pixels."""


def noise(seed: int, size: tuple[int, int] = (48, 32)) -> bytes:
    """A PNG file, (width, height), like no other."""
    shades = bytes((seed * 31 + place * place) % 251 for place in range(size[0] * size[1]))
    return file_bytes(Image.frombytes("L", size, shades).convert("RGB"))


def named(name: str, data: bytes) -> dict[str, Any]:
    """A file, as Playwright chooses it."""
    return {"name": name, "mimeType": "image/png", "buffer": data}


@dataclass(frozen=True)
class Echo:
    """A page whose paintings are the photos as they came. folder: of its painting process. app: that serves it."""

    service: Service
    url: str
    folder: Path
    app: Any

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
    with faked(folder, offer=offer, echo=True, **limits) as service, running(service, **server) as site:
        yield Echo(service, site.url, folder, site.app)


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
    """Opens a page as a new visitor, who complains of errors and of requests to anybody else. wrong: statuses of
    answers that are meant to be."""

    @contextmanager
    def visited(url: str, wrong: tuple[int, ...] = (), **settings: Any) -> Iterator[Any]:
        def is_odd(text: str) -> bool:
            return not text.startswith(KNOWN) and not any(f"status of {status} " in text for status in wrong)

        settings = {"viewport": {"width": 1440, "height": 1000}, "locale": "en", **settings}
        with visitor(chromium, url, is_odd, **settings) as page:
            page.goto(url)
            yield page

    return visited


@pytest.fixture
def page(echo: Echo, visit: Visit) -> Iterator[Any]:
    """Of a visitor of `echo`."""
    with visit(echo.url) as opened:
        yield opened


# --- what visitors do -------------------------------------------------------------------------------------------------

_DROP = """(target, files) => {
    const dropped = new DataTransfer()
    for (const [name, type, data] of files) {
        dropped.items.add(new File([Uint8Array.from(atob(data), one => one.charCodeAt(0))], name, {type}))
    }
    target.dispatchEvent(new DragEvent('drop', {dataTransfer: dropped, bubbles: true, cancelable: true}))
}"""


def drop(page: Any, where: str, *files: tuple[str, bytes], kind: str = "image/png") -> None:
    """Files from elsewhere, onto what the selector finds."""
    page.locator(where).evaluate(_DROP, [[name, kind, base64.b64encode(data).decode()] for name, data in files])


def begin(page: Any, photo: bytes, name: str = "photo.png") -> None:
    """With a photo, until the page shows it."""
    page.wait_for_selector("#panel .tile")
    drop(page, "body", (name, photo))
    said(page, " × ")
    page.wait_for_selector("#stage .view")


def choose(page: Any, *styles: str) -> None:
    """These styles, and no others; several are mixed, and are not painted yet."""
    page.locator("#mix").set_checked(len(styles) != 1)
    for style in page.locator("#panel [data-style][aria-pressed=true]").evaluate_all(
        "all => all.map(one => one.dataset.style)"
    ):
        if len(styles) > 1 and style not in styles:
            page.click(f"#panel [data-style='{style}']")
    for style in styles:
        tile = page.locator(f"#panel [data-style='{style}']")
        if len(styles) == 1 or tile.get_attribute("aria-pressed") == "false":
            tile.click()


def paint(page: Any, press: str = "#go") -> None:
    """From the press of something to one more painting."""
    shown = "() => document.querySelector('#stage .painting').src"
    before = page.evaluate(shown) if page.locator("#stage .painting").count() else ""
    page.click(press)
    page.wait_for_function(f"before => ({shown})() !== before && document.querySelector('#stop').hidden", arg=before)
    said(page, "Painted in")


def said(page: Any, text: str, where: str = "#status") -> None:
    """Waits until the page says it, where a screen reader hears of it."""
    page.wait_for_selector(f"{where}[aria-live=polite]:has-text({json.dumps(text, ensure_ascii=False)})")


def download(page: Any, press: str) -> tuple[str, bytes]:
    """(name, data) of what is saved when it is pressed."""
    with page.expect_download() as saved:
        page.click(press)
    return saved.value.suggested_filename, Path(saved.value.path()).read_bytes()


def files_for(page: Any, press: str, *files: dict[str, Any]) -> None:
    """Chosen in the window that opens when it is pressed."""
    with page.expect_file_chooser() as chooser:
        page.click(press)
    chooser.value.set_files(list(files))

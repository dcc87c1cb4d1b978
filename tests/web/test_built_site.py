"""The page that `make site` builds, in Chromium: it paints what impasto paints, to a level of 8 bits, by itself."""

import base64
import io
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from browsers import begin, download, paint
from chromium import CHROMIUM, PATIENCE
from connections import until
from picture_files import file_bytes
from PIL import Image

import impasto
from impasto.gallery import packaged
from impasto.image import read, to_array
from impasto.record import read_record

pytestmark = [pytest.mark.browser, pytest.mark.download, pytest.mark.slow]

PAINT = """async ({photo, styles, masks, options, side}) => {
  const { browser } = await import('/page/browser/backend.js')
  await Promise.all([browser.offer(), browser.styles()])
  const blob = text => text && new Blob([Uint8Array.from(atob(text), one => one.charCodeAt(0))])
  const wish = {
    photo: blob(photo), masks: masks.map(blob), options, side,
    styles: styles.map(one => one.name ? one : { blob: blob(one.data) }),
  }
  const painting = await browser.paint(wish, {})
  return new Promise(resolve => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(reader.result.split(',')[1]))
    reader.readAsDataURL(painting.blob)
  })
}"""


class Handler(SimpleHTTPRequestHandler):
    """Of a folder, without any header that a host might not give."""

    def guess_type(self, path):
        known = {".mjs": "text/javascript", ".wasm": "application/wasm"}
        return known.get(Path(path).suffix) or super().guess_type(path)

    def log_message(self, *_):
        pass


class Site:
    def __init__(self, folder):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    from build_site import build

    site = tmp_path_factory.mktemp("built") / "site"
    build(site)
    return site


@pytest.fixture(scope="module")
def page(folder, chromium):
    site = Site(folder)
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(site.url)
    opened.wait_for_selector("#panel .tile")
    yield opened
    context.close()
    site.close()


def pixels(name, height, width):
    return to_array(read(packaged()[name]))[:height, :width]


def file_of(array):
    return base64.b64encode(file_bytes(Image.fromarray(array))).decode()


def painted(page, photo, styles, masks=(), side=None, **options):
    wish = {
        "photo": file_of(photo), "masks": [one if one is None else file_of(one) for one in masks], "options": options,
        "styles": [{"name": one} if isinstance(one, str) else {"data": file_of(one)} for one in styles], "side": side,
    }  # fmt: skip
    return base64.b64decode(page.evaluate(PAINT, wish))


def differences(page, photo, styles, *, masks=(), side=None, **options):
    """Levels of 8 bits between the page's painting and impasto's, where something is seen."""
    found = np.asarray(Image.open(io.BytesIO(painted(page, photo, styles, masks, side, **options)))).astype(float)
    wanted = impasto.stylize(photo, list(styles), masks=list(masks), precision="fp32", **options).astype(float)
    assert np.ptp(wanted) > 40
    opaque = np.ones_like(found[..., 0]) if wanted.shape[2] == 3 else wanted[..., 3] / 255
    assert np.array_equal(found[..., 3], 255 * opaque)
    return opaque[..., None] * np.abs(found[..., :3] - wanted[..., :3])


PHOTO, PAINTING = pixels("mountains", 300, 420), pixels("ink", 300, 340)
LARGE, SIDE = pixels("mountains", 400, 560), 384
LEFT, BELOW = np.zeros((150, 210, 3), np.uint8), np.zeros((300, 420, 3), np.uint8)
LEFT[:, :90] = 255
BELOW[180:] = np.linspace(0, 255, 420)[None, :, None]
# Not in between: what is nearly transparent has colours that a browser rounds.
HOLED = np.dstack([PHOTO, np.full((300, 420), 255, np.uint8)])
HOLED[100:207, 100:180, 3] = HOLED[:, 401:, 3] = 0


@pytest.mark.parametrize(
    ("photo", "styles", "how"),
    [
        pytest.param(PHOTO, ["starry-night"], {}, id="a style by name"),
        pytest.param(PHOTO, [PAINTING], {"style_scale": 0.8}, id="an own painting"),
        pytest.param(PHOTO, ["great-wave"], {"stroke": 0.08, "detail": 0.2}, id="octaves"),
        pytest.param(LARGE, ["great-wave"], {"stroke": 0.03, "strength": 0.6, "side": SIDE}, id="tiles and strength"),
        pytest.param(PHOTO, ["udnie", "great-wave"], {"style_blend": "3,1", "strength": 1.4}, id="a strong blend"),
        pytest.param(PHOTO, ["udnie", "great-wave"], {"masks": [LEFT, None]}, id="a mask and the rest"),
        pytest.param(
            LARGE, ["udnie", "great-wave"], {"masks": [LEFT, BELOW], "strength": 0.8, "stroke": 0.03, "side": SIDE},
            id="masks that overlap, in tiles",
        ),
        pytest.param(PHOTO, ["udnie"], {"colour": "keep"}, id="the photo's colours"),
        pytest.param(PHOTO, [PAINTING], {"colour": "match"}, id="a painting in the photo's colours"),
        pytest.param(HOLED, ["udnie"], {"stroke": 0.04}, id="a photo that is partly transparent"),
        pytest.param(PHOTO, ["udnie"], {"size": 200}, id="smaller"),
        pytest.param(PHOTO[100:107, :60], ["udnie"], {}, id="a few rows"),
    ],
)  # fmt: skip
def test_the_page_paints_what_impasto_paints(photo, styles, how, page):
    off = differences(page, photo, styles, **how)
    assert off.max() <= 1


def test_a_painting_says_how_it_was_made(page):
    record = read_record(painted(page, PHOTO[:64, :64], ["udnie"], strength=0.5))
    assert (record["method"], record["options"], record["style"]) == ("adain", {"strength": 0.5}, ["udnie"])


@pytest.mark.parametrize(
    ("options", "why"),
    [({"strength": 9}, "from 0 to 3"), ({"size": "wide"}, "must be"), ({"size": 9000}, "megapixels")],
)
def test_what_cannot_be_painted_is_refused_in_words(options, why, page):
    with pytest.raises(Exception, match=why):
        painted(page, PHOTO, ["udnie"], **options)


def test_a_graphics_processor_paints_the_same(folder, chromium, tmp_path):
    shutil.copytree(folder, tmp_path / "site")
    # One that is imitated, which is not used otherwise.
    worker = tmp_path / "site" / "page" / "browser" / "worker.js"
    worker.write_text(worker.read_text().replace("!adapter.info?.isFallbackAdapter", "true").replace("on('wasm')", "0"))
    site = Site(tmp_path / "site")
    flags = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--use-vulkan=swiftshader"]
    flags += ["--enable-features=Vulkan", "--headless=new", "--no-sandbox"]
    other = chromium.browser_type.launch(executable_path=CHROMIUM, args=flags)
    try:
        opened = other.new_page()
        opened.set_default_timeout(PATIENCE)
        opened.goto(site.url)
        opened.wait_for_selector("#panel .tile")
        assert differences(opened, PHOTO[60:132, 60:156], ["udnie"], strength=0.9).max() <= 1
    finally:
        other.close()
        site.close()


STOPPED = """async photo => {
  const { browser } = await import('/page/browser/backend.js')
  const controller = new AbortController()
  const blob = new Blob([Uint8Array.from(atob(photo), one => one.charCodeAt(0))])
  const wish = { photo: blob, styles: [{ name: 'udnie' }], side: 384 }
  const told = []
  const progress = ({ step, total }) => (told.push(step / total), step && controller.abort())
  const painting = browser.paint(wish, { signal: controller.signal, progress })
  return painting.then(() => 'painted', ({ code }) => [code, told.at(-1)])
}"""


def test_a_painting_is_stopped_between_tiles(page):
    code, share = page.evaluate(STOPPED, file_of(LARGE))
    assert code == "cancelled"
    assert 0 < share < 1


def test_it_paints_without_a_network_after_the_first_visit(folder, visit):
    site = Site(folder)
    with visit(site.url) as page:
        page.wait_for_selector("#panel .tile")
        assert page.evaluate("crossOriginIsolated")
        until(lambda: page.evaluate("async () => Boolean(await caches.match('page/browser/pictures/swirls.jpg'))"))
        site.close()
        page.reload()
        begin(page, base64.b64decode(file_of(PHOTO)))
        without = page.locator("#tab-compare, #tab-explore, #tab-video")
        assert without.evaluate_all("all => all.every(tab => tab.hidden)")
        for style in ("ink", "great-wave"):
            paint(page, f"#panel [data-style='{style}']")
        name, data = download(page, "#save-go")
        assert name.endswith(".png")
        assert Image.open(io.BytesIO(data)).size == (420, 300)

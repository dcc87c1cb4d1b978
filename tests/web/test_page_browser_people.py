"""The page in Chromium for all people: several at once, with keys, by keyboard or ear, on a phone, in Russian."""

import io

import pytest
from browsers import begin, download, echo_page, files_for, named, noise, paint, said
from chromium import PHONE
from connections import until
from PIL import Image, ImageChops, ImageStat
from wishes import picture

from impasto.gallery import packaged
from impasto.record import read_record
from impasto.service.service import Service
from impasto.web.keys import Keys, add_key

pytestmark = pytest.mark.browser

NAMED = {
    "button", "checkbox", "combobox", "link", "listbox", "radio", "slider", "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip
"""Roles that say nothing without a name."""


def test_two_visitors_at_once(echo, visit):
    ada, bob = noise(1), noise(2, size=(32, 48))
    with visit(echo.url) as first, visit(echo.url) as second, echo.holding() as let_go:
        for page, photo in ((first, ada), (second, bob)):
            begin(page, photo)
        first.click("#panel [data-style=hold]")
        said(first, "Painting, step 1 of 4")
        second.click("#panel [data-style=hold]")
        said(second, "Next in line")
        let_go()
        for page, photo in ((first, ada), (second, bob)):
            said(page, "Painted in")
            assert download(page, "#save-go")[1] == photo


def test_who_has_a_key_comes_in_and_goes_out(tmp_path, running, visit):
    key = add_key(tmp_path / "keys.json", "ada", ("stylize",))
    with echo_page(tmp_path, running, keys=Keys(tmp_path / "keys.json")) as locked:
        with visit(locked.url, wrong=(401,)) as page:
            page.get_by_role("textbox", name="Key").fill("impasto_wrong")
            page.keyboard.press("Enter")
            page.wait_for_selector("[role=alert]:has-text('This is not a key of this server.')")
            assert page.locator("#panel .tile").count() == 0
            page.get_by_role("textbox", name="Key").fill(key)
            page.get_by_role("button", name="Sign in").click()
            photo = noise(3)
            begin(page, photo)
            paint(page, "#panel [data-style=ink]")
            assert download(page, "#save-go")[1] == photo
            page.reload()
            page.wait_for_selector("#panel .tile")
            page.get_by_role("button", name="Sign out").click()
            page.wait_for_selector("#door[open]")
            page.goto(locked.url)
            page.wait_for_selector("#door[open]")
            assert [one["name"] for one in page.context.cookies()] == ["impasto_visit"]
        until(locked.is_idle)


def test_everything_by_keyboard(echo, page):
    photo = noise(4)
    # From the beginning, as Playwright does not wait until Chromium has heard of it.
    page.on("filechooser", lambda chooser: chooser.set_files(named("photo.png", photo)))
    page.wait_for_selector("#panel .tile")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to(page, "document.activeElement.innerText === 'Choose a photo'")
    page.keyboard.press("Enter")
    said(page, "48 × 32")
    tab_to(page, "document.activeElement.dataset.style === 'ink'")
    page.keyboard.press("Space")
    said(page, "Painted in")
    assert echo.tasks[-1]["styles"] == ["ink"]
    # What is focused is seen, and stays so.
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.evaluate("document.activeElement.dataset.style") == "ink"
    # Backwards to the picture, its slider, and the button that saves it.
    tab_to(page, "document.activeElement.id === 'save-go'", "Shift+Tab")
    with page.expect_download():
        page.keyboard.press("Enter")
    tab_to(page, "document.activeElement.className === 'uncover'", "Shift+Tab")
    page.keyboard.press("End")
    assert page.input_value("#stage .uncover") == "100"
    # The tabs by arrow keys.
    page.focus("#tab-paint")
    last = "explore" if echo.service.videos.problem else "video"
    for key, name in (
        ("ArrowRight", "styles"),
        ("End", last),
        ("ArrowRight", "paint"),
        ("ArrowLeft", last),
        ("Home", "paint"),
    ):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == f"tab-{name}"
        assert page.is_visible(f"#{name}")


def tab_to(page, true, key="Tab"):
    for _ in range(80):
        page.keyboard.press(key)
        if page.evaluate(true):
            return
    raise AssertionError(true)


@pytest.mark.parametrize(
    "how", [{"locale": "en", "color_scheme": "light"}, {"locale": "ru-RU", "color_scheme": "dark"}]
)
def test_everything_has_a_name_and_a_place_on_a_phone(how, echo, visit):
    with visit(echo.url, **PHONE, **how) as page:
        begin(page, noise(5))
        page.check("#mix")
        page.click("#panel [data-style=ink]")
        page.click("#panel [data-style=swirls]")
        page.locator("[name=where]").nth(1).check()
        page.wait_for_selector(".mask canvas")
        page.check("#way-part input[value=gatys]")
        for part in ("rest", "again", "many"):
            page.click(f"#{part} > summary")
        fits(page)
        page.locator("[name=where]").nth(0).check()
        page.click("#go")
        page.wait_for_selector("#status.good")
        fits(page)
        # The result is what is seen first.
        box = page.locator("#stage").bounding_box()
        assert box["width"] == 390
        if how["locale"] != "en":
            assert page.inner_text("#go") == "Рисовать"
            assert "Нарисовано за" in page.inner_text("#status")
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 20, 20)"
            page.click("#language")
            assert (page.inner_text("#go"), page.inner_text("#style-part h2")) == ("Paint", "Style")
            page.click("#theme")
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(243, 243, 242)"
            page.reload()
            page.wait_for_selector("#panel .tile")
            assert page.inner_text("#go") == "Paint"
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(243, 243, 242)"
        for tab in ("styles", "compare", "explore"):
            page.click(f"#tab-{tab}")
            page.wait_for_selector(f"#{tab} .wide")
            fits(page)


def fits(page):
    """Nothing is wider than the phone or lies on something else, and all has a name, by the tree that Chromium gives to
    a screen reader."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("img:not([alt]), canvas:not([aria-label])").count() == 0
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    parts = [one for one in nodes if not one["ignored"] and one["role"]["value"] in NAMED]
    assert len(parts) > 10
    assert [one["role"]["value"] for one in parts if not one.get("name", {}).get("value", "").strip()] == []


def shown_colour(page, before):
    """The pixel that the fake worker answers with, once it is another one."""
    page.wait_for_function(
        "before => { const seen = document.querySelector('#explore-seen');"
        " return seen && seen.src !== before && seen.complete && seen.naturalWidth; }", arg=before,
    )  # fmt: skip
    return page.evaluate("""() => {
        const seen = document.querySelector('#explore-seen');
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.drawImage(seen, 0, 0);
        return [[...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3), seen.src];
    }""")


def test_where_a_place_looks(echo, page):
    begin(page, noise(6, size=(160, 80)))
    page.click("#tab-explore")
    # The middle, at once.
    colour, source = shown_colour(page, "")
    assert colour == [50, 50, 4]
    box = page.locator("#explore-photo img").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"])
    colour, source = shown_colour(page, source)
    assert colour == [25, 75, 4]
    page.fill("#explore-x", "80")
    page.keyboard.press("Enter")
    colour, source = shown_colour(page, source)
    assert (colour[0], colour[2]) == (80, 4)
    page.focus("#explore-photo")
    for key in ("Shift+ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    colour, source = shown_colour(page, source)
    assert colour == [70, 73, 4]
    page.get_by_label("relu2_1: fine texture").check()
    colour, source = shown_colour(page, source)
    assert colour[2] == 2
    page.click("#explore [data-style=explode]")
    said(page, "Something went wrong", "#explore-note")
    painted = len(echo.tasks)
    files_for(page, "#explore .add", named("mine.png", picture(7)))
    colour, source = shown_colour(page, source)
    assert colour[2] == 2
    # Nothing is painted of that elsewhere; and it can be taken away.
    page.click("#tab-paint")
    page.get_by_label("Remove mine").first.click()
    assert page.locator("[data-style^=own]").count() == 0
    assert len(echo.tasks) == painted


def test_a_photo_of_what_the_camera_sees(echo, visit):
    with visit(echo.url, permissions=["camera"]) as page:
        page.get_by_role("button", name="Camera").click()
        page.wait_for_function("() => document.querySelector('.camera video')?.videoWidth > 0")
        page.get_by_role("button", name="Take the photo").click()
        page.wait_for_selector("#stage .view")
        assert page.locator("dialog.camera").count() == 0


@pytest.mark.slow
def test_a_painting_by_the_real_network(chromium, running, visit):
    photo = packaged()["mountains"].read_bytes()
    with Service(devices=["cpu"]) as service, running(service) as site, visit(site.url) as page:
        begin(page, photo, "mountains.jpg")
        page.fill("#option-size", "160")
        page.press("#option-size", "Tab")
        paint(page, "#panel [data-style=great-wave]")
        name, data = download(page, "#save-go")
        assert name == "mountains-The-Great-Wave-off-Kanagawa.png"
        with Image.open(io.BytesIO(data)) as painting, Image.open(io.BytesIO(photo)) as before:
            assert (painting.format, max(painting.size)) == ("PNG", 160)
            small = before.convert("RGB").resize(painting.size)
            change = ImageChops.difference(painting.convert("RGB"), small)
        # It is that photo, but painted.
        assert 8 < sum(ImageStat.Stat(change).mean) / 3 < 90
        options = read_record(data)["options"]
        assert (options["method"], options["size"]) == ("adain", 160)

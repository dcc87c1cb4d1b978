"""The page in Chromium for all kinds of people: several at once, with keys, by keyboard, by ear, on a phone."""

import io

import pytest
from browsers import (
    choose,
    chromium,
    download,
    drop,
    echo,
    echo_page,
    named,
    noise,
    own_page,
    paint,
    said,
    until,
    visit,
)
from PIL import Image, ImageChops, ImageStat

from impasto.gallery import packaged
from impasto.record import read_record
from impasto.service import Service
from impasto.web.keys import Keys, add_key

__all__ = ["chromium", "echo", "visit"]

# gradio uses what pandas will not have any longer. Slow for now: in Chromium 156 its page now and then
# waits for minutes for an update that does not come.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NAMED = {
    "button", "checkbox", "combobox", "link", "listbox", "radio", "slider", "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip
"""Roles that say nothing without a name."""


def test_two_visitors_at_once(echo, visit):
    ada, bob = noise(1), noise(2, size=(32, 48))
    with visit(echo.url) as first, visit(echo.url) as second, echo.holding() as let_go:
        for page, photo in ((first, ada), (second, bob)):
            drop(page, photo)
            choose(page, "hold")
        first.click("#paint")
        said(first, "Painting step 1 of 4")
        second.click("#paint")
        said(second, "Next in line")
        let_go()
        for page, photo in ((first, ada), (second, bob)):
            said(page, "Painted in")
            assert download(page, "text=Download PNG")[1] == photo
            # Each sees what is their own.
            assert page.locator("#strip li").count() == 1
        links = {page.get_attribute("text=Download PNG", "href") for page in (first, second)}
        assert len(links) == 2


def test_who_has_a_key_comes_in_and_goes_out(chromium, tmp_path, running, visit):
    key = add_key(tmp_path / "keys.json", "ada", ("stylize",))
    with echo_page(tmp_path, running, keys=Keys(tmp_path / "keys.json")) as locked:
        with visit(locked.url, tab="", wrong=(401,)) as page:
            assert page.locator("#paint").count() == 0
            page.fill("#key", "impasto_wrong")
            page.keyboard.press("Enter")
            page.wait_for_selector("[role=alert]:has-text('This is not a key of this server.')")
            page.get_by_label("Key").fill(key)
            page.click("text=Sign in")
            page.wait_for_selector("#paint")
            photo = noise(3)
            drop(page, photo)
            paint(page)
            assert download(page, "text=Download PNG")[1] == photo
            page.click("text=Sign out")
            page.wait_for_selector("#key")
            page.goto(locked.url)
            page.wait_for_selector("#key")
            assert page.context.cookies() == []
        until(locked.is_idle)


def test_everything_by_keyboard(echo, visit):
    photo = noise(4)
    with visit(echo.url) as page:
        # From the beginning, as Playwright does not wait until Chromium has heard of it.
        page.on("filechooser", lambda chooser: chooser.set_files(named("photo.png", photo)))
        page.focus("#tab-paint-button")
        assert tabbed(page, "#photo")[-1] == "photo"
        page.keyboard.press("Enter")
        said(page, "A photo of 48 × 32 pixels.")
        # From the photo to the styles, to where they go, to the options, to the button, as they stand on the page.
        page.focus("#tab-paint-button")
        seen = tabbed(page, "#paint")
        order = ["photo", "gallery", "own-styles", "where", "option-method", "option-strength", "rest", "paint"]
        assert [one for one in seen if one in order] == order
        assert "cancel" not in seen
        page.focus("#gallery input[name=ink]")
        page.keyboard.press("Space")
        for key in ("Enter", "Space"):
            page.focus("#paint")
            before = page.locator("#strip li").count()
            page.keyboard.press(key)
            page.wait_for_selector(f"#strip li:nth-child({before + 1})")
            page.wait_for_selector("#paint:enabled")
        assert [task["styles"] for task in echo.tasks[-2:]] == [["now", "ink"]] * 2
        # What is focused is seen.
        page.focus("#tab-paint-button")
        tabbed(page, "#gallery")
        page.wait_for_function("getComputedStyle(document.activeElement.closest('label')).outlineWidth === '3px'")


def tabbed(page, to):
    """The ids of what Tab goes through, once each, until it is inside `to`."""
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.closest('[id]:not([id^=range_id])')?.id ?? ''")
        if not seen or seen[-1] != here:
            seen.append(here)
        if page.evaluate("to => Boolean(document.activeElement.closest(to))", to):
            return seen
    raise AssertionError(seen)


def test_everything_has_a_name_and_a_place_on_a_phone(echo, visit):
    with visit(echo.url, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True) as page:
        drop(page, noise(5))
        page.get_by_label("each in a place that I paint").check()
        page.wait_for_function("document.querySelector('#mask-1 canvas')?.width > 0")
        page.get_by_label("everywhere, mixed by weight").check()
        page.get_by_label("gatys", exact=True).first.check()
        for part in ("rest", "again", "many"):
            page.click(f"#{part} > button")
        for part in ("#option-seed", "#option-learning_rate", "#earlier", "#photos"):
            page.wait_for_selector(part)
        paint(page)
        assert_fits(page)
        assert_named(page)
        # No word of a style's name is torn.
        torn = page.evaluate("""() => [...document.querySelectorAll('#gallery label span')].filter(one => {
            const range = document.createRange(), text = one.firstChild
            return [...text.data.matchAll(/[a-z]+/g)].some(word => {
                range.setStart(text, word.index)
                range.setEnd(text, word.index + word[0].length)
                return range.getClientRects().length > 1
            })
        }).map(one => one.innerText)""")
        assert torn == []
        for tab, part in (("compare", "#compare"), ("explore", "#explore-photo")):
            page.click(f"#tab-{tab}-button")
            page.wait_for_selector(part)
            assert_fits(page)
            assert_named(page)


def assert_fits(page):
    """Nothing is wider than the phone, and dark is dark."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(25, 22, 19)"
    assert page.evaluate("getComputedStyle(document.querySelector('#top h1')).color") == "rgb(236, 230, 222)"


def assert_named(page):
    """By the tree that Chromium gives to a screen reader."""
    assert page.locator("img:not([alt]), canvas:not([aria-label])").count() == 0
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    parts = [one for one in nodes if not one["ignored"] and one["role"]["value"] in NAMED]
    assert len(parts) > 10
    assert [one["role"]["value"] for one in parts if not one.get("name", {}).get("value", "").strip()] == []


def test_a_painting_by_adain(chromium, running, visit):
    photo = packaged()["mountains"].read_bytes()
    with own_page(Service(devices=["cpu"]), running) as url, visit(url) as page:
        page.set_input_files("#photo input[type=file]", packaged()["mountains"])
        said(page, "A photo of")
        choose(page, "swirls")
        page.fill("#option-size input", "160")
        paint(page)
        name, data = download(page, "text=Download PNG")
        assert name == "impasto-swirls.png"
        with Image.open(io.BytesIO(data)) as painting, Image.open(io.BytesIO(photo)) as before:
            assert (painting.format, max(painting.size)) == ("PNG", 160)
            small = before.convert("RGB").resize(painting.size)
            change = ImageChops.difference(painting.convert("RGB"), small)
        # It is that photo, but painted.
        assert 8 < sum(ImageStat.Stat(change).mean) / 3 < 90
        options = read_record(data)["options"]
        assert (options["method"], options["size"]) == ("adain", 160)

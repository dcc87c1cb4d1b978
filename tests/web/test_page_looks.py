"""How the page looks in Chromium: nothing is cut, empty, out of sight, or in two languages at once."""

import base64

import pytest
from browsers import begin, choose, files_for, named, noise, paint, said
from chromium import PHONE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("height", [700, 900])
def test_rows_of_styles_are_not_cut_at_their_top(height, echo, visit):
    with visit(echo.url, viewport={"width": 1440, "height": height}) as page:
        page.wait_for_selector("#panel .tile")
        files_for(page, "#panel .add", *[named(f"{number}.png", noise(number)) for number in range(20)])
        tiles = page.locator("#panel .tiles")
        for down in (0, 20, 57, 140):
            tiles.evaluate("(box, down) => box.scrollTo(0, down)", down)
            edges = tiles.evaluate("""box => [...box.children].map(one => {
                const [inside, around] = [one.getBoundingClientRect(), box.getBoundingClientRect()]
                return [inside.top - around.top, inside.bottom - around.top]
            })""")
            # Beyond the part that fades.
            assert min(top for top, bottom in edges if bottom > 8) >= 8


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_every_tab_begins_with_something_to_do_and_is_filled(width, echo, visit):
    with visit(echo.url, viewport={"width": width, "height": 900}) as page:
        for tab in ("styles", "compare", "explore"):
            page.click(f"#tab-{tab}")
            page.wait_for_selector(f"#{tab} .begin .primary")
        drop_in = page.locator("#compare .begin")
        page.click("#tab-compare")
        assert drop_in.bounding_box()["width"] == page.locator("#compare .wide").bounding_box()["width"]
        page.click("#tab-paint")
        begin(page, noise(2, size=(96, 64)))
        page.click("#tab-compare")
        assert not drop_in.is_visible()
        # The photo and a place for each way that is chosen, as large as the column allows.
        frames = page.locator("#compare .figures :is(img, .frame)")
        assert frames.count() == 1 + page.locator("#compare fieldset input:checked").count()
        boxes = [frames.nth(number).bounding_box() for number in range(frames.count())]
        wide = page.locator("#compare .wide").bounding_box()
        assert max(box["x"] + box["width"] for box in boxes) == pytest.approx(wide["x"] + wide["width"], abs=1)
        assert {round(box["width"] / box["height"], 1) for box in boxes} == {1.5}
        page.click("#tab-explore")
        # A photo that came while another tab was shown is looked at, too.
        page.wait_for_selector("#explore-seen", state="visible")
        page.click("#tab-paint")
        begin(page, noise(3, size=(90, 60)))
        page.click("#tab-explore")
        page.wait_for_selector("#explore-seen", state="visible")


def test_what_was_said_follows_the_language(page):
    page.wait_for_selector("#panel .tile")
    # Before there is a stage, of which the words are said already.
    page.click("#language")
    begin(page, noise(4))
    assert page.inner_text("#stage .tools button >> nth=0") == "Другое фото"
    page.click("#language")
    said(page, "48 × 32")
    choose(page, "ink")
    said(page, "Painted in")
    page.click("#language")
    said(page, "Нарисовано за")
    assert page.get_attribute("#strip li button", "aria-label") == "Показать: Ink · Сразу"
    page.click("#strip li button")
    said(page, "Ink · Сразу")
    page.click("#language")
    said(page, "Ink · Instant")
    page.click("#panel [data-style=explode]")
    said(page, "Something went wrong")
    page.click("#tab-compare")
    page.click("#compare-go")
    said(page, "side by side", "#compare-note")
    page.click("#tab-explore")
    said(page, "Click another place", "#explore-note")
    page.click("#language")
    page.click("#tab-paint")
    said(page, "Внутри impasto")
    for tab, words in (("compare", "Рядом:"), ("explore", "Нажмите на другое место")):
        page.click(f"#tab-{tab}")
        said(page, words, f"#{tab}-note")


def test_zoom_and_slider_stay_while_a_preview_is_shown(page):
    width = "() => document.querySelector('#stage .pair').offsetWidth"
    at = "() => getComputedStyle(document.querySelector('#stage .pair')).getPropertyValue('--at')"
    begin(page, noise(5, size=(900, 600)))
    paint(page, "#panel [data-style=ink]")
    page.locator("#stage .uncover").fill("30")
    page.get_by_role("button", name="100 %").click()
    assert page.evaluate(width) == 900
    page.evaluate(
        """async preview => {
            const painting = document.querySelector('#stage .painting')
            const loaded = new Promise(resolve => painting.addEventListener('load', resolve, {once: true}))
            ;(await import('/page/stage.js')).showPreview(preview)
            await loaded
        }""",
        f"data:image/png;base64,{base64.b64encode(noise(6, size=(90, 60))).decode()}",
    )
    assert page.evaluate(width) == 900
    assert not page.is_visible("#stage .photo")
    page.evaluate("import('/page/stage.js').then(stage => stage.showAgain())")
    page.wait_for_selector("#stage .photo", state="visible")
    assert (page.evaluate(width), page.evaluate(at)) == (900, "30%")


def test_on_a_phone_the_result_comes_into_sight(echo, visit):
    with visit(echo.url, reduced_motion="reduce", **PHONE) as page:
        begin(page, noise(6, size=(96, 64)))
        page.click("#panel [data-style=ink]")
        said(page, "Painted in")
        page.locator("#many").scroll_into_view_if_needed()
        assert not seen(page, "#stage")
        page.click("#go")
        page.wait_for_function("() => document.querySelector('#stage').getBoundingClientRect().top >= 0")
        page.click("#tab-compare")
        page.locator("#compare-size").scroll_into_view_if_needed()
        page.click("#compare-go")
        said(page, "side by side", "#compare-note")
        assert seen(page, "#compare .figures")


def seen(page, what):
    """Whether its upper edge is on the screen."""
    return 0 <= page.locator(what).evaluate("one => one.getBoundingClientRect().top") < PHONE["viewport"]["height"]

"""The page of a comparison, opened from its file: by keys alone, by name, in the light and in the dark, on a phone."""

import io

import pytest
from chromium import PHONE, opened
from legible import beyond_the_edge, contrasts, hard_to_read, nameless, small_targets
from PIL import Image

pytestmark = pytest.mark.browser

SETTINGS = "adain,adain:strength=0.5"
FOCUSED = """() => {
    const one = document.activeElement;
    return one.type ? `${one.type} of ${one.closest('section').querySelector('h2').innerText}` : one.className;
}"""

SHOWN = "view => [...view.querySelectorAll('.after')].filter((one) => one.checkVisibility()).map((one) => one.alt)"


@pytest.fixture
def file(make, jobs):
    """Two wide photos and a high one, each by two methods."""
    comparison = make(SETTINGS, ("tree", "house"))
    high = comparison.contents[1][1]
    with Image.open(high) as picture:
        picture.rotate(90, expand=True).save(high)
    comparison.run()
    return comparison.write()[1]


def test_by_keys_alone(file):
    with opened(file) as page:
        stops = []
        for _ in range(4):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(FOCUSED))
        assert stops == [f"{kind} of {pair} in swirls" for pair in ("tree", "house") for kind in ("range", "radio")]
        page.keyboard.press("Shift+Tab")
        view = page.locator("section").nth(1).locator(".view")
        line = "view => view.querySelector('i').getBoundingClientRect().x + 1 - view.getBoundingClientRect().x"
        width = view.bounding_box()["width"]
        assert view.evaluate(line) == pytest.approx(width / 2, abs=1)
        for keys, percent in ((["ArrowRight"] * 3, 53), (["ArrowLeft"] * 5, 48), (["Home"], 0), (["End"], 100)):
            for key in keys:
                page.keyboard.press(key)
            assert view.evaluate(line) == pytest.approx(width * percent / 100, abs=1)
            clip = view.evaluate("view => getComputedStyle(view.querySelector('.after:not([hidden])')).clipPath")
            assert clip == f"inset(0px 0px 0px {percent}%)"
        # The slider itself is not seen; a ring around the picture is.
        assert view.evaluate("view => getComputedStyle(view).outlineStyle") == "solid"
        assert view.evaluate(SHOWN) == ["house in swirls, by adain"]
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowDown")
        assert view.evaluate(SHOWN) == ["house in swirls, by adain:strength=0.5"]
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_everything_has_a_name_of_its_own(file):
    with opened(file) as page:
        assert nameless(page) == []
        names = page.evaluate("[...document.images].map((one) => one.alt)")
        assert names[:4] == [
            "tree, the photo", "tree in swirls, by adain", "tree in swirls, by adain:strength=0.5", "swirls, the style"
        ]  # fmt: skip
        for pair in ("tree in swirls", "house in swirls"):
            region = page.get_by_role("region", name=pair, exact=True)
            assert region.get_by_role("slider").get_attribute("aria-label").endswith(pair)
            radios = region.get_by_role("group", name="painted by").get_by_role("radio")
            assert [one.inner_text() for one in radios.locator("xpath=..").all()] == SETTINGS.split(",")
            assert region.get_by_role("rowheader").all_inner_texts() == SETTINGS.split(",")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_fits_a_phone(scheme, file):
    with opened(file, **PHONE, color_scheme=scheme) as page:
        assert len(contrasts(page)) > 30
        assert hard_to_read(page) == []
        paper = page.screenshot(clip={"x": 0, "y": 0, "width": 1, "height": 1})
        assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
        with Image.open(io.BytesIO(paper)) as picture:
            assert (picture.convert("L").getpixel((0, 0)) < 64) == (scheme == "dark")
        assert beyond_the_edge(page) == 0
        assert small_targets(page, "label, .view") == []
        # What is wider than the phone is moved by keys, too.
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == "wide"
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_the_line_is_where_the_slider_says_on_a_low_screen(file):
    """A high picture is as narrow as its box, which would otherwise have empty sides that the slider counts in."""
    with opened(file, viewport={"width": 1440, "height": 60}) as page:
        for section in page.query_selector_all("section"):
            view, photo = section.query_selector(".view"), section.query_selector(".view img")
            box = view.bounding_box()
            sides = photo.evaluate("one => [one.naturalWidth, one.naturalHeight]")
            assert box["width"] / box["height"] == pytest.approx(sides[0] / sides[1], rel=0.03)
            assert box["height"] <= 0.8 * 60 + 1

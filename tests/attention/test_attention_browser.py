"""The pages of attention, opened from their files: by keys and by pointing, without a word of complaint."""

import re
from pathlib import Path

import pytest
from chromium import opened
from legible import beyond_the_edge, hard_to_read, nameless
from looking import CONTENT, STYLE, generators

from impasto import StylizeOptions
from impasto.attention import attention, page

pytestmark = pytest.mark.browser


def write(kind: str, folder: Path) -> Path:
    if kind == "style":
        options = StylizeOptions(method="gatys", attention_layers="relu2_1,relu4_1", precision="fp32")
        found = attention(CONTENT, STYLE, ["50%,25%"], options)
    else:
        options = StylizeOptions(method="nla-cyclegan", precision="fp32")
        found = attention(CONTENT, None, [], options, weights=generators(folder))
    (folder / "look.html").write_text(page(found, "A look"))
    return folder / "look.html"


@pytest.mark.parametrize("kind", ["style", "photo"])
def test_a_place_is_asked_about_by_keys_and_by_pointing(kind: str, tmp_path: Path) -> None:
    with opened(write(kind, tmp_path)) as shown:
        content = shown.locator("#content")
        # What shows the answer: dots in the style, or light on the photo.
        answers = shown.locator("main .frame:not(#content) :is(i, b)")
        before = [one.get_attribute("style") for one in answers.all()]
        assert len(before) == {"style": 2, "photo": 1}[kind]
        assert content.locator("i").get_attribute("style") == "left: 50%; top: 50%;"
        shown.keyboard.press("Tab")
        for _ in range(5):
            shown.keyboard.press("ArrowRight")
        left, top = re.findall(r"([\d.]+)%", content.locator("i").get_attribute("style"))
        assert float(left) == pytest.approx({"style": 60, "photo": 50 + 500 / 24}[kind], abs=0.1)
        assert float(top) == 50
        box = content.bounding_box()
        shown.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])
        assert [one.get_attribute("style") for one in answers.all()] != before
        assert nameless(shown) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_fits_a_phone(scheme: str, tmp_path: Path) -> None:
    with opened(write("photo", tmp_path), viewport={"width": 360, "height": 700}, color_scheme=scheme) as shown:
        assert hard_to_read(shown) == []
        assert beyond_the_edge(shown) == 0

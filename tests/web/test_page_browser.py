"""The Paint and Compare tabs in Chromium: what a person does, what the painting process is asked for, what is seen."""

import io
import zipfile

import pytest
from browsers import choose, chromium, download, drop, echo, named, noise, paint, said, until, visit
from PIL import Image
from wishes import another, picture

from impasto.image import encode, read
from impasto.methods import StylizeOptions, applies
from impasto.web.page.controls import Controls

__all__ = ["chromium", "echo", "visit"]

# gradio uses what pandas will not have any longer. Slow for now: in Chromium 156 its page now and then
# waits for minutes for an update that does not come.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_from_the_photo_to_the_download(echo, visit):
    photo = noise(1)
    with visit(echo.url) as page:
        drop(page, photo)
        choose(page, "swirls")
        paint(page)
        assert echo.tasks[-1]["styles"] == ["swirls"]
        assert page.inner_text("#result figcaption") == "swirls · adain"
        # The slider uncovers the photo, and the keyboard moves it.
        page.focus("#result .uncover")
        at = "() => getComputedStyle(document.querySelector('#result .pair')).getPropertyValue('--at')"
        seen = [page.evaluate(at)]
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End"):
            page.keyboard.press(key)
            seen.append(page.evaluate(at))
        assert seen == ["0%", "1%", "2%", "1%", "100%"]
        clip = page.evaluate("() => getComputedStyle(document.querySelector('#result .photo')).clipPath")
        assert clip in ("inset(0px 0% 0px 0px)", "inset(0px calc(0%) 0px 0px)", "inset(0px)")
        name, png = download(page, "text=Download PNG")
        assert (name, png) == ("impasto-swirls.png", photo)
        name, jpeg = download(page, "text=Download JPEG")
        assert name == "impasto-swirls.jpg"
        with Image.open(io.BytesIO(jpeg)) as image:
            assert (image.format, image.size) == ("JPEG", (48, 32))
            first = image.convert("L").getpixel((0, 0))
        assert abs(first - 31) < 12
        for link, kind in (("PNG", "image/png"), ("JPEG", "image/jpeg")):
            address = page.get_attribute(f"text=Download {link}", "href")
            assert page.request.get(f"{echo.url}/{address}").headers["content-type"] == kind


def test_every_control_is_in_the_wish(echo, visit):
    offer = echo.service.offer
    fields = Controls(offer).fields
    tried = set()
    with visit(echo.url) as page:
        drop(page, noise(2, size=(24, 16)))
        page.click("#rest > button")
        page.wait_for_selector("#option-precision")
        for method, first in (("adain", {"refine": 2}), ("gatys", {}), ("cyclegan", {})):
            wanted = {"method": method, **first}
            for name, value in wanted.items():
                set_control(page, name, value)
            names = {name for name in fields if name == "method" or applies(name, method, refines=bool(first))}
            # Those that do nothing now are not there.
            page.wait_for_function(
                "names => [...document.querySelectorAll('[id^=option-]')].filter(one => one.checkVisibility())"
                ".map(one => one.id.slice(7)).sort().join() === names",
                arg=",".join(sorted(names)),
            )
            for name in sorted(names - set(wanted)):
                wanted[name] = "keep" if name == "colour" else another(offer, fields[name])
                set_control(page, name, wanted[name])
            paint(page)
            asked = echo.tasks[-1]
            assert {name: asked["options"][name] for name in names} == wanted
            # All that has no control now is as it is by default.
            assert StylizeOptions(**asked["options"]) == StylizeOptions(**wanted)
            assert (asked["styles"] == []) == (method == "cyclegan")
            tried |= names
    assert tried == set(fields)


def set_control(page, name, value):
    """By mouse and keyboard, whatever kind of control it is."""
    control = page.locator(f"#option-{name}")
    if (radio := control.get_by_role("radio", name=str(value), exact=True)).count():
        radio.check()
    elif (menu := control.get_by_role("combobox")).count():
        menu.click()
        page.get_by_role("option", name=str(value), exact=True).click()
    else:
        field = control.locator("input[type=number], input[type=text], textarea").first
        field.fill(str(value))
        field.press("Tab")


def test_styles_by_weight_and_in_painted_places(echo, visit):
    photo, own = noise(3, size=(64, 64)), noise(4)
    with visit(echo.url) as page:
        drop(page, photo)
        choose(page, "now", "ink")
        page.set_input_files("#own-styles input[type=file]", named("mine.png", own))
        page.wait_for_selector("#weight-3")
        for number, weight in ((2, "0.25"), (3, "0.5")):
            page.fill(f"#weight-{number} input[type=number]", weight)
            page.keyboard.press("Tab")
        paint(page)
        asked = echo.tasks[-1]
        assert (asked["styles"], asked["options"]["style_blend"]) == (["now", "ink", None], "1,0.25,0.5")
        assert (asked["sent"], asked["masks"]) == ([photo, own], [])
        assert page.inner_text("#result figcaption").startswith("now + ink + mine · adain")

        page.get_by_label("each in a place that I paint").check()
        # By mouse, from left to right through the middle.
        page.locator("#mask-1 canvas").scroll_into_view_if_needed()
        page.wait_for_function("document.querySelector('#mask-1 canvas')?.width === 64")
        box = page.locator("#mask-1 canvas").bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.2, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=4)
        page.mouse.up()
        # By keyboard: to the left upper corner, a dot there.
        page.wait_for_function("document.querySelector('#mask-2 canvas')?.width === 64")
        page.focus("#mask-2 canvas")
        for key in ("ArrowLeft", "ArrowUp"):
            for _ in range(20):
                page.keyboard.press(key)
        page.keyboard.press("Space")
        paint(page)
        asked = echo.tasks[-1]
        assert (asked["masks"], asked["options"]["style_blend"]) == ([True, True, False], "")
        first, second = (Image.open(io.BytesIO(mask)) for mask in asked["sent"][-2:])
        where = {"middle": (32, 32), "right": (50, 32), "top": (32, 4), "corner": (0, 0)}
        assert painted(first, where) == {"middle", "right"}
        assert painted(second, where) == {"corner"}

        # What was painted can be taken away again.
        page.click("#mask-2 .clear")
        page.click("#paint")
        said(page, "Only one style can go where nothing is painted")


def painted(mask, where):
    """The names of the places that are opaque."""
    assert mask.size == (64, 64)
    return {name for name, place in where.items() if mask.getchannel("A").getpixel(place) > 200}


def test_what_is_wrong_is_said_aloud(echo, visit):
    with visit(echo.url) as page:
        page.click("#paint")
        said(page, "Drop a photo first.")
        drop(page, noise(5))
        choose(page)
        page.click("#paint")
        said(page, "Choose a style first.")
        choose(page, "explode")
        page.click("#paint")
        said(page, "Something went wrong inside impasto.")
        assert "bad" in page.get_attribute("#note .said", "class")
        drop(page, b"these are notes", "notes.png", note="It is not a picture")
        drop(page, picture(size=(2000, 1000)), "wide.png", note="more than 1,000,000 pixels")
        # Too large to be sent at all.
        page.set_input_files("#photo input[type=file]", named("large.png", bytes(10_000_000)))
        page.wait_for_selector("[aria-live]:has-text('exceed the maximum allowed size')")
        # And after all of that, it paints.
        drop(page, picture(9, size=(800, 600)), note="800 × 600 pixels; this server paints it at a size of up to 577.")
        assert page.input_value("#option-size input") == "577"
        choose(page, "now")
        paint(page)


def test_a_painting_is_watched_and_cancelled(echo, visit):
    photo = noise(6)
    with visit(echo.url) as page:
        drop(page, photo)
        choose(page, "hold")
        page.click("#paint")
        said(page, "Painting step 1 of 4, about 3 s left")
        page.wait_for_selector("#result img[alt='The painting so far']", state="attached")
        page.click("#cancel")
        said(page, "Cancelled. This is the best so far.")
        page.wait_for_selector("#cancel", state="hidden")
        assert download(page, "text=Download PNG")[1] == photo
        # A visitor who leaves lets go of what is being painted.
        page.click("#paint")
        said(page, "Painting step 1 of 4")
        assert not echo.is_idle()
        page.close()
        until(echo.is_idle)


def test_the_paintings_of_this_visit_and_their_settings(echo, visit):
    one, two = noise(7), noise(8)
    with visit(echo.url) as page:
        for photo, style in ((one, "cubes"), (two, "still_life")):
            drop(page, photo, f"{style}.png")
            choose(page, style)
            paint(page)
        assert page.locator("#strip li").all_inner_texts() == ["still life · adain", "cubes · adain"]
        page.focus("#strip li:nth-child(2) button")
        page.keyboard.press("Enter")
        page.wait_for_selector("#result figcaption:has-text('cubes')")
        assert download(page, "text=Download PNG")[1] == one
        assert page.get_attribute("#result .photo", "src").endswith("/cubes.png")

        options = StylizeOptions(method="gatys", colour="keep", style_weight=12.5, seed=2**60 + 1, pooling="max")
        record = {"options": vars(options), "style": ["swirls"]}
        earlier = encode(read(picture(size=(8, 8))), "png", record=record)
        page.click("#again > button")
        page.set_input_files("#earlier input[type=file]", named("earlier.png", earlier))
        said(page, "The settings are taken over.")
        page.wait_for_selector("#option-seed")
        assert page.input_value("#option-seed input") == str(2**60 + 1)
        page.wait_for_selector("#gallery input[name=swirls]:checked")
        assert not page.is_checked("#gallery input[name=still_life]")
        paint(page)
        asked = echo.tasks[-1]
        assert (StylizeOptions(**asked["options"]), asked["styles"]) == (options, ["swirls"])
        # What is no painting of impasto's carries none.
        page.click("#earlier [aria-label=Clear]")
        page.set_input_files("#earlier input[type=file]", named("photo.png", one))
        said(page, "carries no record")


def test_many_photos_become_one_zip(echo, visit):
    photos = {f"photo-{number}.png": noise(20 + number) for number in range(3)}
    with visit(echo.url) as page:
        page.click("#many > button")
        page.click("#paint-all")
        said(page, "Choose photos first.", "#photos-note")
        page.set_input_files("#photos input[type=file]", [named(*one) for one in photos.items()])
        page.wait_for_selector("#photos :text('photo-2')")
        page.click("#paint-all")
        said(page, "3 of 3 photos are painted.", "#photos-note")
        name, data = download(page, "text=Download all")
        assert name == "impasto.zip"
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = {name: archive.read(name) for name in archive.namelist()}
        assert found == {f"00{n + 1}-photo-{n}-impasto.png": photos[f"photo-{n}.png"] for n in range(3)}
        assert echo.tasks[-1]["format"] == "png"

        page.get_by_label("JPEG", exact=True).check()
        choose(page, "hold")
        page.click("#paint-all")
        said(page, "0 of 3 are painted", "#photos-note")
        until(lambda: echo.service.health().running == 1)
        page.click("#cancel-all")
        said(page, "Cancelled.", "#photos-note")
        until(echo.is_idle)


def test_methods_side_by_side(echo, visit):
    photo = noise(9)
    with visit(echo.url, tab="compare") as page:
        page.click("#compare")
        said(page, "Drop a photo first.", "#compare-note")
        page.set_input_files("#compare-photo input[type=file]", named("photo.png", photo))
        page.wait_for_selector("#compare-photo img")
        page.locator("#compare-style input[value=mountains]").check()
        page.locator("#compare-methods input[name=cyclegan]").uncheck()
        page.click("#compare")
        said(page, "2 of 2 methods.", "#compare-note")
        assert page.locator("#compared figcaption strong").all_inner_texts() == ["adain", "gatys"]
        asked = echo.tasks[-2:]
        assert [one["options"]["method"] for one in asked] == ["adain", "gatys"]
        assert {(one["styles"][0], one["options"]["size"]) for one in asked} == {("mountains", 384)}
        assert download(page, "[aria-label='Download the painting by gatys']") == ("impasto-gatys.png", photo)
        # Another style, which cannot be painted, and one that takes long.
        page.locator("#compare-style input[value=explode]").check()
        page.click("#compare")
        page.wait_for_selector("#compared figure:nth-child(2) .bad:has-text('Something went wrong')")
        page.locator("#compare-style input[value=hold]").check()
        page.click("#compare")
        said(page, "Painting step 1 of 4", "#compare-note")
        page.click("#compare-cancel")
        said(page, "Cancelled.", "#compare-note")
        until(echo.is_idle)

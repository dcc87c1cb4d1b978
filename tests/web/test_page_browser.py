"""The page in Chromium: what a person does, what the painting process is asked for, what is seen."""

import base64
import io
import zipfile

import pytest
from browsers import begin, choose, download, drop, files_for, named, noise, paint, said
from connections import until
from fake_service import faked
from PIL import Image
from wishes import another, picture

from impasto.gallery import packaged
from impasto.image import encode, read
from impasto.methods import StylizeOptions, fields_of
from impasto.service.offer import Offer

pytestmark = pytest.mark.browser


def test_three_gestures_from_the_photo_to_the_file(echo, visit):
    photo = noise(1)
    with visit(echo.url, wrong=(404,)) as page:
        begin(page, photo)
        paint(page, "#panel [data-style=swirls]")
        assert download(page, "#save-go") == ("photo-Swirls.png", photo)
        assert echo.tasks[-1]["styles"] == ["swirls"]
        assert StylizeOptions(**echo.tasks[-1]["options"]) == StylizeOptions()
        for kind, suffix in (("JPEG", "jpg"), ("WebP", "webp")):
            page.select_option("#format", label=kind)
            name, data = download(page, "#save-go")
            assert name == f"photo-Swirls.{suffix}"
            with Image.open(io.BytesIO(data)) as image:
                assert (image.format, image.size) == (kind.upper(), (48, 32))
        # What the server has let go of meanwhile is sent again, and encoded by the browser.
        for job in list(echo.service._jobs.by_id):
            echo.service.forget(job)
        for upload in list(echo.service.uploads._items):
            del echo.service.uploads._items[upload]
        page.select_option("#format", label="JPEG")
        with Image.open(io.BytesIO(download(page, "#save-go")[1])) as image:
            assert (image.format, image.size) == ("JPEG", (48, 32))
        paint(page, "#panel [data-style=ink]")
        assert echo.tasks[-1]["sent"] == [photo]


def test_the_slider_uncovers_the_photo_and_the_zoom_stays(page):
    begin(page, noise(2, size=(900, 600)))
    paint(page, "#panel [data-style=ink]")
    page.focus("#stage .uncover")
    at = "() => getComputedStyle(document.querySelector('#stage .pair')).getPropertyValue('--at')"
    seen = [page.evaluate(at)]
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
        seen.append(page.evaluate(at))
    assert seen == ["0%", "1%", "2%", "1%", "100%"]
    page.get_by_role("button", name="100 %").click()
    width = "() => document.querySelector('#stage .pair').offsetWidth"
    assert page.evaluate(width) == 900
    page.evaluate("document.querySelector('#stage .view').scrollTo(0, 40)")
    place = "() => (view => [view.scrollLeft, view.scrollTop])(document.querySelector('#stage .view'))"
    before = page.evaluate(place)
    paint(page, "#panel [data-style=swirls]")
    assert (page.evaluate(width), page.evaluate(place), page.evaluate(at)) == (900, before, "100%")


def test_a_large_painting_is_seen_small_at_first(echo, page):
    photo = noise(13, size=(900, 600))
    begin(page, photo)
    page.evaluate("""async () => {
        (await import('/page/backend.js')).backend.slowFrom = 0.1
        window.seen = []
        const painting = document.querySelector('#stage .painting')
        painting.addEventListener('load', () => window.seen.push(painting.naturalWidth))
    }""")
    before = len(echo.tasks)
    paint(page, "#panel [data-style=ink]")
    small, large = echo.tasks[before:]
    assert [one["options"]["size"] for one in (small, large)] == [173, 612]
    sent = read(small["sent"][0])
    assert (sent.width, sent.height) == (173, 115)
    assert large["sent"] == [photo]
    assert page.evaluate("window.seen").pop() == 900
    # Stopping stops both, and what was there stays.
    page.click("#panel [data-style=hold]")
    said(page, "Next in line")
    page.click("#stop")
    said(page, "Stopped.")
    until(echo.is_idle)
    assert page.is_visible("#stage .photo")
    before = len(echo.tasks)
    # What does not look alike when it is small is waited for.
    page.check("#way-part input[value=finer]")
    choose(page, "ink")
    paint(page)
    assert len(echo.tasks) == before + 1


def test_every_option_is_in_the_wish(echo, page):
    offer = echo.service.offer
    fields = {
        name: item
        for method in offer.methods
        for name, item in offer.options(method).items()
        if len(offer.choices(item)) != 1
    }
    elsewhere = {"quality", "style_blend"}
    tried = set(elsewhere)
    begin(page, noise(3, size=(24, 16)))
    choose(page, "swirls")
    page.click("#rest > summary")
    for way, method, first in (
        ("instant", "adain", {"refine": 2}),
        ("gatys", "gatys", {}),
        ("cyclegan", "cyclegan", {}),
    ):
        page.check(f"#way-part input[value={way}]")
        wanted = {"method": method, **first}
        for name, value in first.items():
            set_control(page, name, value)
        names = {name for name in fields if name in fields_of(method)} - elsewhere
        # Those that do nothing now are not there.
        page.wait_for_function(
            "names => [...document.querySelectorAll('#panel [id^=option-]')]"
            ".map(one => one.id.slice(7)).sort().join() === names",
            arg=",".join(sorted(names)),
        )
        for name in sorted(names - set(wanted)):
            wanted[name] = "keep" if name == "colour" else another(offer, fields[name])
            set_control(page, name, wanted[name])
        paint(page)
        assert StylizeOptions(**echo.tasks[-1]["options"]) == StylizeOptions(**wanted)
        assert (echo.tasks[-1]["styles"] == []) == (method == "cyclegan")
        tried |= names
        page.click("#options-part .head button")
    assert tried == set(fields)
    page.check("#way-part input[value=finest]")
    paint(page)
    assert StylizeOptions(**echo.tasks[-1]["options"]) == StylizeOptions(quality="finest")


def set_control(page, name, value):
    """By mouse and keyboard, whatever kind of control it is."""
    control = page.locator(f"#option-{name}")
    match control.evaluate("one => one.tagName + (one.type ?? '')"):
        case "FIELDSETfieldset":
            control.locator(f"input[value='{value}']").check()
        case "SELECTselect-one":
            control.select_option(str(value))
        case "INPUTrange":
            control.fill(str(value))
        case _:
            control.fill(str(value))
            control.press("Tab")


def test_styles_by_weight_and_in_painted_places(echo, page):
    photo, own = noise(4, size=(64, 64)), noise(5)
    begin(page, photo)
    choose(page, "now", "ink")
    files_for(page, "#panel .add", named("mine.png", own))
    page.get_by_label("Weight of Ink").fill("0.25")
    page.get_by_label("Weight of mine").fill("0.5")
    paint(page)
    asked = echo.tasks[-1]
    assert (asked["styles"], asked["options"]["style_blend"]) == (["now", "ink", None], "1,0.25,0.5")
    assert (asked["sent"], asked["masks"]) == ([photo, own], [])

    page.get_by_label("where I paint").check()
    page.click("#go")
    said(page, "Paint where the styles go")
    # By mouse, from left to right through the middle, with a hard edge.
    first, second = page.locator(".mask").nth(0), page.locator(".mask").nth(1)
    first.get_by_label("Soft edge").uncheck()
    draw(page, first, (0.2, 0.5), (0.8, 0.5))
    # By keyboard: to the left upper corner, a dot there.
    second.locator("canvas").focus()
    for key in ("ArrowLeft", "ArrowUp"):
        for _ in range(25):
            page.keyboard.press(key)
    page.keyboard.press("Space")
    paint(page)
    asked = echo.tasks[-1]
    assert (asked["masks"], asked["options"]["style_blend"]) == ([True, True, False], "")
    masks = [Image.open(io.BytesIO(mask)).getchannel("A") for mask in asked["sent"][-2:]]
    assert [mask.size for mask in masks] == [(64, 64)] * 2
    # Where the bar is, its end, beyond its edge.
    assert [masks[0].getpixel(place) for place in ((32, 32), (50, 32), (32, 20))] == [255, 255, 0]
    soft = [masks[1].getpixel((place, place)) for place in (0, 4, 20)]
    assert soft[0] > 200 > soft[1] > 0 == soft[2]

    # A stroke is taken back, all of them are cleared, and that is taken back, too.
    draw(page, first, (0.5, 0.1), (0.5, 0.9))
    assert opacity(first, 32, 12) == 255
    first.get_by_role("button", name="Undo").click()
    assert (opacity(first, 32, 12), opacity(first, 32, 32)) == (0, 255)
    first.get_by_role("button", name="Clear").click()
    assert opacity(first, 32, 32) == 0
    first.get_by_role("button", name="Undo").click()
    assert opacity(first, 32, 32) == 255
    first.get_by_label("Rub out").check()
    draw(page, first, (0.5, 0.5), (0.5, 0.5))
    assert (opacity(first, 32, 32), opacity(first, 15, 32)) == (0, 255)
    second.get_by_role("button", name="Clear").click()
    page.click("#go")
    said(page, "Only one style can go where nothing is painted")


def draw(page, mask, start, end):
    canvas = mask.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=4)
    page.mouse.up()


def opacity(mask, x, y):
    return mask.locator("canvas").evaluate(
        "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[3]", [x, y]
    )


def test_what_is_wrong_is_said_aloud(echo, visit):
    with visit(echo.url, wrong=(415, 422)) as page:
        page.wait_for_selector("#panel .tile")
        assert page.locator("#go").is_disabled()
        drop(page, "body", ("notes.txt", b"these are notes"), kind="text/plain")
        said(page, "This is no picture.")
        drop(page, "body", ("large.png", bytes(600_000)))
        said(page, "more than 0.5 MB")
        drop(page, "body", ("wide.png", picture(size=(2000, 1000))))
        said(page, "more than 1 megapixels")
        # What the browser cannot show, the server says.
        begin_with_notes = ("notes.png", b"these are notes")
        drop(page, "body", begin_with_notes)
        said(page, "Browsers do not show this kind of picture")
        page.click("#go")
        said(page, "Choose a style first.")
        page.click("#panel [data-style=now]")
        said(page, "it is not a picture")
        assert page.get_attribute("#status", "class") == "bad"
        begin(page, noise(6))
        page.click("#panel [data-style=explode]")
        said(page, "Something went wrong inside impasto.")
        page.fill("#option-size", "x")
        page.press("#option-size", "Tab")
        page.click("#panel [data-style=now]")
        said(page, "Size is 'x', but must be a whole number.")
        page.click("text=All as usual")
        # And after all of that, it paints, at the size that fits.
        begin(page, picture(9, size=(800, 600)))
        said(page, "800 × 600. This server paints it at 577 pixels.")
        paint(page, "#panel [data-style=now]")
        assert echo.tasks[-1]["options"]["size"] == 577


def test_a_painting_is_watched_and_stopped(echo, visit):
    photo = noise(7)
    with visit(echo.url) as page:
        begin(page, photo)
        page.click("#panel [data-style=hold]")
        said(page, "Painting, step 1 of 4, about 3 s left")
        page.wait_for_selector("#stage .painting[src^='data:image/jpeg']", state="attached")
        page.click("#stop")
        said(page, "Stopped. This is the best so far.")
        assert download(page, "#save-go")[1] == photo
        # Another style takes the place of the one that is being painted.
        page.click("#panel [data-style=hold]")
        said(page, "Painting, step 1 of 4")
        paint(page, "#panel [data-style=now]")
        assert echo.tasks[-1]["styles"] == ["now"]
        # A visitor who leaves lets go of everything.
        page.click("#panel [data-style=hold]")
        said(page, "Painting, step 1 of 4")
        assert not echo.is_idle()
        page.close(run_before_unload=False)
    until(echo.is_idle)


def test_the_paintings_of_this_visit_and_their_settings(echo, page):
    one, two = noise(8), noise(9)
    for photo, style in ((one, "cubes"), (two, "still_life")):
        begin(page, photo, f"{style}.png")
        paint(page, f"#panel [data-style={style}]")
    names = page.locator("#strip li button").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert names == ["Show Still life · Instant", "Show Cubes · Instant"]
    page.focus("#strip li:nth-child(2) button")
    page.keyboard.press("Enter")
    said(page, "Cubes · Instant")
    assert download(page, "#save-go") == ("cubes-Cubes.png", one)

    options = StylizeOptions(method="gatys", colour="keep", style_weight=12.5, seed=2**60 + 1, pooling="max")
    record = {"options": options.to_json(), "style": ["swirls"]}
    page.click("#again > summary")
    for kind in ("png", "jpeg", "webp"):
        earlier = encode(read(picture(size=(8, 8))), kind, record=record)
        page.check("#way-part input[value=instant]")
        files_for(page, "#again button", named(f"earlier.{kind}", earlier))
        said(page, "The settings are taken over.")
        assert page.input_value("#option-style_weight") == "12.5"
        paint(page)
        asked = echo.tasks[-1]
        assert (StylizeOptions(**asked["options"]), asked["styles"]) == (options, ["swirls"])
        page.click("#panel [data-style=ink]")
    record = {"options": {"method": "adain", "encoder": "other", "quality": "finer"}, "style": ["ink", "gone"]}
    files_for(page, "#again button", named("earlier.png", encode(read(picture()), "png", record=record)))
    said(page, "The settings are taken over, but not encoder other, gone, which this server does not have.")
    assert page.is_checked("#way-part input[value=finer]")
    # What is no painting of impasto's carries none.
    files_for(page, "#again button", named("photo.png", one))
    said(page, "This picture carries no settings")


def test_many_photos_one_by_one_or_in_one_zip(echo, visit):
    photos = {f"photo-{number}.png": noise(20 + number) for number in range(3)}
    with visit(echo.url, accept_downloads=True, wrong=(415,)) as page:
        # A window of the system's asks where to.
        page.evaluate("delete window.showSaveFilePicker")
        page.wait_for_selector("#panel .tile")
        page.click("#panel [data-style=ink]")
        page.click("#many > summary")
        page.click("#many-go")
        said(page, "Choose photos first.", "#many-note")
        files_for(page, "text=Choose photos", *[named(*one) for one in photos.items()], named("notes.png", b"notes"))
        page.wait_for_selector("text=Photos: 4")
        name, data = download(page, "#many-go")
        said(page, "3 of 4 photos are painted.", "#many-note")
        assert "notes.png: " in page.inner_text("#many .failures")
        assert name == "impasto.zip"
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            found = {name: archive.read(name) for name in archive.namelist()}
        assert found == {f"00{n + 1}-photo-{n}-impasto.png": photos[f"photo-{n}.png"] for n in range(3)}

        page.get_by_label("each as it is done").check()
        page.select_option("#many-format", "jpeg")
        files_for(page, "text=Choose photos", named("one.png", photos["photo-0.png"]))
        name, data = download(page, "#many-go")
        assert (name, Image.open(io.BytesIO(data)).format) == ("001-one-impasto.jpg", "JPEG")

        page.click("#panel [data-style=hold]")
        page.click("#many-go")
        said(page, "0 of 1 are painted", "#many-note")
        until(lambda: echo.service.health().running == 1)
        page.click("#many-stop")
        said(page, "Stopped.", "#many-note")
        until(echo.is_idle)


SAVED = """() => {
    window.pieces = []
    window.heard = []
    const write = piece => {
        window.pieces.push(piece)
        window.heard.push(document.querySelector('#many-note').textContent)
    }
    const close = async () => {
        const bytes = new Uint8Array(await new Blob(window.pieces).arrayBuffer())
        window.zip = btoa(Array.from(bytes, one => String.fromCharCode(one)).join(''))
    }
    window.showSaveFilePicker = async () => ({ createWritable: async () => ({ write, close }) })
}"""


def test_a_zip_grows_on_the_disk_while_others_are_painted(page):
    photos = {f"{number}.png": noise(30 + number) for number in range(3)}
    page.evaluate(SAVED)
    page.wait_for_selector("#panel .tile")
    page.click("#panel [data-style=ink]")
    page.click("#many > summary")
    files_for(page, "text=Choose photos", *[named(*one) for one in photos.items()])
    page.click("#many-go")
    said(page, "3 of 3 photos are painted.", "#many-note")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(page.evaluate("window.zip")))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.read(name) for name in archive.namelist()) == sorted(photos.values())
    assert page.evaluate("window.heard[0]").startswith("0 of 3")


def test_what_is_dropped_goes_where_it_was_dropped(echo, page):
    photo, own = noise(40), noise(41)
    earlier = encode(read(noise(42)), "png", record={"options": {"method": "adain", "strength": 0.5}, "style": ["ink"]})
    begin(page, photo)
    page.click("#again > summary")
    drop(page, "#again", ("earlier.png", earlier))
    said(page, "The settings are taken over.")
    assert page.input_value("#option-strength") == "0.5"
    drop(page, "#panel .tiles", ("mine.png", own))
    said(page, "Painted in")
    assert echo.tasks[-1]["sent"] == [photo, own]
    page.click("#many > summary")
    drop(page, "#many", ("one.png", photo), ("two.png", own))
    page.wait_for_selector("text=Photos: 2")


def test_several_ways_side_by_side(echo, page):
    photo = noise(10)
    begin(page, photo)
    page.click("#tab-compare")
    page.click("#compare [data-style=mountains]")
    for way, checked in (
        ("Instant", True),
        ("Finer", True),
        ("Finest", False),
        ("Cyclegan", False),
        ("From scratch", True),
    ):
        page.locator("#compare label.line", has_text=way).locator("input").set_checked(checked)
    page.click("#compare-go")
    said(page, "3 side by side.", "#compare-note")
    asked = echo.tasks[-3:]
    assert [(one["options"]["method"], one["options"].get("quality")) for one in asked] == [
        ("adain", "instant"), ("adain", "finer"), ("gatys", None),
    ]  # fmt: skip
    assert {(one["styles"][0], one["options"]["size"]) for one in asked} == {("mountains", 480)}
    assert download(page, "[aria-label='Save the painting: Finer']") == ("impasto-finer.png", photo)
    # Another style, which cannot be painted, and one that takes long.
    page.click("#compare [data-style=explode]")
    page.click("#compare-go")
    page.wait_for_selector("#compare figure:nth-child(4) .bad:has-text('Something went wrong')")
    page.click("#compare [data-style=hold]")
    page.click("#compare-go")
    said(page, "Instant: Painting, step 1 of 4", "#compare-note")
    page.click("#compare-stop")
    said(page, "Stopped.", "#compare-note")
    until(echo.is_idle)


def test_a_sheet_of_all_styles(echo, page):
    begin(page, noise(11))
    page.click("#tab-styles")
    for name in ("hold", "explode", "die", "garbage", "stubborn"):
        page.evaluate("name => document.querySelector(`#styles [data-style=${name}]`)?.closest('li').remove()", name)
    page.click("#styles [data-style=swirls]")
    said(page, "Painted in")
    assert page.is_visible("#stage")
    assert echo.tasks[-1]["styles"] == ["swirls"]


@pytest.mark.parametrize("way", ["gatys", "cyclegan"])
def test_a_style_of_the_sheet_is_painted_by_a_way_that_can(echo, way, page):
    """The style is encoded: one way needs a painting for it, the other takes no style."""

    def encoded(route):
        styles = route.fetch().json()["styles"]
        route.fulfill(json={"styles": [{**style, "encoded": style["name"] == "swirls"} for style in styles]})

    page.route("**/v1/styles", encoded)
    page.reload()
    begin(page, noise(12))
    page.locator(f"#way-part [value={way}]").check()
    page.click("#tab-styles")
    page.click("#styles [data-style=swirls]")
    said(page, "Painted in")
    assert (echo.tasks[-1]["styles"], echo.tasks[-1]["options"]["method"]) == (["swirls"], "adain")
    assert page.locator("#way-part :checked").get_attribute("value") == "instant"


def test_16_bits_and_what_is_pasted(page):
    photo = encode(read(noise(1)), "png", bits=16)
    page.wait_for_selector("#panel .tile")
    page.evaluate(
        """data => {
            const pasted = new DataTransfer()
            pasted.items.add(new File([Uint8Array.from(data)], 'deep.png', {type: 'image/png'}))
            document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: pasted, bubbles: true}))
        }""",
        list(photo),
    )
    said(page, "48 × 32")
    paint(page, "#panel [data-style=ink]")
    assert page.locator("#format option").first.inner_text() == "PNG, 16 bit"
    assert download(page, "#save-go")[1] == photo


def test_what_needs_pytorch_is_not_shown_without_it(tmp_path, running, visit):
    lean = Offer(styles=packaged(), torch=False)
    with faked(tmp_path, offer=lean, echo=True) as service, running(service) as here, visit(here.url) as page:
        begin(page, noise(1))
        assert page.locator("#option-size").get_attribute("placeholder") == "the photo\u2019s own"
        assert page.locator("#tab-styles").is_visible()
        assert not page.locator("#tab-explore, #tab-compare, #way-part").locator("visible=true").count()
        page.locator("#rest summary").click()
        assert not page.locator("#option-quality, #option-refine, #option-tv_weight").count()
        paint(page, "#panel [data-style=swirls]")

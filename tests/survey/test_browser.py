"""The page in a real Chromium: what a person does, and what the server has afterwards."""

import asyncio
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from chromium import CHROMIUM, FLAGS, PATIENCE, PHONE, browser, visitor
from legible import beyond_the_edge, hard_to_read, nameless, small_targets
from PIL import Image

PEOPLE = 52

pytestmark = pytest.mark.browser


@contextmanager
def participant(chromium, address, **settings):
    """A page of a new visitor, of whom no browser is to remember anything."""
    with visitor(chromium, address[: address.index("/", 8)], **settings) as page:
        page.goto(address)
        yield page
        assert page.context.cookies() == []
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def press_and_go_on(page, *keys):
    place = page.inner_text("#place")
    for key in keys:
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "place => !(document.querySelector('#place')?.textContent === place)", arg=place
    )  # fmt: skip


def test_every_kind_of_question_by_keyboard_left_and_resumed(make, server):
    store, keys = make(pairs=1, methods=3, kinds=("rate", "ab", "rank"))
    running = server(store.path)
    address = f"{running.url}/{store.id}/p/{keys.links[0]}"
    with browser() as chromium:
        with participant(chromium, address) as page:
            page.wait_for_selector("#begin")
            page.keyboard.press("Enter")
            assert page.inner_text("#place") == "1 of 7"
            assert page.is_disabled(".next")
            for key in ("7", "0", "1"):
                press_and_go_on(page, key)
            press_and_go_on(page, "b")
        with participant(chromium, address) as page:
            page.wait_for_selector("#begin")
            assert page.inner_text("#begin") == "Go on"
            page.keyboard.press("Enter")
            assert page.inner_text("#place") == "5 of 7"
            press_and_go_on(page, "ArrowRight", "ArrowLeft")
            press_and_go_on(page, "a")
            press_and_go_on(page, "a", "Backspace", "c", "a")
            assert page.inner_text("h1") == "Thank you"
    assert [one.value for one in store.answers()] == [7, 10, 1, 1, 0, 0, [2, 0, 1]]


def test_by_finger_on_a_phone(make, server):
    store, keys = make(pairs=1, methods=3, kinds=("rate", "rank"), joining=True)
    running = server(store.path)
    with browser() as chromium, participant(chromium, f"{running.url}/{store.id}/join/{keys.joining}", **PHONE) as page:
        page.tap(".next")
        page.wait_for_selector("#begin")
        page.tap("#begin")
        for position in range(3):
            page.wait_for_function("() => [...document.images].every((one) => one.complete)")
            # Nothing sticks out at the side, and a finger hits every point of the scale.
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            boxes = [label.bounding_box() for label in page.query_selector_all(".scale label")]
            assert min(min(box["width"], box["height"]) for box in boxes) >= 44
            # A wide result needs less of the height, so that what it was made of is shown larger.
            given, results = (page.query_selector(one).bounding_box()["height"] for one in (".given", ".results"))
            assert given == pytest.approx(results * 2 / 3, abs=1)
            page.tap("footer .next", force=True)
            assert page.inner_text("#place") == f"{position + 1} of 4"
            page.tap(f".scale label:nth-child({position + 4})")
            page.tap("footer .next")
            page.wait_for_function("place => !document.querySelector('#place').textContent.startsWith(place)",
                                   arg=str(position + 1))  # fmt: skip
        page.tap("[aria-label='Enlarge B']")
        assert page.is_visible("dialog img")
        page.tap("dialog")
        assert not page.is_visible("dialog img")
        page.tap("[aria-label='Choose B']")
        page.tap("#over")
        page.tap("[aria-label='Choose C']")
        page.tap("[aria-label='Choose B']")
        assert page.inner_text("figure:nth-child(1) .place") == "3"
        assert page.get_attribute("[aria-label='Choose A']", "aria-description") == "place 3"
        page.tap("footer .next")
        page.wait_for_selector("h1")
    assert [one.value for one in store.answers()] == [4, 5, 6, [2, 1, 0]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_can_be_read_and_hit(scheme, make, server):
    store, keys = make(pairs=1, methods=2, kinds=("rate", "ab", "rank"), joining=True)
    running = server(store.path)

    def look(page):
        page.wait_for_function("() => [...document.images].every((one) => one.complete)")
        assert hard_to_read(page) == []
        assert small_targets(page, "button, .scale label") == []
        assert nameless(page) == []
        assert beyond_the_edge(page) == 0

    with (
        browser() as chromium,
        participant(chromium, f"{running.url}/{store.id}/join/{keys.joining}", **PHONE, color_scheme=scheme) as page,
    ):
        look(page)
        page.tap(".next")
        page.wait_for_selector("#begin")
        look(page)
        page.tap("#begin")
        for place, answer in ((1, "5"), (2, "0"), (3, "a"), (4, "b")):
            page.wait_for_function(
                "place => document.querySelector('#place').textContent === place", arg=f"{place} of 4"
            )
            look(page)
            page.keyboard.press(answer)
            look(page)
            if place == 3:
                page.tap("[aria-label='Enlarge A']")
                look(page)
                page.tap("[aria-label=Close]")
            page.keyboard.press("Enter")
        page.wait_for_selector("text=Thank you")
        look(page)


def test_the_focus_is_seen_and_enter_goes_on_after_a_picture_was_enlarged(make, server):
    store, keys = make(pairs=1, methods=2, kinds=("rate", "ab"))
    running = server(store.path)
    with browser() as chromium, participant(chromium, f"{running.url}/{store.id}/p/{keys.links[0]}") as page:
        page.click("#begin")
        page.keyboard.press("7")
        # Also of the number that is chosen, which looks different anyway.
        ring = "getComputedStyle(document.activeElement.closest('label')).outlineStyle"
        assert (page.evaluate(ring), page.evaluate("document.activeElement.value")) == ("solid", "7")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=2 of 3")
        # By key: the focus goes to the way out and comes back.
        page.focus("[aria-label='Enlarge: Picture']")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.ariaLabel") == "Close"
        page.keyboard.press("Enter")
        assert not page.is_visible("dialog")
        assert page.evaluate("document.activeElement.ariaLabel") == "Enlarge: Picture"
        # By pointer: nothing holds the focus, so that Enter means Next.
        page.click("[aria-label='Enlarge: Picture']")
        page.click("dialog img")
        press_and_go_on(page, "4")
        page.click("[aria-label='Enlarge A']")
        page.keyboard.press("Escape")
        page.click("[aria-label='Enlarge B']")
        page.click("[aria-label=Close]")
        page.keyboard.press("b")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Thank you")
    assert [one.value for one in store.answers()] == [7, 4, 1]


def test_an_answer_waits_for_a_killed_server(make, server):
    store, keys = make(pairs=2)
    running = server(store.path)
    with browser() as chromium:
        page = chromium.new_page()
        page.goto(f"{running.url}/{store.id}/p/{keys.links[0]}")
        page.click("#begin")
        running.stop(signal.SIGKILL)
        page.keyboard.press("8")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Not saved yet. Trying again")
        running.start()
        page.wait_for_selector("text=2 of 2", timeout=60_000)
    assert [one.value for one in store.answers()] == [8]


@asynccontextmanager
async def async_browser():
    async_api = pytest.importorskip("playwright.async_api")
    async with async_api.async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE)
        try:
            yield chromium
        finally:
            await chromium.close()


async def take_part(chromium, address, ratings, halfway, going_on):
    """Fill in the whole survey by pointer. ratings: one for each question, in the order of the page."""
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    await page.goto(address)
    await page.click("#begin")
    for position, rating in enumerate(ratings):
        if position == len(ratings) // 2:
            halfway.release()
            await going_on.wait()
        await page.click(f".scale label:nth-child({rating})")
        await page.click("footer .next")
        await page.wait_for_function(
            "place => !(document.querySelector('#place')?.textContent.startsWith(place))", arg=f"{position + 1} of"
        )
    said = await page.inner_text("h1")
    await context.close()
    return said


@pytest.mark.slow
def test_fifty_two_people_and_a_killed_server(make, server):
    """Paper 004's survey: 52 people, ten pairs. All of them are in the middle of it when the server is killed."""
    pairs = 10
    store, keys = make(pairs=pairs, places=PEOPLE)
    running = server(store.path)
    ratings = {link: [1 + (7 * number + 3 * i) % 10 for i in range(pairs)] for number, link in enumerate(keys.links)}

    async def everybody() -> list[str]:
        halfway, going_on = asyncio.Semaphore(0), asyncio.Event()
        async with async_browser() as chromium:
            people = [
                asyncio.create_task(
                    take_part(chromium, f"{running.url}/{store.id}/p/{link}", some, halfway, going_on)
                )
                for link, some in ratings.items()
            ]  # fmt: skip
            for _ in range(PEOPLE):
                await halfway.acquire()
            # Some answers are under way at this very moment, and the next ones meet nobody.
            going_on.set()
            await asyncio.sleep(0.5)
            running.stop(signal.SIGKILL)
            await asyncio.sleep(1)
            await asyncio.to_thread(running.start)
            return await asyncio.gather(*people)

    assert asyncio.run(everybody()) == ["Thank you"] * PEOPLE
    answers = store.answers()
    stored = {(one.participant, one.position): one.value for one in answers}
    expected = {
        (store.participant(link), position): rating
        for link, some in ratings.items()
        for position, rating in enumerate(some)
    }
    assert len(answers) == PEOPLE * pairs
    assert stored == expected
    assert not re.search(r"127\.0\.0\.1", store.path.read_bytes().decode("latin-1"))


@pytest.mark.slow
def test_the_picture_in_the_docs_can_be_made_anew(tmp_path):
    tool = Path(__file__).parents[2] / "tools" / "survey_page.py"
    subprocess.run([sys.executable, str(tool), "survey.png"], cwd=tmp_path, check=True, timeout=600)
    with Image.open(tmp_path / "survey.png") as picture:
        assert picture.size == (1280 + 24 + 390, 844)
        light, dark = picture.getpixel((2, 2)), picture.getpixel((picture.width - 3, 2))
    assert min(light) > 200
    assert max(dark) < 50

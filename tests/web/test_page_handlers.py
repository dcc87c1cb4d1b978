"""What the page does when somebody presses something, over a service that does not paint."""

import asyncio
import base64
import io
import time
import zipfile
from contextlib import aclosing
from types import SimpleNamespace

import gradio as gr
import pytest
from fake_service import go, offer, serve
from starlette.requests import Request
from wishes import picture

from impasto.errors import OptionError, PictureError
from impasto.methods import StylizeOptions
from impasto.service import Snapshot, Status
from impasto.service.job import Failure
from impasto.service.refusals import QueueFullError, UserBusyError
from impasto.serving.problem import Problem
from impasto.web.access import Access, Rates
from impasto.web.page import again, masks, paint, view, words
from impasto.web.page.batch import Batch
from impasto.web.page.compare import Comparison
from impasto.web.page.desk import Desk
from impasto.web.page.shelf import Shelf
from impasto.web.page.styles import EVERYWHERE, PLACES, Style

__all__ = ["go", "offer", "serve"]


def visitor(session="ada", host="127.0.0.1"):
    request = Request({"type": "http", "headers": [], "client": (host, 1), "method": "POST", "path": "/"})
    return SimpleNamespace(request=request, session_hash=session, client=SimpleNamespace(host=host))


class Page:
    """The Paint tab and what its controls are set to."""

    def __init__(self, service, rate=0.0):
        self.service = service
        self.shelf = Shelf(service, "/nowhere")
        self.desk = Desk(service, self.shelf, Access(None, rate), Rates())
        asyncio.run(self._build())
        self.values = {one: one.value for one in self.parts.asked}
        self.values[self.parts.styles.places] = self.parts.styles.places.value
        self.values[self.parts.paintings] = []
        self.values[self.parts.styles.own] = []

    async def _build(self):
        made = {}

        class Kept(paint.Parts):
            def __init__(self, *given):
                super().__init__(*given)
                made["parts"] = self

        with pytest.MonkeyPatch.context() as patch, gr.Blocks(analytics_enabled=False):
            patch.setattr(paint, "Parts", Kept)
            paint.paint_tab(self.desk)
        self.parts = made["parts"]
        self.painting = paint.Painting(self.desk, self.parts)

    def drop(self, data=None, name="photo.png"):
        self.values[self.parts.photo] = self.shelf.put(data or picture(7, size=(40, 30)), name)
        return self.values[self.parts.photo]

    def choose(self, *names, own=()):
        self.values[self.parts.styles.gallery] = list(names)
        self.values[self.parts.styles.own] = list(own)
        updates = self.parts.styles.arranged(self.values, self.values[self.parts.photo])
        self.values[self.parts.styles.places] = updates[self.parts.styles.places]
        return updates

    async def press(self, who=None, then=None):
        """Everything that the page is told; then: called with each."""
        seen = []
        async with aclosing(self.painting.paint(self.values, who or visitor())) as updates:
            async for one in updates:
                seen.append(one)
                if then:
                    await then(one)
        return seen

    def said(self, updates):
        return [one[self.parts.note] for one in updates if self.parts.note in one]


@pytest.fixture
def make(serve):
    return lambda rate=0.0, **limits: Page(serve(**limits), rate)


@pytest.fixture
def page(make):
    made = make()
    made.drop()
    made.choose("picture")
    return made


# --- painting ---------------------------------------------------------------------------------------------------------


def test_what_was_chosen_a_moment_ago_is_painted(page):
    # The page has not heard yet that the places are others.
    page.values[page.parts.styles.gallery] = ["now", "picture"]
    wish, _ = page.painting.wish(page.values, page.values[page.parts.photo])
    assert set(wish.styles) == {"now", "picture"}
    page.values[page.parts.styles.gallery] = ["now"]
    wish, _ = page.painting.wish(page.values, page.values[page.parts.photo])
    assert wish.styles == ("now",)


def test_from_the_press_to_the_painting(page):
    seen = asyncio.run(page.press())
    parts = page.parts
    assert seen[0][parts.paint]["interactive"] is False
    assert seen[0][parts.cancel]["visible"] is True
    last = seen[-1]
    assert "Painted in 0.1 s." in last[parts.note]
    assert (last[parts.paint]["interactive"], last[parts.cancel]["visible"]) == (True, False)
    (one,) = last[parts.paintings]
    assert (one.photo, one.caption) == (page.values[parts.photo], "picture · adain")
    assert f'<img class="photo" src="gradio_api/file={one.photo}"' in last[parts.result]
    assert f'href="gradio_api/file={one.copies.jpeg}" download' in last[parts.result]
    assert f'src="gradio_api/file={one.copies.small}"' in last[parts.strip]
    assert page.shelf.file(one.copies.png).data.startswith(b"\x89PNG")


def test_the_newest_painting_comes_first_and_old_ones_go(page, monkeypatch):
    monkeypatch.setattr(view, "STRIP", 2)
    parts = page.parts
    for strength in (0.1, 0.2, 0.3):
        page.values[parts.controls.shown["strength"]] = strength
        page.values[parts.paintings] = asyncio.run(page.press())[-1][parts.paintings]
    captions = [one.caption for one in page.values[parts.paintings]]
    assert captions == ["picture · adain · strength 0.3", "picture · adain · strength 0.2"]
    shown = page.painting.shown(page.values, SimpleNamespace(index=1))
    assert "strength 0.2" in shown
    for wrong in (2, -1, "1", None):
        assert page.painting.shown(page.values, SimpleNamespace(index=wrong)) == view.EMPTY


def test_a_painting_that_has_expired_is_said_to(make):
    page = make(results=1)
    page.drop()
    page.choose("picture")
    page.values[page.parts.paintings] = asyncio.run(page.press())[-1][page.parts.paintings]
    asyncio.run(page.press())
    said = page.painting.shown(page.values, SimpleNamespace(index=0))
    assert "no longer on the server, which keeps them for 10 minutes" in said


def test_preview_and_cancel(page):
    page.choose("hold")

    async def then(update):
        if page.parts.result in update:
            await page.painting.cancel(visitor("somebody else"))
            await page.painting.cancel(visitor())

    seen = asyncio.run(page.press(then=then))
    previews = [one[page.parts.result] for one in seen if page.parts.result in one]
    assert base64.b64encode(b"a preview").decode() in previews[0]
    assert any("Painting step 1 of 4, about 3 s left" in one for one in page.said(seen))
    assert "Cancelled. This is the best so far." in page.said(seen)[-1]
    assert len(seen[-1][page.parts.paintings]) == 1


def test_the_place_in_the_queue_is_told(page, go):
    async def both():
        page.choose("hold")
        begun, waiting = asyncio.Event(), []

        async def first_then(update):
            if "step 1 of 4, about 3 s left" in update.get(page.parts.note, ""):
                begun.set()

        first = asyncio.create_task(page.press(visitor("first"), first_then))
        await begun.wait()

        async def then(update):
            if "Next in line" in update.get(page.parts.note, ""):
                waiting.append(update)
                go()

        seen = await page.press(visitor("second"), then)
        await first
        return waiting, seen

    waiting, seen = asyncio.run(both())
    assert "Next in line; yours begins in about 3 s." in waiting[0][page.parts.note]
    assert "Painted" in page.said(seen)[-1]


def test_who_leaves_lets_go_of_the_painting(page):
    page.choose("hold")

    async def leave():
        async with aclosing(page.painting.paint(page.values, visitor())) as updates:
            async for update in updates:
                if page.parts.result in update:
                    return

    asyncio.run(leave())
    deadline = time.monotonic() + 20
    while page.service.health().running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert page.service.health().running == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda page: page.values.update({page.parts.photo: None}), "Drop a photo first."),
        (lambda page: page.values.update({page.parts.photo: "/etc/passwd"}), "is no longer on the server; drop it"),
        (lambda page: page.choose(), "Choose a style first."),
        (lambda page: page.drop(b"this is no picture"), "Content: it is not a picture, or damaged"),
        (lambda page: page.drop(picture(size=(200, 200))), "this server paints at most 0.03; a size of 173 fits."),
        (lambda page: page.values.update({page.parts.controls.shown["size"]: "0"}), "Size is 0, but must be"),
        (lambda page: page.choose("explode"), "Something went wrong inside impasto."),
        (lambda page: page.choose("picture", "nothing"), "Style &#x27;nothing&#x27; is not on this server."),
    ],
)
def test_what_is_wrong_is_said_in_words(make, change, said):
    page = make(result_megapixels=0.03)
    page.drop()
    page.choose("picture")
    change(page)
    seen = asyncio.run(page.press())
    assert said in page.said(seen)[-1]
    assert 'class="said bad"' in page.said(seen)[-1]
    assert seen[-1][page.parts.paint]["interactive"] is True
    assert page.parts.result not in seen[-1]


def test_a_full_queue_says_when_to_come_again(make, go):
    page = make(queue=1, per_user=2)
    page.drop()
    page.choose("hold")

    async def all_of():
        running = asyncio.create_task(page.press(visitor("one")))
        while not page.service.health().running:
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(page.press(visitor("two")))
        while not page.service.health().waiting:
            await asyncio.sleep(0.01)
        refused = await page.press(visitor("three"))
        go()
        await asyncio.gather(running, waiting)
        return refused

    assert "1 jobs wait already; please come again later. Try again in " in page.said(asyncio.run(all_of()))[-1]


def test_a_rate_counts_here_as_it_does_in_the_api(make):
    page = make(rate=1.0)
    page.drop()
    page.choose("picture")
    assert "Painted" in page.said(asyncio.run(page.press()))[-1]
    # The same address with another page has no other minute.
    again = page.said(asyncio.run(page.press(visitor("another page"))))[-1]
    assert "You may ask for 1 paintings a minute. Try again in 60 s." in again


@pytest.mark.parametrize(
    ("host", "said"), [("192.0.2.7", "Your address has 2 unfinished jobs, its share."), ("127.0.0.1", "Painted")]
)
def test_one_address_gets_half_of_the_queue_at_most(make, go, host, said):
    page = make(queue=4, per_user=1)
    page.drop()
    page.choose("hold")

    async def third():
        jobs = [asyncio.create_task(page.press(visitor(f"{host} {number}", host))) for number in range(2)]
        while page.service.health().running + page.service.health().waiting < 2:
            await asyncio.sleep(0.01)
        last = asyncio.create_task(page.press(visitor(f"{host} 3", host)))
        await asyncio.sleep(0.1)
        go()
        await asyncio.gather(*jobs)
        return page.said(await last)[-1]

    assert said in asyncio.run(third())


# --- photo, styles, masks ---------------------------------------------------------------------------------------------


def test_a_photo_that_is_too_large_is_painted_smaller(make):
    page = make(result_megapixels=0.01)
    photo = page.drop(picture(size=(400, 200)))
    updates = page.painting.dropped(page.values)
    assert updates[page.parts.controls.shown["size"]]["value"] == "140"
    assert "400 × 200 pixels; this server paints it at a size of up to 140." in updates[page.parts.note]
    assert updates[page.parts.styles.rows[0].canvas]["value"] == {"photo": f"gradio_api/file={photo}", "mask": ""}
    page.drop(picture(size=(40, 30)))
    assert page.parts.controls.shown["size"] not in page.painting.dropped(page.values)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no picture", "Photo: it is not a picture"), (picture(kind="TIFF"), "Browsers do not show TIFF"),
        (picture()[:20], "Photo: "), (picture(size=(2000, 1000)), "more than 1,000,000 pixels"),
    ],
)  # fmt: skip
def test_a_photo_that_cannot_be_used_is_refused_at_once(make, data, said):
    page = make(megapixels=1)
    page.drop(data)
    assert said in page.painting.dropped(page.values)[page.parts.note]


def test_styles_keep_their_places(page):
    styles = page.parts.styles
    own = page.shelf.put(picture(9), "mine.png")
    page.choose("now", "picture", own=[own])
    assert page.values[styles.places][:4] == [Style(name="picture"), Style(name="now"), Style(path=own), None]
    updates = page.choose("now", own=[own])
    assert page.values[styles.places][:4] == [None, Style(name="now"), Style(path=own), None]
    assert [updates[row.group]["visible"] for row in styles.rows[:4]] == [False, True, True, False]
    assert "value" not in updates[styles.rows[1].canvas]
    page.choose("hold", "now", own=[own])
    assert page.values[styles.places][0] == Style(name="hold")
    with pytest.raises(OptionError, match="7 styles are chosen, but at most 6 can be mixed"):
        page.choose("now", "hold", "die", "picture", "garbage", "stubborn", "explode")


def test_weights_mix_styles(page):
    styles = page.parts.styles
    own = page.shelf.put(picture(9), "mine.png")
    page.choose("picture", "now", own=[own])
    wish, caption = page.painting.wish(page.values, page.values[page.parts.photo])
    assert wish.styles == ("picture", "now", picture(9))
    assert (wish.options, caption) == (StylizeOptions(), "picture + now + mine · adain")
    page.values[styles.rows[1].weight] = 0.25
    wish, caption = page.painting.wish(page.values, page.values[page.parts.photo])
    assert wish.options.style_blend == "1,0.25,1"
    assert wish.options.blend_weights(3) == pytest.approx((4 / 9, 1 / 9, 4 / 9))
    for row in styles.rows:
        page.values[row.weight] = 0
    with pytest.raises(OptionError, match="not all 0"):
        page.painting.wish(page.values, page.values[page.parts.photo])


def painted(data=None):
    return {"photo": "x", "mask": masks.PREFIX + base64.b64encode(data or picture(255)).decode()}


def test_masks_say_where_each_style_goes(page):
    styles, photo = page.parts.styles, page.values[page.parts.photo]
    page.values[styles.where] = PLACES
    updates = page.choose("picture", "now")
    assert [updates[row.canvas]["visible"] for row in styles.rows[:3]] == [True, True, False]
    assert not updates[styles.rows[0].weight]["visible"]
    with pytest.raises(OptionError, match="paint where the styles go"):
        page.painting.wish(page.values, photo)
    page.values[styles.rows[0].canvas] = painted()
    assert page.painting.wish(page.values, photo)[0].masks == (picture(255), None)
    assert "Painted" in page.said(asyncio.run(page.press()))[-1]
    page.choose("picture", "now", "hold")
    with pytest.raises(OptionError, match="only one style can go where nothing is painted"):
        page.painting.wish(page.values, photo)
    page.values[styles.where] = EVERYWHERE
    assert page.painting.wish(page.values, photo)[0].masks == ()


@pytest.mark.parametrize("mask", [5, "http://127.0.0.1:1/x", "/etc/passwd", f"{masks.PREFIX}§", f"{masks.PREFIX}a"])
def test_a_mask_that_no_canvas_sends(mask):
    with pytest.raises(OptionError, match="a mask is no PNG file"):
        masks.painted({"mask": mask})
    assert masks.painted("nothing") is None


# --- settings again ---------------------------------------------------------------------------------------------------


def test_settings_of_a_painting_are_used_again(page):
    from impasto.image import encode, read

    options = StylizeOptions(method="gatys", preset="draft", seed=2**60 + 1, style_weight=3.5)
    record = {"options": options.to_json(), "style": ["hold", "upload"]}
    path = page.shelf.put(encode(read(picture(size=(8, 8))), "png", record=record), "old.png")
    form = SimpleNamespace(painting=Trigger())
    again.wire(form, page.parts, page.desk)
    updates = form.painting.call({**page.values, form.painting: [path]})
    values = {one: updates[one]["value"] for one in page.parts.controls.all}
    assert page.parts.controls.chosen(values) == options
    assert updates[page.parts.styles.gallery] == ["hold"]
    assert "but not the style upload, which this server does not have" in updates[page.parts.note]
    foreign = page.shelf.put(picture(), "photo.png")
    assert "carries no record" in form.painting.call({form.painting: [foreign]})[page.parts.note]


class Trigger:
    """Something that is uploaded to."""

    def upload(self, call, *_, **__):
        self.call = call


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        ({"encoder": "vgg19", "strength": 0.5}, ["encoder vgg19"]),
        ({"init": "/home/ada/start.png", "method": "gatys"}, ["init /home/ada/start.png"]),
        ({"colour": "keep", "of_tomorrow": 5}, []),
    ],
)
def test_what_this_server_has_not_is_left_out(offer, options, left_out):
    stored = {**vars(StylizeOptions()), **options}
    if "encoder" in options or "init" in options:
        with pytest.raises(PictureError, match="its settings cannot be used here"):
            again.settings({"options": stored}, offer)
        return
    found, without = again.settings({"options": stored}, offer)
    assert (found, without) == (StylizeOptions(colour="keep"), left_out)


@pytest.mark.parametrize("options", [None, [], {"strength": 99}, {"strength": "wide"}, {"strength": [1]}, {5: 5}])
def test_settings_that_are_damaged(offer, options):
    if options == {5: 5}:
        assert again.settings({"options": options}, offer) == (StylizeOptions(), [])
        return
    with pytest.raises(PictureError):
        again.settings({"options": options}, offer)


# --- many photos, many methods ----------------------------------------------------------------------------------------


def test_many_photos_become_one_zip(page, serve):
    photos = [page.drop(picture(shade, size=(40, 30)), f"photo {shade}.png") for shade in (1, 2, 2)]
    photos += [page.shelf.put(b"no picture", "notes.png"), "/etc/passwd"]
    wish, _ = page.painting.wish(page.values, photos[0])

    async def all_of():
        return [one async for one in Batch(page.desk, wish, photos).paint(visitor())]

    news = asyncio.run(all_of())
    assert "0 of 5 are painted …" in news[0]
    assert "3 of 5 photos are painted." in news[-1]
    assert "2 could not be painted:" in news[-1]
    assert "<li>notes.png: content: it is not a picture" in news[-1]
    assert "<li>passwd: a picture is no longer on the server" in news[-1]
    address = news[-1].partition('href="gradio_api/file=')[2].partition('"')[0]
    archive = zipfile.ZipFile(io.BytesIO(page.shelf.file(address).data))
    assert archive.namelist() == [f"00{n}-photo-{shade}-impasto.png" for n, shade in ((1, 1), (2, 2), (3, 2))]
    first, second, third = (archive.read(name) for name in archive.namelist())
    assert first != second == third
    assert first.startswith(b"\x89PNG")


def test_a_batch_waits_for_room_and_can_be_cancelled(make, go, monkeypatch):
    monkeypatch.setattr("impasto.web.page.batch.LONGEST_PAUSE", 0.02)
    page = make(per_user=1)
    photos = [page.drop(), page.drop()]
    page.choose("hold")
    wish, _ = page.painting.wish(page.values, photos[0])

    async def all_of():
        other = asyncio.create_task(page.press())
        while not page.service.health().running:
            await asyncio.sleep(0.01)
        batch, news = Batch(page.desk, wish, photos), []
        task = asyncio.create_task(collect(batch, news))
        await asyncio.sleep(0.1)
        assert len(news) == 1
        await page.painting.cancel(visitor())
        await other
        while page.service.health().running + page.service.health().waiting == 0:
            await asyncio.sleep(0.01)
        while not page.service.health().running:
            await asyncio.sleep(0.01)
        await page.painting.cancel(visitor())
        await task
        return news

    async def collect(batch, news):
        async for one in batch.paint(visitor()):
            news.append(one)

    assert "Cancelled." in asyncio.run(all_of())[-1]


def test_methods_are_compared_one_after_the_other(page):
    from impasto.service import Request as Wish

    wishes = {
        "adain": Wish(content=picture(), styles=("picture",)),
        "gatys": Wish(content=picture(), styles=("explode",), options=StylizeOptions(method="gatys")),
    }

    async def all_of():
        return [one async for one in Comparison(page.desk, wishes).paint(visitor())]

    note, figures = asyncio.run(all_of())[-1]
    assert "2 of 2 methods." in note
    assert figures.index("<strong>adain</strong>") < figures.index("<strong>gatys</strong>")
    assert 'alt="Painted by adain"' in figures
    assert 'alt="Painted by gatys"' not in figures
    assert "Something went wrong inside impasto." in figures


# --- words ------------------------------------------------------------------------------------------------------------


def test_what_is_said_of_a_job():
    def job(status=Status.QUEUED, **more):
        return Snapshot(id="x", status=status, method="adain", **more)

    assert "Next in line; yours begins in about 12 s." in words.progress(job(position=0, wait_seconds=12.3))
    assert "one painting comes first" in words.progress(job(position=1, wait_seconds=1))
    assert "3 paintings come first; yours begins in about 2 minutes" in words.progress(
        job(position=3, wait_seconds=130)
    )
    assert ">Painting …<" in words.progress(job(Status.RUNNING))
    failed = job(Status.FAILED, failure=Failure("OptionError", "size is <b>"), has_result=True)
    assert "Size is &lt;b&gt;. This is the best so far." in words.ended(failed)
    assert ">Cancelled.<" in words.ended(job(Status.CANCELLED))


def test_a_refusal_has_the_time_to_come_again_if_there_is_one():
    assert "It is full. Try again in 5 s." in words.refusal(QueueFullError("it is full", retry_after=5))
    assert words.refusal(UserBusyError("you are")).endswith("You are.</p>")
    problem = Problem(429, "too-often", "you may not", retry_after=61)
    assert "You may not. Try again in 61 s." in words.refusal(problem)

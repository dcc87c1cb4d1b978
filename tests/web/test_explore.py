"""The Explore tab's handlers, over a service that does not paint."""

import asyncio
import base64
import io
import re
from types import SimpleNamespace

import gradio as gr
import pytest
from fake_service import go, offer, serve
from PIL import Image
from starlette.requests import Request
from wishes import picture

from impasto.errors import PictureError
from impasto.gallery import packaged
from impasto.service import Limits, Offer
from impasto.service.refusals import UserBusyError
from impasto.web.access import Access, Rates
from impasto.web.page.desk import Desk
from impasto.web.page.explore import Explorer, Question, lookable
from impasto.web.page.shelf import Shelf
from impasto.web.page.uploads import size_of

__all__ = ["go", "offer", "serve"]

LAYER = "relu2_1: fine texture"


def visitor(session="ada"):
    request = Request({"type": "http", "headers": [], "client": ("127.0.0.1", 1), "method": "POST", "path": "/"})
    return SimpleNamespace(request=request, session_hash=session)


@pytest.fixture
def explore(serve):
    """Makes explorers, each over a service of its own."""

    def make():
        service = serve()
        return Explorer(Desk(service, Shelf(service, "/nowhere"), Access(None, 0.0), Rates()))

    return make


def dropped(explorer, data=None):
    return explorer.desk.shelf.put(data or picture(7, size=(40, 20)), "photo.png")


def looked(explorer, *given):
    """Everything that `look` says and shows."""

    async def all_of():
        return [one async for one in explorer.look(Question(*given), visitor())]

    return asyncio.run(all_of())


def pictures(html):
    files = [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', html)]
    return [Image.open(io.BytesIO(file)) for file in files]


def test_shows_the_photo_and_where_the_place_looks(explore):
    explorer = explore()
    steps = looked(explorer, dropped(explorer), None, "now", LAYER, 37, 80)
    assert 'class="said busy"' in steps[0][0]
    note, html = steps[-1]
    assert 'class="said quiet"' in note
    marked, seen = pictures(html)
    # As the fake worker answers: the content as it is, and a pixel of the colour (x, y, block of the layer).
    assert (marked.size, marked.getpixel((0, 0))) == ((40, 20), (7, 7, 7))
    assert seen.getpixel((0, 0)) == (37, 80, 2)
    assert "37 % from the left, 80 % from the top" in html
    # Nothing is kept of what was seen.
    service = explorer.desk.service
    assert (service.health().results, service.health().waiting, len(service._jobs)) == (0, 0, 0)


def test_a_painting_of_ones_own_comes_before_the_servers(explore, monkeypatch):
    explorer = explore()
    service, own = explorer.desk.service, dropped(explorer, picture(9))
    wishes = []
    submit = service.submit
    monkeypatch.setattr(service, "submit", lambda wish, user: wishes.append(wish) or submit(wish, user))
    looked(explorer, dropped(explorer), own, "die", LAYER, 1.5, 2)
    (wish,) = wishes
    assert (wish.styles, wish.place, wish.options.attention_layers) == ((picture(9),), (1.5, 2.0), "relu2_1")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"photo": None}, "Drop a photo to begin."),
        ({"x": None}, "From the left, in percent must be a number."),
        ({"y": "8"}, "From the top, in percent must be a number."),
        ({"x": 101}, "X of the place is 101, but must be from 0 to 100 percent of the content."),
        ({"style": None}, "Choose a painting to look in."),
        ({"style": "/etc/passwd"}, "Style &#x27;/etc/passwd&#x27; is not on this server."),
        ({"layer": "relu9_1"}, "Choose what is compared."),
        ({"style": "explode"}, "Something went wrong inside impasto."),
        ({"photo": "/nowhere/at/all.png"}, "A picture is no longer on the server; drop it again."),
    ],
)
def test_what_is_wrong_is_said(how, message, explore):
    explorer = explore()
    given = {"photo": dropped(explorer), "own": None, "style": "now", "layer": LAYER, "x": 50, "y": 50, **how}
    note, shown = looked(explorer, *given.values())[-1]
    assert re.sub("<.*?>", "", note) == message
    assert "<img" not in str(shown)


def test_what_is_no_picture_and_what_finds_no_room_is_said(explore, monkeypatch):
    explorer = explore()
    note, _ = looked(explorer, dropped(explorer, b"x" * 9), None, "now", LAYER, 1, 1)[-1]
    assert "Content: it is not a picture" in note

    def busy(*_):
        raise UserBusyError("you have 8 unfinished jobs, and may have 8", retry_after=3)

    monkeypatch.setattr(explorer.desk.service, "submit", busy)
    note, _ = looked(explorer, dropped(explorer), None, "now", LAYER, 1, 1)[-1]
    assert "You have 8 unfinished jobs, and may have 8. Try again in 3 s." in note


async def running(service):
    while service.health().running == 0:
        await asyncio.sleep(0.01)


def test_who_waits_hears_of_it_and_who_leaves_lets_go(explore):
    explorer = explore()
    photo, service = dropped(explorer), explorer.desk.service

    async def leave():
        held = explorer.look(Question(photo, None, "hold", LAYER, 1, 1), visitor())
        await anext(held)
        await running(service)
        waiting = [
            explorer.look(Question(photo, None, "now", LAYER, 1, 1), visitor(name)) for name in ("bob", "cyd")
        ]  # fmt: skip
        said = [(await anext(one))[0] for one in waiting]
        for one in (*waiting, held):
            await one.aclose()
        return said

    first, second = asyncio.run(leave())
    assert "Next in line" in first
    assert "In the queue: one painting comes first" in second
    assert service.health().waiting == 0


def test_a_later_look_of_the_same_visit_ends_the_one_before(explore):
    explorer = explore()
    photo, service = dropped(explorer), explorer.desk.service

    async def both():
        before = explorer.look(Question(photo, None, "hold", LAYER, 1, 1), visitor())
        await anext(before)
        await running(service)
        after = [one async for one in explorer.look(Question(photo, None, "now", LAYER, 9, 8), visitor())]
        return after[-1], [one async for one in before]

    (_, html), rest = asyncio.run(both())
    assert pictures(html)[1].getpixel((0, 0)) == (9, 8, 2)
    assert rest == []
    assert service.health().running == 0
    # Of visits that are over nothing is kept.
    assert explorer._latest == {}


def test_a_click_is_a_place_in_percent(explore):
    explorer = explore()
    assert explorer.place(dropped(explorer), [9, 19]) == (23.8, 97.5)
    with pytest.raises(gr.Error, match="no longer on the server"):
        explorer.place("/nowhere.png", [0, 0])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_size_is_that_which_a_browser_shows(kind):
    exif = Image.Exif()
    for orientation, size in ((1, (40, 20)), (3, (40, 20)), (6, (20, 40)), (8, (20, 40))):
        exif[0x0112] = orientation
        assert size_of(picture(size=(40, 20), kind=kind, exif=exif.tobytes()), Limits()) == size
    with pytest.raises(PictureError):
        size_of(b"no picture", Limits())


def test_only_what_the_server_has_can_be_compared(tmp_path):
    own = lookable(Offer())
    assert {one.method for one in own.values()} == {"gatys"}
    assert [one.attention_layers for one in own.values()] == [f"relu{block}_1" for block in range(1, 6)]
    file = tmp_path / "nla.safetensors"
    file.touch()
    more = lookable(Offer(styles=packaged(), weights={"nla-cyclegan": file}))
    added = [one for name, one in more.items() if name not in own]
    assert [(one.method, one.direction) for one in added] == [("nla-cyclegan", "A2B"), ("nla-cyclegan", "B2A")]

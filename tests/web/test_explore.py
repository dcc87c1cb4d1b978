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
from wishes import picture

from impasto.errors import PictureError
from impasto.gallery import packaged
from impasto.service import Offer
from impasto.service.refusals import UserBusyError
from impasto.web.page.explore import Explorer, Question, _follower, _read, lookable, shown_size

__all__ = ["go", "offer", "serve"]

VISITOR = SimpleNamespace(client=SimpleNamespace(host="127.0.0.1"))
LAYER = "relu2_1: fine texture"


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(picture(7, size=(40, 20)))
    return str(path)


def looked(service, *given, read=_read):
    """Everything that `look` says and shows."""

    async def all_of():
        explorer = Explorer(service, read, _follower(service))
        return [one async for one in explorer.look(Question(*given), VISITOR)]

    return asyncio.run(all_of())


def pictures(html):
    files = [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', html)]
    return [Image.open(io.BytesIO(file)) for file in files]


def test_shows_the_photo_and_where_the_place_looks(serve, photo):
    service = serve()
    steps = looked(service, photo, None, "now", LAYER, 37, 80)
    assert 'class="busy"' in steps[0][0]
    note, html = steps[-1]
    assert 'class="quiet"' in note
    marked, seen = pictures(html)
    # As the fake worker answers: the content as it is, and a pixel of the colour (x, y, block of the layer).
    assert (marked.size, marked.getpixel((0, 0))) == ((40, 20), (7, 7, 7))
    assert seen.getpixel((0, 0)) == (37, 80, 2)
    assert "37 % from the left, 80 % from the top" in html
    # Nothing is kept of what was seen.
    assert (service.health().results, service.health().waiting, len(service._jobs)) == (0, 0, 0)


def test_a_painting_of_ones_own_comes_before_the_servers(serve, photo, tmp_path, monkeypatch):
    own = tmp_path / "own.png"
    own.write_bytes(picture(9))
    service = serve()
    wishes = []
    submit = service.submit
    monkeypatch.setattr(service, "submit", lambda wish, user: wishes.append((wish, user)) or submit(wish, user))
    looked(service, photo, str(own), "die", LAYER, 1.5, 2)
    ((wish, user),) = wishes
    assert (wish.styles, wish.place, user) == ((picture(9),), (1.5, 2.0), "address 127.0.0.1")
    assert wish.options.attention_layers == "relu2_1"


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
def test_what_is_wrong_is_said(how, message, serve, photo):
    given = {"photo": photo, "own": None, "style": "now", "layer": LAYER, "x": 50, "y": 50, **how}
    note, shown = looked(serve(), *given.values())[-1]
    assert re.sub("<.*?>", "", note) == message
    assert "<img" not in str(shown)


def test_what_is_no_picture_and_what_finds_no_room_is_said(serve, photo, monkeypatch):
    service = serve()
    note, _ = looked(service, photo, None, "now", LAYER, 1, 1, read=lambda _: b"x" * 9)[-1]
    assert "Content: it is not a picture" in note

    def busy(*_):
        raise UserBusyError("you have 8 unfinished jobs, and may have 8", retry_after=3)

    monkeypatch.setattr(service, "submit", busy)
    assert "You have 8 unfinished jobs" in looked(service, photo, None, "now", LAYER, 1, 1)[-1][0]


def test_who_waits_hears_of_it_and_who_leaves_lets_go(serve, photo):
    service = serve()

    async def leave():
        explorer = Explorer(service, _read, _follower(service))
        held = explorer.look(Question(photo, None, "hold", LAYER, 1, 1), VISITOR)
        await anext(held)
        while service.health().running == 0:
            await asyncio.sleep(0.01)
        waiting = [explorer.look(Question(photo, None, "now", LAYER, 1, 1), VISITOR) for _ in range(2)]
        said = [(await anext(one))[0] for one in waiting]
        for one in (*waiting, held):
            await one.aclose()
        return said

    first, second = asyncio.run(leave())
    assert "Looking" in first
    assert "In the queue: one picture comes first." in second
    assert service.health().waiting == 0


def test_a_click_is_a_place_in_percent(serve, photo):
    explorer = Explorer(serve(), _read, None)
    event = gr.SelectData(None, {"index": [9, 19], "value": None})
    x, y, note = explorer.clicked({"path": photo}, event)
    assert (x, y) == (23.8, 97.5)
    assert "Looking" in note
    with pytest.raises(gr.Error, match="no longer on the server"):
        explorer.clicked({"path": "/nowhere.png"}, event)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_size_is_that_which_a_browser_shows(kind):
    exif = Image.Exif()
    for orientation, size in ((1, (40, 20)), (3, (40, 20)), (6, (20, 40)), (8, (20, 40))):
        exif[0x0112] = orientation
        assert shown_size(picture(size=(40, 20), kind=kind, exif=exif.tobytes())) == size
    with pytest.raises(PictureError):
        shown_size(b"no picture")


def test_only_what_the_server_has_can_be_compared(tmp_path):
    own = lookable(Offer())
    assert {one.method for one in own.values()} == {"gatys"}
    assert [one.attention_layers for one in own.values()] == [f"relu{block}_1" for block in range(1, 6)]
    file = tmp_path / "nla.safetensors"
    file.touch()
    more = lookable(Offer(styles=packaged(), weights={"nla-cyclegan": file}))
    added = [one for name, one in more.items() if name not in own]
    assert [(one.method, one.direction) for one in added] == [("nla-cyclegan", "A2B"), ("nla-cyclegan", "B2A")]

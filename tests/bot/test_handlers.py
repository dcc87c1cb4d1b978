"""What users send, and what they get for it."""

import io

import pytest
from PIL import Image
from wishes import picture

from impasto.bot.keyboards import StyleGallery
from impasto.gallery import packaged, styles_file
from impasto.service.offer import Offer

PHOTO, PAINTING = picture(50, size=(40, 30)), picture(200, size=(30, 30))


def test_a_photo_and_a_style_of_the_gallery(server, user, bot, tasks):
    user.sends(PHOTO)
    question = user.reads("Now the style")
    assert question.kind == "photo"
    assert question.labels[:2] == ["1 · now", "2 · hold"]
    user.presses(question, "now")
    painted = user.gets("photo", after=question)
    assert painted.data == PHOTO
    assert painted.text == "now · strength 100 %, the style's colours"
    assert painted.labels == [
        "Weaker", "Stronger", "The photo's colours", "Matched colours", "Refine", "Another style"
    ]  # fmt: skip
    (task,) = tasks()
    assert (task["styles"], task["format"]) == (["now"], "jpeg")
    # Nothing is left of the message that told how far it was.
    server.wait(lambda: [one.text for one in user.answers] == [question.text, painted.text], lambda: user.answers)
    # Pressed once more, another button of the same gallery is about the same photo.
    user.presses(question, "die-once")
    assert user.gets("photo", after=painted).text.startswith("die-once")


def test_captions_say_what_a_picture_is(user, bot, tasks):
    user.sends(PAINTING, "Style")
    user.reads("Now the photo")
    user.sends(PHOTO)
    first = user.gets("photo", labels="Stronger")
    assert first.data == PHOTO
    user.sends(PHOTO, "die-once")
    second = user.gets("photo", labels="Stronger", after=first)
    assert second.text.startswith("die-once")
    user.says("NOW")
    asked = user.reads("Now the photo", after=second)
    user.sends(PAINTING)
    assert user.gets("photo", after=asked).data == PAINTING
    assert [task["styles"] for task in tasks()] == [[None], ["die-once"], ["now"]]


def test_a_file_keeps_its_size_and_comes_back_as_a_file(user, bot, tasks):
    user.sends(PHOTO, "now", kind="image/png", name="holiday-with-anna.png")
    painted = user.gets("document")
    assert (painted.data, painted.name) == (PHOTO, "painting.png")
    assert tasks()[0]["format"] == "png"
    assert tasks()[0]["options"]["size"] is None
    assert "anna" not in str(tasks())


def test_more_pixels_than_the_server_paints_are_painted_smaller(user, start, tasks):
    start({"result_megapixels": 0.001})
    user.sends(PHOTO, "now", kind="image/png")
    assert user.gets("document").text.endswith("at 40 × 30, as more would be too large for me")
    size = tasks()[0]["options"]["size"]
    assert size * round(size * 30 / 40) <= 1000 < (size + 1) * round((size + 1) * 30 / 40)


def album(user, *pictures, captions=(), **more):
    for number, data in enumerate(pictures):
        user.sends(data, (*captions, *[""] * 10)[number], album=f"album of {user.number}", **more)


def test_an_album_in_one_style_comes_back_as_an_album(user, bot, tasks):
    shades = [picture(shade) for shade in (1, 2, 3)]
    album(user, *shades)
    user.presses(user.reads("3 photos. Now the style for all of them"), "now")
    summary = user.reads("3 paintings: now")
    painted = [one for one in user.answers if one.album]
    assert [one.data for one in painted] == shades
    assert len({one.album for one in painted}) == 1
    # Its buttons are about all three.
    user.presses(summary, "Stronger")
    again = user.reads("3 paintings: now · strength 125 %", after=summary)
    assert [one.data for one in user.answers if one.album and one.number > summary.number] == shades
    assert [task["options"]["strength"] for task in tasks()] == [1.0] * 3 + [1.25] * 3
    assert "Weaker" in again.labels


@pytest.mark.parametrize(("button", "contents"), [("The first", [PAINTING]), ("The second", [PHOTO])])
def test_an_album_of_photo_and_style(button, contents, server, user, bot, tasks):
    album(user, PHOTO, PAINTING)
    question = user.reads("Which one is the style?")
    user.presses(question, button)
    assert [user.gets("photo").data] == contents
    assert tasks()[0]["styles"] == [None]
    server.wait(lambda: not question.buttons, lambda: question.labels)


def test_an_album_of_two_photos(user, bot):
    album(user, PHOTO, PAINTING)
    user.presses(user.reads("Which one is the style?"), "Paint both")
    user.presses(user.reads("2 photos. Now the style"), "now")
    user.reads("2 paintings")
    assert [one.data for one in user.answers if one.album] == [PHOTO, PAINTING]


def test_an_album_whose_caption_says_it_all(server, user, bot):
    album(user, PHOTO, PAINTING, captions=("", "style"))
    assert user.gets("photo").data == PHOTO
    other = server.user(43)
    album(other, PHOTO, PAINTING, captions=("now",))
    other.reads("2 paintings: now")


def test_an_album_of_files_comes_one_by_one(server, user, bot):
    album(user, PHOTO, PAINTING, picture(9), captions=("now",), kind="image/png")
    user.reads("3 paintings")
    assert [one.data for one in user.answers if one.kind == "document"] == [PHOTO, PAINTING, picture(9)]
    assert server.called("sendMediaGroup") == []


def test_what_cannot_be_read_of_an_album_is_named(user, bot):
    album(user, PHOTO, b"no picture", PAINTING, captions=("now",))
    assert "I could not read 2." in user.reads("2 paintings").text
    assert [one.data for one in user.answers if one.album] == [PHOTO, PAINTING]


def test_buttons_below_a_painting(user, bot, tasks):
    user.sends(PHOTO, "now")
    last = user.gets("photo")
    for button, said in [
        ("Weaker", "strength 75 %, the style's colours"),
        ("The photo's colours", "strength 75 %, the photo's colours"),
        ("Refine", "strength 75 %, the photo's colours, 20 steps of refinement"),
    ]:
        user.presses(last, button)
        last = user.gets("photo", after=last)
        assert last.text == f"now · {said}"
    user.presses(last, "Another style")
    user.presses(user.reads("Now the style", after=last), "die-once")
    assert user.gets("photo", labels="Stronger", after=last).text.startswith("die-once")
    options = [(task["options"]["strength"], task["options"]["colour"], task["options"]["refine"]) for task in tasks()]
    assert options == [(1, "style", 0), (0.75, "style", 0), (0.75, "keep", 0), (0.75, "keep", 20), (1, "style", 0)]


def test_settings(server, user, bot, tasks):
    user.says("/settings")
    menu = user.reads("How I paint")
    assert menu.labels == ["method: adain", "the style's colours", "brush × 1", "strength 100 %", "no refinement"]
    user.presses(menu, "strength")
    server.wait(lambda: menu.labels[3] == "strength 125 %", lambda: menu.labels)
    user.presses(menu, "brush")
    server.wait(lambda: menu.labels[2] == "brush × 2", lambda: menu.labels)
    user.sends(PHOTO, "now")
    assert user.gets("photo").text == "now · strength 125 %, the style's colours, brush × 2"
    assert (tasks()[0]["options"]["strength"], tasks()[0]["options"]["style_scale"]) == (1.25, 2.0)


def test_a_style_by_name_that_cannot_be_refined(server, user, start):
    start(offer=Offer(styles={"now": packaged()["cubes"], "starry-night": styles_file()}))
    user.says("/settings")
    menu = user.reads("How I paint")
    user.presses(menu, "no refinement")
    server.wait(lambda: menu.labels[4] == "20 steps of refinement", lambda: menu.labels)
    user.sends(PHOTO, "Starry night")
    user.reads("Of this painting I know only the style")
    # The photo still waits.
    user.says("now")
    assert user.gets("photo").text.startswith("now")


def test_commands_and_languages(server, bot):
    user, other = server.user(), server.user(43, "ru-RU")
    for name, said in [("start", "I turn photos"), ("help", "/privacy says"), ("privacy", "up to 24 h"),
                       ("styles", "Choose one")]:  # fmt: skip
        user.says(f"/{name}")
        user.reads(said)
    other.says("/start")
    other.reads("Я превращаю")
    other.sends(PHOTO)
    other.presses(other.reads("Теперь стиль"), "now")
    assert other.gets("photo", labels="Слабее").text == "now · сила 100 %, цвета стиля"
    menus = server.called("setMyCommands")
    assert [menu.get("language_code") for menu in menus] == [None, "ru"]


def test_what_is_no_picture(server, start):
    start({"video_seconds": 0})
    user, answer = server.user(), None
    for kind, said in (
        ("sticker", "A sticker is too small"), ("video", "moving pictures"), ("animation", "moving pictures"),
        ("application/pdf", "no picture that I can read"),
    ):  # fmt: skip
        user.sends(b"?", kind=kind)
        answer = user.reads(said, after=answer)


def test_words_and_broken_pictures(user, bot, tmp_path):
    user.says("hello")
    user.reads("I understand only pictures")
    user.sends(b"no picture", "now")
    user.reads("I cannot read the photo")
    # The style that was chosen still counts.
    user.sends(PHOTO)
    painted = user.gets("photo")
    assert painted.text.startswith("now")
    user.sends(PHOTO)
    user.reads("Now the style", after=painted)
    user.sends(b"no picture")
    user.reads("I cannot read the style")
    user.sends(PAINTING)
    assert user.gets("photo", labels="Stronger", after=painted).data == PHOTO


def test_large_and_long_pictures(user, bot):
    user.sends(b"?", "now", kind="image/png", size=20_000_001)
    user.reads("only files up to 20 MB")
    # 21 to 1 is too long for one of Telegram's photos.
    user.sends(picture(7, size=(210, 10)), "now")
    assert user.gets("document").data == picture(7, size=(210, 10))


def test_pages_of_styles(server, user, start):
    some = next(iter(packaged().values()))
    names = [f"a style with quite a long name, of which there are several: number {number}" for number in range(8)]
    start(offer=Offer(styles=dict.fromkeys(names, some)))
    user.sends(PHOTO)
    gallery = user.reads("Now the style")
    assert (len(gallery.labels), gallery.labels[-1]) == (7, "▶")
    first = gallery.data
    user.presses(gallery, "▶")
    server.wait(lambda: gallery.labels[-1] == "◀", lambda: gallery.labels)
    assert len(gallery.labels) == 3
    assert gallery.data != first
    assert gallery.text.startswith("Now the style")
    user.presses(gallery, "8 · a style")
    assert user.gets("photo", labels="Stronger").text.startswith(names[7])


def test_buttons_that_nobody_made(server, user, bot):
    user.sends(PHOTO)
    question = user.reads("Now the style")
    nonsense = ("?", "style:", "style:0", "page:9", "page:x", "role:none", "again:refine:9", "set:a:b", "set:refine:-1")
    for data in nonsense:
        user.presses_data(question, data)
    server.wait(lambda: len(server.called("answerCallbackQuery")) == len(nonsense), lambda: server.calls)
    user.presses(question, "now")
    assert user.gets("photo", labels="Stronger").data == PHOTO


def test_only_those_who_are_allowed(server, start, tasks):
    start(allowed=(43,))
    user, friend = server.user(), server.user(43)
    user.sends(PHOTO, "now")
    user.reads("your number is 42")
    friend.sends(PHOTO, "now")
    friend.gets("photo")
    assert len(user.answers) == len(tasks()) == 1


def test_a_page_shows_every_painting_and_its_number(tmp_path):
    (tmp_path / "red.png").write_bytes(b"no picture")
    for name, colour in (("green", (0, 200, 0)), ("blue", (0, 0, 200))):
        Image.new("RGB", (30, 60), colour).save(tmp_path / f"{name}.png")
    gallery = StyleGallery({name: tmp_path / f"{name}.png" for name in ("red", "green", "blue", "x")})
    with Image.open(io.BytesIO(gallery.picture(0))) as sheet:
        middles = [sheet.getpixel((8 + 160 + 328 * column, 168)) for column in range(3)]
        assert sheet.size == (3 * 328 + 8, 2 * 328 + 8)
    for found, wanted in zip(middles, [(128, 128, 128), (0, 200, 0), (0, 0, 200)], strict=True):
        assert all(abs(a - b) < 6 for a, b in zip(found, wanted, strict=True))
    assert gallery.names(0) == {1: "red", 2: "green", 3: "blue", 4: "x"}

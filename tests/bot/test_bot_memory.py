"""What the bot keeps on the disk, and what its paintings are sent as."""

import io
import logging
import sqlite3
import stat

import pytest
from PIL import Image
from wishes import picture

from impasto.bot.conversation import Conversations, Picture
from impasto.bot.keyboards import StyleGallery, key_of
from impasto.bot.sending import FinishedPainting, SendAs, fitting_size, format_for, send_as
from impasto.errors import DataError
from impasto.gallery import packaged


def test_what_is_saved_is_read_by_the_next(memory):
    conversations = Conversations(memory)
    for user in (1, 2, 3):
        conversations[user].contents = (Picture("first"),)
        conversations.save(user)
    conversations[1].contents = (Picture("second"),)
    conversations.save(1)
    conversations.forget(2)
    conversations[3].forget_pictures()
    conversations.save(3)
    conversations.close()
    after = Conversations(memory)
    assert [(user, conversation.contents) for user, conversation in after.items()] == [(1, (Picture("second"),))]
    after.close()
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600


def test_what_is_forgotten_is_gone_from_the_file(memory):
    conversations = Conversations(memory)
    conversations[1].contents = (Picture("a-name-of-telegrams"),)
    conversations.save(1)
    assert b"a-name-of-telegrams" in memory.read_bytes()
    conversations.forget(1)
    assert b"a-name-of-telegrams" not in memory.read_bytes()
    conversations.close()


def test_only_one_bot_remembers_in_a_file(memory):
    conversations = Conversations(memory)
    with pytest.raises(DataError, match="another bot that runs remembers in this file"):
        Conversations(memory)
    conversations.close()


def test_files_that_are_something_else(memory, tmp_path):
    memory.write_bytes(b"no database, and long enough to be looked at " * 20)
    with pytest.raises(DataError, match="is no memory of impasto's bot, or damaged"):
        Conversations(memory)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(DataError, match="is no memory of this version"):
        Conversations(other)
    with pytest.raises(DataError, match="cannot be remembered there: no such file or directory"):
        Conversations(tmp_path / "none" / "bot.sqlite")


def test_damaged_rows_are_left_out(memory, caplog):
    conversations = Conversations(memory)
    conversations[1].settings = {"refine": 20}
    conversations.save(1)
    conversations._db.execute("INSERT INTO user VALUES (2, '{\"of\": 1}'), (3, '[1'), (4, '5')")
    conversations.close()
    with caplog.at_level(logging.ERROR):
        after = Conversations(memory)
    after.close()
    assert {user: conversation.settings for user, conversation in after.items()} == {1: {"refine": 20}}
    assert len(caplog.records) == 3


def test_a_full_disk_is_said_in_the_log_alone(memory, caplog):
    conversations = Conversations(memory)
    conversations._db.execute("PRAGMA max_page_count = 2")
    conversations[1].contents = (Picture("a" * 50_000),)
    conversations.save(1)
    conversations.close()
    assert "what users said cannot be remembered there: database or disk is full" in caplog.text


def test_nothing_is_pickled():
    import ast
    from pathlib import Path

    import impasto.bot

    for path in Path(impasto.bot.__file__).parent.glob("*.py"):
        imported = [
            node
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert all("pickle" not in ast.unparse(node).lower() for node in imported)


# --- sending ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "how"),
    [
        ((20, 1), SendAs.PHOTO),
        ((21, 1), SendAs.FILE),
        ((1, 21), SendAs.FILE),
        ((5000, 5000), SendAs.PHOTO),
        ((5001, 5000), SendAs.FILE),
    ],
)
def test_the_shape_of_a_photo(size, how):
    data = picture(size=size)
    assert send_as(data, as_file=False) is how
    assert send_as(data, as_file=True) is SendAs.FILE


@pytest.mark.parametrize(
    ("num_bytes", "how"),
    [(10_000_000, SendAs.PHOTO), (10_000_001, SendAs.FILE), (50_000_000, SendAs.FILE), (50_000_001, SendAs.NOT_AT_ALL)],
)
def test_the_bytes_of_a_photo(num_bytes, how):
    data = picture()
    assert send_as(data + bytes(num_bytes - len(data)), as_file=False) is how


def test_files_lose_nothing_as_long_as_they_fit():
    assert format_for(2000, 2000, as_file=False) == "jpeg"
    assert format_for(2000, 2000, as_file=True) == "png"
    # Noise of 16 bits and this many pixels makes a PNG just below 50 MB; more of it would not be taken.
    assert format_for(2880, 2890, as_file=True) == "png"
    assert format_for(2890, 2890, as_file=True) == "jpeg"


@pytest.mark.parametrize(("width", "height"), [(40, 30), (30, 40), (8000, 3), (1, 5000), (4001, 2999), (1999, 1)])
@pytest.mark.parametrize("limit", [0.0005, 0.001, 0.1, 7.9])
def test_a_size_that_fits(width, height, limit):
    size, longer = fitting_size(width, height, limit), max(width, height)

    def pixels(side):
        return max(1, round(width * side / longer)) * max(1, round(height * side / longer))

    if size is None:
        assert width * height <= limit * 1e6
    else:
        assert pixels(size) <= limit * 1e6 < width * height
        # It is as large as can be, within the pixel by which the shorter side jumps.
        assert pixels(size) >= 0.5 * limit * 1e6 or pixels(size + 1) > limit * 1e6


def test_a_thumbnail():
    small = FinishedPainting(picture(200, size=(1000, 500)), "png", SendAs.FILE).thumbnail
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", (320, 160))


# --- the gallery ------------------------------------------------------------------------------------------------------


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


def test_pages_and_names():
    some = packaged()["ink"]
    gallery = StyleGallery(dict.fromkeys([f"Style {number}" for number in range(13)], some))
    assert gallery.pages == 3
    assert gallery.names(2) == {13: "Style 12"}
    assert gallery.by_key(key_of("Style 7")) == "Style 7"
    assert gallery.by_key("none") is None
    assert gallery.by_words(" style 7 ") == "Style 7"
    assert gallery.by_words("style") is None
    assert key_of("a") != key_of("b")

"""What the bot remembers, in memory and on the disk."""

import json
import logging
import sqlite3
import stat
from contextlib import closing
from dataclasses import asdict

import pytest

from impasto.bot import texts
from impasto.bot.conversation import (
    PAINTED_KEPT,
    UPDATES_KEPT,
    Conversation,
    Conversations,
    Order,
    SentPicture,
    known_settings,
    settable,
    setting_value,
    with_setting,
)
from impasto.errors import DataError
from impasto.methods import StylizeOptions

SETTINGS = settable({})


@pytest.fixture
def conversations(memory):
    with closing(Conversations(memory)) as opened:
        yield opened


def test_what_is_saved_is_read_by_the_next(conversations, memory):
    for user in (1, 2, 3):
        conversations[user].contents = (SentPicture("first"),)
        conversations.save(user)
    conversations[1].contents = (SentPicture("second"),)
    conversations.save(1)
    conversations.forget(2)
    conversations[3].forget_pictures()
    conversations.save(3)
    conversations.close()
    after = Conversations(memory)
    assert [(user, conversation.contents) for user, conversation in after.items()] == [(1, (SentPicture("second"),))]
    after.close()
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600


def test_what_is_forgotten_is_gone_from_the_file(conversations, memory):
    conversations[1].contents = (SentPicture("a-name-of-telegrams"),)
    conversations.save(1)
    assert b"a-name-of-telegrams" in memory.read_bytes()
    conversations.forget(1)
    assert b"a-name-of-telegrams" not in memory.read_bytes()


def test_only_one_bot_remembers_in_a_file(conversations, memory):
    with pytest.raises(DataError, match="another bot that runs remembers in this file"):
        Conversations(memory)


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


def test_damaged_rows_are_left_out(conversations, memory, caplog):
    conversations[1].settings = {"refine": 20}
    conversations.save(1)
    conversations._db.execute("INSERT INTO user VALUES (2, '{\"of\": 1}'), (3, '[1'), (4, '5')")
    conversations.close()
    with caplog.at_level(logging.ERROR):
        after = Conversations(memory)
    after.close()
    assert {user: conversation.settings for user, conversation in after.items()} == {1: {"refine": 20}}
    assert len(caplog.records) == 3


def test_a_full_disk_is_said_in_the_log_alone(conversations, caplog):
    conversations._db.execute("PRAGMA max_page_count = 2")
    conversations[1].contents = (SentPicture("a" * 50_000),)
    conversations.save(1)
    assert "what users said cannot be remembered there: database or disk is full" in caplog.text


def test_without_torch_nothing_is_to_press_that_needs_it(monkeypatch):
    monkeypatch.setattr("impasto.bot.conversation.has_torch", lambda: False)
    assert set(settable({})) == set(SETTINGS) - {"method", "refine"}
    assert settable({"method": "gatys"})["method"] == ("adain",)


def test_settings_are_options_as_all_doors_have_them():
    assert SETTINGS["method"] == ("adain", "gatys"), "what is shown a painting"
    for method in SETTINGS["method"]:
        for name, values in settable({"method": method}).items():
            assert setting_value({"method": method}, name) in values
            for value in values:
                assert setting_value({"method": method, name: value}, name) == value
                assert all(texts.described(language, name, value) for language in texts.LANGUAGES)
                StylizeOptions(**{"method": method, name: value})
    for strength in SETTINGS["strength"]:
        for colour in SETTINGS["colour"]:
            for refine in SETTINGS["refine"]:
                StylizeOptions(strength=strength, colour=colour, refine=refine, style_scale=2.0)
    assert {name for name in SETTINGS if not texts.has_words(name)} == set()


def test_only_what_is_not_as_usual_is_written_down():
    assert with_setting({}, "strength", 0.5) == {"strength": 0.5}
    assert with_setting({"strength": 0.5, "refine": 20}, "strength", 1.0) == {"refine": 20}
    assert with_setting({"method": "gatys"}, "method", "adain") == {}
    assert known_settings({"strength": 9, "colour": "keep", "of-tomorrow": 1, "method": ["adain"]}) == {
        "colour": "keep"
    }


def test_what_another_method_has_is_kept_and_not_used():
    order = Order((), "ink", {"method": "gatys", "strength": 0.5, "colour": "keep"})
    assert order.options() == StylizeOptions("gatys", colour="keep")


def test_a_conversation_is_the_same_after_json():
    photo, style = SentPicture("a", 5, is_file=True), SentPicture("b")
    order = Order((photo, style), style, {"strength": 0.5}, 1, 2, 3.5)
    talk = Conversation(
        "ru", {"refine": 20}, (photo,), "swirls", ((style, "caption"),), "album", {7: order}, {8: order}, [1, 2], 9.5
    )
    assert Conversation.from_json(json.loads(json.dumps(asdict(talk)))) == talk


def test_a_conversation_is_bounded():
    talk = Conversation()
    for number in range(100):
        assert talk.note_update(number)
        assert not talk.note_update(number)
        talk.keep_painted(number, Order((), "x"))
    assert list(talk.painted) == list(range(100 - PAINTED_KEPT, 100))
    assert talk.heard == list(range(100 - UPDATES_KEPT, 100))

"""The token is read from where it should be, and written nowhere."""

import logging
import os
import traceback
import urllib.parse

import pytest
from fake_telegram import TOKEN
from wishes import picture

from impasto.bot.config import MASK, VARIABLE, hidden, masked, read_token
from impasto.errors import ImpastoError

SECRET = TOKEN.partition(":")[2]


def test_from_the_environment_which_others_do_not_inherit(monkeypatch):
    monkeypatch.setenv(VARIABLE, f" {TOKEN}\n")
    assert read_token(None) == TOKEN
    assert VARIABLE not in os.environ


def test_from_a_file_rather_than_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "1:other")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token") == TOKEN
    assert VARIABLE not in os.environ


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the bot has no token"),
        (b"\xff\xfe", "this is no text"),
        (SECRET.encode(), "has not the form of a token"),
        (f"{TOKEN} x".encode(), "has not the form of a token"),
        (f"{TOKEN}\n{TOKEN}".encode(), "has not the form of a token"),
    ],
)
def test_what_is_no_token_is_not_repeated(content, said, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ImpastoError, match=said) as caught:
        read_token(tmp_path / "token")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(ImpastoError, match="no such file"):
        read_token(tmp_path / "none")


def test_it_is_masked_however_it_is_written():
    for written in (TOKEN, urllib.parse.quote(TOKEN, safe=""), SECRET):
        assert SECRET not in masked(f"/bot{written}/getMe", TOKEN)
    assert masked(f"/bot{TOKEN}/getMe", TOKEN) == f"/bot{MASK}/getMe"


def test_no_line_of_the_log_has_it(capsys):
    root, httpx = logging.getLogger(), logging.getLogger("httpx")
    before, level = list(root.handlers), httpx.level
    with hidden(TOKEN):
        httpx.info("HTTP Request: POST https://api.telegram.org/bot%s/getMe", TOKEN)
        httpx.warning("retry https://api.telegram.org/bot%s/getMe", TOKEN)
        try:
            raise ValueError(f"no host in https://api.telegram.org/bot{TOKEN}/getMe")
        except ValueError:
            logging.getLogger("impasto.bot").exception("an order failed")
    assert (root.handlers, httpx.level) == (before, level)
    written = capsys.readouterr().err
    assert SECRET not in written
    assert "HTTP Request" not in written
    assert f"retry https://api.telegram.org/bot{MASK}/getMe" in written
    assert f"ValueError: no host in https://api.telegram.org/bot{MASK}/getMe" in written


def caused_by_an_address():
    try:
        raise ValueError(TOKEN)
    except ValueError as error:
        raise RuntimeError("the address is wrong") from error


def test_no_error_has_it():
    with pytest.raises(ImpastoError) as caught, hidden(TOKEN):
        caused_by_an_address()
    assert str(caught.value) == "the bot stopped: RuntimeError: the address is wrong"
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(KeyError), hidden(TOKEN):
        raise KeyError("nothing of the kind")


def test_a_whole_conversation_writes_it_nowhere(server, start, capsys, monkeypatch):
    """Also when Telegram breaks off, and when something in the bot itself goes wrong."""
    monkeypatch.setattr("impasto.bot.messages.RETRY_PAUSES", (0.01, 0.01))
    with hidden(TOKEN):
        bot = start()
        logging.getLogger("httpx").setLevel(logging.DEBUG)
        logging.getLogger("httpcore").setLevel(logging.DEBUG)
        logging.getLogger("telegram").setLevel(logging.DEBUG)
        server.down = {"file": 1, "getUpdates": 1}
        user = server.user()
        user.sends(picture(), "now")
        painted = user.gets("photo")

        def broken(*_):
            raise RuntimeError(f"inside {bot.config.token}")

        monkeypatch.setattr("impasto.bot.handlers.with_setting", broken)
        user.presses(painted, "Weaker")
        user.reads("Something went wrong on my side")
        bot.stop()
    written = capsys.readouterr().err
    assert "/getUpdates" in written
    assert f"inside {MASK}" in written
    assert SECRET not in written

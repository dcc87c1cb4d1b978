"""`impasto bot` as a process of its own, and what it refuses."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from fake_telegram import TOKEN, telegram
from wishes import picture

from impasto.bot.config import VARIABLE

SOON = 120


def test_no_flag_stands_for_two_things_or_for_nothing(impasto):
    shown = impasto("bot", "--help").out
    assert shown.count("--styles") == 1
    assert "folder of paintings" in shown
    assert "--keep-seconds" not in shown
    assert "--stop-seconds" in shown


def test_a_missing_token_and_a_missing_extra(impasto, monkeypatch):
    impasto("bot").refuses(1, "the bot has no token: put it into IMPASTO_TELEGRAM_TOKEN")
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setitem(sys.modules, "aiolimiter", None)
    assert "the bot needs the extra 'bot' (aiolimiter is missing)" in impasto("bot").err


@pytest.mark.slow
def test_paints_until_it_is_told_to_stop_and_never_says_its_token(folder):
    (folder / "token").write_text(TOKEN)
    with telegram() as server:
        words = ["bot", "--token-file", "token", "--base-url", server.url, "--device", "cpu", "--edit-seconds", "0.1"]
        start = [sys.executable, "-m", "impasto", *words]
        with subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as bot:
            threading.Timer(SOON, bot.kill).start()
            try:
                assert bot.stdout.readline() == "https://t.me/impasto_test_bot\n"
                user = server.user()
                user.sends(picture(99, (40, 30)), "swirls")
                assert user.gets("photo").text.startswith("swirls")
                for number in (signal.SIGINT, signal.SIGTERM):  # as one wish may come
                    bot.send_signal(number)
                out, err = bot.communicate(timeout=SOON)
            finally:
                bot.kill()
        assert (bot.returncode, out) == (0, "")
        assert TOKEN.partition(":")[2] not in err
        assert (folder / "impasto-bot.sqlite").is_file()


@pytest.mark.slow
def test_a_token_that_telegram_does_not_know_is_one_line(folder):
    with telegram() as server:
        server.token = "1:other"
        words = [sys.executable, "-m", "impasto", "bot", "--base-url", server.url, "--device", "cpu"]
        run = subprocess.run(words, capture_output=True, text=True, env={**os.environ, VARIABLE: TOKEN}, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "impasto: Telegram does not know this token; @BotFather says which it is\n"

"""When it is full, interrupted, slow or forbidden; and that nothing gets lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from fake_telegram import TOKEN
from wishes import picture

from impasto.bot.conversation import Conversations, Order, SentPicture
from impasto.bot.orders import memory_of
from impasto.gallery import packaged
from impasto.service.offer import Offer

PHOTO, PAINTING = picture(50, size=(40, 30)), picture(200, size=(30, 30))
CHILD = Path(__file__).parents[1] / "bot_process.py"


def remembered(memory):
    """What stands in the file now; a bot that runs has it to itself, so a copy is read."""
    copy = memory.with_name("copy.sqlite")
    shutil.copyfile(memory, copy)
    with closing(Conversations(copy)) as conversations:
        return {user: asdict(conversation) for user, conversation in conversations.items()}


def test_progress_in_one_message_and_cancel(user, bot, go):
    user.sends(PHOTO, "hold")
    progress = user.reads("I paint … 25 %")
    assert progress.labels == ["Stop"]
    user.presses(progress, "Stop")
    user.reads("Stopped.")
    assert progress.states[0] == "One moment …"
    assert progress.labels == []
    assert len(user.answers) == 1
    # The bot goes on, and so does the user.
    user.sends(PHOTO, "now")
    assert user.gets("photo").data == PHOTO


def test_the_command_cancel_stops_everything(user, bot, memory):
    user.sends(PHOTO, "hold")
    progress = user.reads("25 %")
    user.sends(PHOTO)
    user.reads("Now the style")
    user.says("/cancel")
    done = user.reads("forgotten your pictures")
    assert progress.text == "Stopped."
    user.sends(PAINTING)
    user.reads("Now the style", after=done)
    bot.stop()
    kept = remembered(memory)[42]
    assert (kept["running"], kept["painted"], len(kept["contents"])) == ({}, {}, 1)


def test_two_users_at_once_take_turns(server, bot, go, tasks):
    ada, bob = server.user(1), server.user(2)
    shades = {(user.number, number): picture(20 * user.number + number) for user in (ada, bob) for number in range(3)}
    ada.sends(picture(250), "hold")
    ada.reads("25 %")
    for number in range(3):
        ada.sends(shades[1, number], "now", kind="image/png")
    server.wait(lambda: bot.service.health().waiting == 3, lambda: "ada waits")
    for number in range(3):
        bob.sends(shades[2, number], "now", kind="image/png")
    bob.reads("before you; it begins in about")
    server.wait(lambda: bot.service.health().waiting == 6, lambda: "bob waits")
    go()
    for user in (ada, bob):
        server.wait(lambda user=user: len([one for one in user.answers if one.kind == "document"]) == 3, lambda: "")
        mine = sorted(data for (whose, _), data in shades.items() if whose == user.number)
        assert sorted(one.data for one in user.answers if one.kind == "document") == mine


def test_a_full_queue_says_when_to_come_again(server, start, go):
    start({"queue": 1, "per_user": 2})
    first, second, third = server.user(1), server.user(2), server.user(3)
    first.sends(PHOTO, "hold")
    first.reads("25 %")
    second.sends(PHOTO, "now")
    second.reads("it begins in about")
    third.sends(PHOTO, "now")
    refusal = third.reads("Too many people wait. Please try again in")
    assert refusal.labels == ["Try again"]
    assert server.called("getFile")[-1]["file_id"] != third.messages[0].file
    go()
    second.gets("photo")
    third.presses(refusal, "Try again")
    assert third.gets("photo").data == PHOTO
    assert refusal.labels == []


def test_many_pictures_at_once_are_not_all_fetched(server, user, start, go):
    start({"per_user": 2})
    server.slow = 0.1
    for _ in range(12):
        user.sends(PHOTO, "hold", kind="image/png")
    refused = "I still paint for you. Please try again in 30 s"
    server.wait(lambda: sum(refused in one.text for one in user.answers) == 10, lambda: "refusals")
    assert len(server.called("getFile")) == 2
    go()
    server.wait(lambda: sum(one.kind == "document" for one in user.answers) == 2, lambda: "paintings")
    user.presses(user.reads("I still paint"), "Try again")
    server.wait(lambda: sum(one.kind == "document" for one in user.answers) == 3, lambda: "the third")


def test_what_is_fetched_is_bounded_in_all_and_for_each(server, start, go):
    start({"waiting_mb": 40.0})
    first, second = server.user(1), server.user(2)
    first.sends(PHOTO, "hold", kind="image/png", size=8_000_000)
    first.reads("25 %")
    first.sends(PHOTO, "hold", kind="image/png", size=8_000_000)
    first.reads("I still paint for you")
    second.sends(PHOTO, kind="image/png", size=18_000_000)
    question = second.reads("Now the style")
    second.sends(PAINTING, kind="image/png", size=15_000_000)
    second.reads("Too many people wait", after=question)
    assert len(server.called("getFile")) == 1
    go()


def test_a_picture_of_unknown_size_counts_as_the_largest():
    album = (SentPicture("a", 3_000_000), SentPicture("b"), SentPicture("c", 2**40))
    assert memory_of(Order(album[:1], "now")) == 3_000_000
    assert memory_of(Order(album, SentPicture("d", 1_000_000))) == 21_000_000


def test_what_turns_out_to_be_too_large_is_not_fetched(server, user, bot):
    server.told = {f"f{number}": 21_000_000 for number in range(200)}
    server.down = {"file": 100}
    user.sends(PHOTO, "now")
    user.reads("Telegram lets me fetch only files up to 20 MB")
    assert server.down == {"file": 100}


def test_a_painting_that_fails(user, bot):
    user.sends(PHOTO, "explode")
    assert user.reads("Something went wrong while I painted").labels == ["Try again"]


def test_a_painting_that_takes_too_long_is_sent_as_far_as_it_got(user, start):
    start({"job_seconds": 0.3})
    user.sends(PHOTO, "hold", kind="image/png")
    assert user.gets("document").text.endswith("as far as I got in 1 s")


def test_a_restart_in_the_middle(server, start, go, memory):
    bot, user = start(), server.user()
    user.sends(PHOTO)
    user.reads("Now the style")
    user.says("/settings")
    user.presses(user.reads("How I paint"), "strength")
    server.wait(lambda: server.called("editMessageReplyMarkup"), lambda: "")
    bot.stop()
    assert bot.failed is None
    bot = start()
    user.says("hold")
    progress = user.reads("25 %")
    bot.stop()
    assert progress.text == "I am being restarted. I go on with this as soon as I am back."
    go()
    start()
    painted = user.gets("photo", labels="Stronger")
    assert (painted.data, painted.text) == (PHOTO, "hold · strength 125 %, the style's colours")
    assert "I was restarted, and paint this again …" in progress.states
    # The buttons of before the restart work after it.
    user.presses(painted, "Weaker")
    user.gets("photo", after=painted, labels="Stronger")


def test_what_waits_is_handed_back_and_what_is_painted_finished(server, start, go):
    bot = start({"stop_seconds": 10})
    user, other = server.user(), server.user(43)
    user.sends(PHOTO, "hold")
    user.reads("25 %")
    other.sends(PHOTO, "now")
    progress = other.reads("it begins in about")
    bot._loop.call_soon_threadsafe(bot._stop.set)
    other.reads("I go on with this")
    go()
    user.gets("photo")
    bot.stop()
    start()
    assert other.gets("photo").data == PHOTO
    server.wait(lambda: progress not in other.answers, lambda: progress.states)


def test_an_album_that_was_not_complete_at_the_restart(server, start):
    bot, user = start(options={"album_seconds": 30}), server.user()
    user.sends(PHOTO, album="a")
    user.sends(PAINTING, album="a")
    server.wait(lambda: server.confirmed > user.messages[-1].number, lambda: "unconfirmed")
    bot.stop()
    assert user.answers == []
    start()
    user.reads("Which one is the style?")


def killed(server, memory, folder, *words):
    """A bot in a process that knows nothing of being killed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(CHILD.parents[1] / "src"), str(CHILD.parent)])}
    command = [sys.executable, str(CHILD), server.url, str(memory), str(folder), *words]
    return subprocess.Popen(command, env=environment)


def test_a_bot_that_is_killed_paints_again_after_the_restart(server, user, start, go, memory, tmp_path):
    user.sends(PHOTO, "hold")
    with killed(server, memory, tmp_path) as process:
        progress = user.reads("25 %")
        process.send_signal(signal.SIGKILL)
    assert len(remembered(memory)[42]["running"]) == 1
    go()
    start()
    assert user.gets("photo").data == PHOTO
    server.wait(lambda: progress not in user.answers, lambda: progress.states)


def test_what_kills_the_bot_each_time_is_not_tried_for_ever(server, start, memory):
    user, killed_now = server.user(), memory.with_name("killed.sqlite")
    user.sends(PHOTO, "hold")
    for _ in range(2):
        bot = start()
        progress = user.reads("25 %")
        shutil.copyfile(memory, killed_now)
        bot.stop()
        # As if it had been killed where it stood.
        killed_now.replace(memory)
    start()
    server.wait(lambda: "interrupted each time" in progress.text, lambda: progress.states)
    assert progress.labels == ["Try again"]


def test_updates_that_come_twice_count_once(server, user, bot):
    user.sends(PHOTO)
    user.reads("Now the style")
    again = dict(server.last_update)
    server.push(again)
    user.sends(PAINTING)
    painted = user.gets("photo", labels="Stronger")
    assert painted.data == PHOTO
    assert painted.text.startswith("your painting")
    assert len([one for one in user.answers if "Now the style" in one.text]) == 1


def test_flood_control_is_waited_for(server, user, bot):
    server.floods = {"sendPhoto": [0.1, 0.1], "editMessageText": [0.1], "getFile": [0.1], "sendMessage": [0.1]}
    user.sends(PHOTO)
    user.presses(user.reads("Now the style"), "now")
    assert user.gets("photo", labels="Stronger").data == PHOTO
    assert not any(server.floods.values())


def test_a_network_that_fails_and_is_slow(server, user, bot, monkeypatch):
    monkeypatch.setattr("impasto.bot.messages.RETRY_PAUSES", (0.01, 0.01))
    server.slow, server.down = 0.05, {"file": 1, "sendPhoto": 1, "getUpdates": 1}
    user.sends(PHOTO, "now")
    assert user.gets("photo").data == PHOTO
    server.down = {"file": 3}
    user.sends(PAINTING, "now")
    refusal = user.reads("I could not reach Telegram")
    user.presses(refusal, "Try again")
    assert user.gets("photo", after=refusal).data == PAINTING


def test_a_picture_that_telegram_does_not_give_any_more(server, user, bot):
    user.sends(PHOTO)
    question = user.reads("Now the style")
    del server.files[user.messages[0].file]
    user.presses(question, "now")
    user.reads("does not give me this picture any more")


def test_a_style_that_is_gone_after_a_restart(server, start):
    bot, user = start(), server.user()
    user.sends(PHOTO)
    question = user.reads("Now the style")
    bot.stop()
    start(offer=Offer(styles={"now": packaged()["cubes"]}))
    user.presses(question, "hold")
    user.reads("This style is not here any more")
    user.presses(question, "now")
    assert user.gets("photo", labels="Stronger").data == PHOTO


def test_everything_is_forgotten_when_the_user_wants_it_or_is_gone(server, bot, memory):
    user, gone = server.user(), server.user(43)
    for one in (user, gone):
        one.sends(PHOTO, "now")
        one.gets("photo")
    user.says("/privacy")
    user.presses(user.reads("Your pictures stay"), "Forget everything")
    user.reads("forgotten everything")
    gone.blocks()
    server.wait(lambda: server.confirmed >= server.last_update["update_id"], lambda: "unconfirmed")
    bot.stop()
    assert remembered(memory) == {}


def test_pictures_are_forgotten_after_a_while(server, start, memory):
    bot, user = start(options={"keep_hours": 0.0002}), server.user()
    user.says("/settings")
    user.presses(user.reads("How I paint"), "strength")
    user.sends(PHOTO, "now")
    painted = user.gets("photo")
    server.wait(lambda: server.called("deleteMessage"), lambda: "its buttons are not remembered")
    while remembered(memory)[42]["painted"]:
        time.sleep(0.05)
    user.presses(painted, "Weaker")
    user.reads("I have forgotten what this was about")
    bot.stop()
    kept = remembered(memory)[42]
    assert (kept["settings"], kept["painted"]) == ({"strength": 1.25}, {})


def test_a_token_that_telegram_does_not_know(server, start):
    server.token = TOKEN[:-1] + "x"
    failed = start().failed
    assert str(failed) == "Telegram does not know this token; @BotFather says which it is"
    assert failed.__cause__ is None


def test_a_token_that_is_taken_away(server, user, bot):
    server.token = "other"
    user.says("/start")
    bot._thread.join(20)
    assert str(bot.failed) == "Telegram does not know the bot's token any more"

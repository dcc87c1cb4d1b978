"""Clips that users send, and what they get for them."""

import pytest
from wishes import picture

pytest.importorskip("av")
pytest.importorskip("cv2")

from clips import clip

pytestmark = pytest.mark.usefixtures("temporary")

PAINTING = picture(200, size=(30, 30))


def films_on_disk(folder):
    return [path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.mark.parametrize(
    ("kind", "back"),
    [("video", "video"), ("animation", "animation"), ("video_note", "video_note"), ("video/quicktime", "document")],
)
def test_a_clip_comes_back_as_it_was_sent(kind, back, server, bot, tasks, temporary):
    user, data = server.user(), clip(size=(64, 64))
    user.sends(data, kind=kind, name="anna-at-home.mov")
    question = user.reads("Now the style")
    user.presses(question, "now")
    painted = user.gets(back, after=question)
    assert (painted.data, painted.name) == (data, "painting.mp4")
    # A video message of Telegram's has no caption.
    assert painted.text == ("" if kind == "video_note" else "now · strength 100 %, the style's colours")
    assert "Stronger" in painted.labels
    (task,) = tasks()
    assert (task["styles"], task["format"], task["options"]["size"]) == (["now"], "mp4", 64)
    server.wait(lambda: not films_on_disk(temporary), lambda: films_on_disk(temporary))
    user.presses(painted, "Stronger")
    assert user.gets(back, after=painted).data == data


def test_a_clip_is_never_the_style(server, bot, tasks):
    user, first, second = server.user(), clip(), clip(8)
    user.sends(first, "style", kind="video")
    question = user.reads("Now the style")
    user.sends(second, kind="video")
    question = user.reads("Now the style", after=question)
    user.sends(PAINTING)
    assert user.gets("video", after=question).data == second
    assert [task["styles"] for task in tasks()] == [[None]]


def test_an_album_of_a_photo_and_a_clip(user, bot):
    user.sends(PAINTING, album="a")
    user.sends(clip(), "now", kind="video", album="a")
    assert user.gets("photo", labels="").data == PAINTING
    assert user.gets("video").data == clip()
    user.reads("2 paintings")


def test_progress_and_stopping(server, user, bot, go, temporary):
    user.sends(clip(), "hold", kind="video")
    progress = user.reads("I paint … frame 1 of 4,")
    assert "about 3 s left" in progress.text
    user.presses(progress, "Stop")
    user.reads("Stopped.")
    server.wait(lambda: not films_on_disk(temporary), lambda: films_on_disk(temporary))
    assert len(user.answers) == 1


def test_what_takes_too_long_comes_back_as_far_as_it_got(user, start):
    start({"video_job_seconds": 0.4})
    user.sends(clip(), "hold", kind="video")
    assert user.gets("video").text.endswith("as far as I got in 1 s")


def test_what_is_refused(server, user, start, tasks):
    start({"video_seconds": 5, "video_megapixels": 0.01})
    user.sends(b"?", "now", kind="video", size=20_000_001)
    answer = user.reads("only films up to 20 MB")
    user.sends(b"?", kind="video", seconds=7)
    answer = user.reads("I paint films of up to 5 s", after=answer)
    # Neither was fetched.
    assert not server.called("getFile")
    for data, said in (
        (b"no film", "I cannot read the film"),
        (clip(size=(256, 128)), "more than I can take (100 MB, or 0.01 megapixels a frame)"),
        # Telegram was not asked how long a file is, so the service says it.
        (clip(150), "I paint films of up to 5 s"),
    ):
        user.sends(data, kind="video/mp4")
        answer = user.reads(said, after=answer)
    assert tasks() == []
    # The style of the first still counts.
    user.sends(clip(), kind="video")
    assert user.gets("video", after=answer).text.startswith("now")


def test_a_painted_film_that_telegram_does_not_take(user, bot, monkeypatch):
    monkeypatch.setattr("impasto.bot.sending.FILE_BYTES", 1000)
    user.sends(clip(), "now", kind="video")
    user.reads("more than the 50 MB that Telegram lets me send")


def test_without_films_the_bot_says_so(server, start, monkeypatch):
    monkeypatch.setattr("impasto.service.videos.find_spec", lambda name: None)
    start()
    user = server.user(language="ru")
    user.sends(clip(), "now", kind="video")
    answer = user.reads("Движущиеся картинки я рисовать не умею")
    user.says("/help")
    assert "видео" not in user.reads("Пришлите фото", after=answer).text


def test_films_in_russian(server, bot):
    user = server.user(language="ru")
    user.says("/help")
    user.reads("короткие видео")
    user.says("/privacy")
    user.reads("Видео лежит на моём диске")
    user.sends(clip(), "hold", kind="video")
    user.reads("Рисую … кадр 1 из 4")

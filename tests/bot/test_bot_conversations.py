"""What users send, and what they get for it."""

import pytest
from wishes import picture

PHOTO, PAINTING = picture(50, size=(40, 30)), picture(200, size=(30, 30))


def test_a_photo_and_a_style_of_the_gallery(server, bot, tasks):
    user = server.user()
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


def test_a_photo_and_a_style_that_was_sent(server, bot, tasks):
    user = server.user()
    user.sends(PHOTO)
    user.reads("Now the style")
    user.sends(PAINTING)
    assert user.gets("photo", labels="Stronger").text.startswith("your painting")
    assert tasks()[0]["styles"] == [None]

"""Every language says everything, with the same places."""

import ast
import re
import string
from pathlib import Path

import pytest

from impasto.bot import texts, troubles
from impasto.bot.conversation import Commission, Conversation, changed, possible, settable, value_of
from impasto.bot.talk import COMMANDS
from impasto.bot.troubles import Trouble
from impasto.methods import StylizeOptions
from impasto.service import Failure, Limits, refusals
from impasto.service.refusals import NotAPictureError, RefusedError

SETTINGS = settable({})
SOURCES = sorted(Path(texts.__file__).parent.glob("*.py"))


def places(sentence):
    return sorted(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_language_has_every_sentence_with_its_places(language):
    sentences = texts.LANGUAGES[language]
    assert set(sentences) == set(texts.ENGLISH)
    assert {key: places(text) for key, text in sentences.items()} == {
        key: places(text) for key, text in texts.ENGLISH.items()
    }
    assert all(text.strip() == text and text for text in sentences.values())


def test_every_sentence_is_said_and_every_one_said_is_there():
    words = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if path.name != "texts.py" and isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
    made = {f"command-{name}" for name in COMMANDS} | {f"colour-{one}" for one in SETTINGS["colour"]}
    made |= {f"painted-{note}" for note in ("smaller", "halfway")} | {"seconds", "minutes", "hours"}
    made |= {"set-method", "set-strength", "set-style_scale", "set-refine", "set-refine-none"}
    made |= {f"set-colour-{one}" for one in SETTINGS["colour"]}
    unused = set(texts.ENGLISH) - words - made
    assert unused == set()
    assert made <= set(texts.ENGLISH)


def test_no_sentence_stands_elsewhere():
    """What is said is a key; a sentence has a blank and ends like one."""
    for path in SOURCES:
        if path.name == "texts.py":
            continue
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in (
                "say",
                "show",
                "Trouble",
            ):
                keys = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
                assert all(re.fullmatch(r"[a-z_-]+", key) for key in keys), (path, keys)
                assert set(keys) <= set(texts.ENGLISH), (path, keys)


@pytest.mark.parametrize(
    ("code", "language"),
    [("ru", "ru"), ("ru-RU", "ru"), ("RU", "ru"), ("en-GB", "en"), ("de", "en"), (None, "en"), ("", "en")],
)
def test_which_language_is_spoken(code, language):
    assert texts.language_of(code) == language


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 s"), (0.2, "1 s"), (19.5, "20 s"), (119, "119 s"), (120, "2 min"), (121, "3 min"), (7140, "119 min"),
        (86_400, "24 h"), (1e6, "278 h"),
    ],
)  # fmt: skip
def test_durations_are_rounded_up(seconds, said):
    assert texts.duration("en", seconds) == said


def test_settings_are_options_as_all_doors_have_them():
    assert SETTINGS["method"] == ("adain", "gatys"), "what is shown a painting"
    for method in SETTINGS["method"]:
        for name, values in settable({"method": method}).items():
            assert value_of({"method": method}, name) in values
            for value in values:
                assert value_of({"method": method, name: value}, name) == value
                assert all(texts.described(language, name, value) for language in texts.LANGUAGES)
                StylizeOptions(**{"method": method, name: value})
    for strength in SETTINGS["strength"]:
        for colour in SETTINGS["colour"]:
            for refine in SETTINGS["refine"]:
                StylizeOptions(strength=strength, colour=colour, refine=refine, style_scale=2.0)
    assert {name for name in SETTINGS if not texts.has_words(name)} == set()


def test_only_what_is_not_as_usual_is_written_down():
    assert changed({}, "strength", 0.5) == {"strength": 0.5}
    assert changed({"strength": 0.5, "refine": 20}, "strength", 1.0) == {"refine": 20}
    assert changed({"method": "gatys"}, "method", "adain") == {}
    assert possible({"strength": 9, "colour": "keep", "of-tomorrow": 1, "method": ["adain"]}) == {"colour": "keep"}


def test_what_another_method_has_is_kept_and_not_used():
    commission = Commission((), "ink", {"method": "gatys", "strength": 0.5, "colour": "keep"})
    assert commission.options() == StylizeOptions("gatys", colour="keep")


def test_every_refusal_and_failure_has_a_sentence():
    kinds = [kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, RefusedError)]
    assert len(kinds) == 10
    for kind in kinds:
        error = kind("content: x", "internal") if kind is refusals.JobFailedError else kind("content: x")
        for language in texts.LANGUAGES:
            assert troubles.of_refusal(error).sentence(language, Limits())
    for code, key in [
        ("OutOfMemoryError", "no-memory"), ("time-limit", "time-limit"), ("worker-died", "failed"),
        ("internal", "failed"), ("stopping", "stopping"), ("unavailable", "unavailable"), ("of-tomorrow", "failed"),
    ]:  # fmt: skip
        assert troubles.of_failure(Failure(code, "x")).key == key


def test_whose_fault_it_is():
    assert troubles.of_refusal(NotAPictureError("content: x")).key == "broken-photo"
    assert troubles.of_refusal(NotAPictureError("style 1: x")).key == "broken-style"
    assert troubles.of_failure(Failure("PictureError", "content: it is cut short")).key == "broken-photo"
    assert troubles.of_failure(Failure("PictureError", "swirls: it is cut short")).key == "broken-style"


def test_limits_are_said():
    limits = Limits(upload_mb=7, megapixels=3, job_seconds=600)
    assert "(7 MB or 3 megapixels)" in Trouble("too-large").sentence("en", limits)
    assert "longer than 10 min" in Trouble("time-limit").sentence("en", limits)
    assert "up to 20 MB" in Trouble("too-large-file").sentence("en", limits)
    assert "50 MB" in Trouble("too-large-result").sentence("en", limits)


def test_a_conversation_is_the_same_after_json():
    import json

    from impasto.bot.conversation import Commission, Picture

    photo, style = Picture("a", 5, is_file=True), Picture("b")
    commission = Commission((photo, style), style, {"strength": 0.5}, 1, 2, 3.5)
    talk = Conversation(
        "ru",
        {"refine": 20},
        (photo,),
        "swirls",
        ((style, "caption"),),
        "album",
        {7: commission},
        {8: commission},
        [1, 2],
        9.5,
    )
    assert Conversation.from_json(json.loads(json.dumps(talk.to_json()))) == talk


def test_a_conversation_is_bounded():
    from impasto.bot.conversation import HEARD, PAINTED, Commission

    talk = Conversation()
    for number in range(100):
        assert talk.hear(number)
        assert not talk.hear(number)
        talk.keep(number, Commission((), "x"))
    assert list(talk.painted) == list(range(100 - PAINTED, 100))
    assert talk.heard == list(range(100 - HEARD, 100))

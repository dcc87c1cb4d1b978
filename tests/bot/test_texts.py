"""Every language says everything, with the same places, and every way to fail has a sentence."""

import ast
import re
import string
from pathlib import Path
from typing import get_args

import pytest

from impasto.bot import messages, texts
from impasto.bot.conversation import settable
from impasto.bot.handlers import COMMANDS
from impasto.bot.messages import OrderFailed
from impasto.service.limits import Limits
from impasto.service.refusals import Code, JobFailedError, RefusedError

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
                "OrderFailed",
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


def test_every_refusal_and_failure_has_a_sentence():
    for code in get_args(Code):
        for language in texts.LANGUAGES:
            assert messages.failure_of(RefusedError(code, "content: x")).sentence(language, Limits())
    for code, key in [
        ("OutOfMemoryError", "no-memory"), ("time-limit", "time-limit"), ("worker-died", "failed"),
        ("internal", "failed"), ("stopping", "stopping"), ("unavailable", "unavailable"), ("of-tomorrow", "failed"),
    ]:  # fmt: skip
        assert messages.failure_of(JobFailedError("x", code)).key == key


def test_whose_fault_it_is():
    assert messages.failure_of(RefusedError("not-a-picture", "content: x")).key == "broken-photo"
    assert messages.failure_of(RefusedError("not-a-picture", "style 1: x")).key == "broken-style"
    assert messages.failure_of(JobFailedError("content: it is cut short", "PictureError")).key == "broken-photo"
    assert messages.failure_of(JobFailedError("swirls: it is cut short", "PictureError")).key == "broken-style"


def test_limits_are_said():
    limits = Limits(upload_mb=7, megapixels=3, job_seconds=600)
    assert "(7 MB or 3 megapixels)" in OrderFailed("too-large").sentence("en", limits)
    assert "longer than 10 min" in OrderFailed("time-limit").sentence("en", limits)
    assert "up to 20 MB" in OrderFailed("too-large-file").sentence("en", limits)
    assert "50 MB" in OrderFailed("too-large-result").sentence("en", limits)

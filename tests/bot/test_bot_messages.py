"""Every way to fail has a sentence."""

from impasto.bot import messages, texts
from impasto.bot.messages import OrderFailed
from impasto.service import Limits, refusals
from impasto.service.refusals import JobFailedError, NotAPictureError, RefusedError


def test_every_refusal_and_failure_has_a_sentence():
    kinds = [kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, RefusedError)]
    assert len(kinds) == 16
    for kind in kinds:
        error = kind("content: x", "internal") if kind is refusals.JobFailedError else kind("content: x")
        for language in texts.LANGUAGES:
            assert messages.failure_of(error).sentence(language, Limits())
    for code, key in [
        ("OutOfMemoryError", "no-memory"), ("time-limit", "time-limit"), ("worker-died", "failed"),
        ("internal", "failed"), ("stopping", "stopping"), ("unavailable", "unavailable"), ("of-tomorrow", "failed"),
    ]:  # fmt: skip
        assert messages.failure_of(JobFailedError("x", code)).key == key


def test_whose_fault_it_is():
    assert messages.failure_of(NotAPictureError("content: x")).key == "broken-photo"
    assert messages.failure_of(NotAPictureError("style 1: x")).key == "broken-style"
    assert messages.failure_of(JobFailedError("content: it is cut short", "PictureError")).key == "broken-photo"
    assert messages.failure_of(JobFailedError("swirls: it is cut short", "PictureError")).key == "broken-style"


def test_limits_are_said():
    limits = Limits(upload_mb=7, megapixels=3, job_seconds=600)
    assert "(7 MB or 3 megapixels)" in OrderFailed("too-large").sentence("en", limits)
    assert "longer than 10 min" in OrderFailed("time-limit").sentence("en", limits)
    assert "up to 20 MB" in OrderFailed("too-large-file").sentence("en", limits)
    assert "50 MB" in OrderFailed("too-large-result").sentence("en", limits)

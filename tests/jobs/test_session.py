"""What is kept from one job to the next."""

from picture_files import encoded

from impasto.image import Picture
from impasto.jobs.job import BytesSource, Mask
from impasto.jobs.pipeline import paint
from impasto.jobs.session import Cache, Session
from impasto.methods import StylizeOptions


def test_a_style_is_encoded_once_for_options_that_see_it_alike(store, session, method):
    style = store.source("s")
    for options in (StylizeOptions(), StylizeOptions(strength=0.5), StylizeOptions(style_scale=2)):
        found = session.style(style, options)
        assert (found.name, found.picture) == ("s", None)
    assert method.encoded == ["s", "s"]
    assert (session.styles.hits, session.styles.misses) == (1, 2)
    # What needs the painting itself gets it, too.
    assert session.style(style, StylizeOptions(refine=1)).picture is not None
    assert isinstance(session.style(style, StylizeOptions(colour="match")), Picture)
    assert isinstance(Session(lambda _: method, encode_styles=False).style(style, StylizeOptions()), Picture)


def test_of_bytes_only_what_was_encoded_is_kept(session, method):
    source = BytesSource(encoded(), "style 1")
    for _ in range(2):
        session.style(source, StylizeOptions(refine=1))
        session.style(source, StylizeOptions())
        assert session.mask(Mask("m", source, inverted=True)) is not session.mask(Mask("m", source, inverted=True))
    assert (len(method.encoded), len(session.styles)) == (3, 1)


def test_what_there_is_to_say_about_a_picture_is_said(store, method):
    said = []
    paint(store.jobs(store.source("odd"))[0], Session(lambda _: method, note=said.append))
    assert said == ["odd: odd"]


def test_cache_lets_go_of_what_is_old_and_of_what_is_too_large(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("impasto.jobs.session.time.monotonic", lambda: now[0])
    cache = Cache(9)
    for key in "abc":
        cache.get(key, lambda key=key: key)
        now[0] += 10
    cache.get("a", lambda: "anew")
    cache.forget(15)
    assert (len(cache), cache.get("a", lambda: "anew")) == (2, "a")
    assert cache.get("large", lambda: "x" * 99, keep=lambda value: len(value) < 9) == "x" * 99
    assert len(cache) == 2


def test_cache_keeps_the_most_recently_used():
    cache = Cache(2)
    made = []
    for key in "abacab":
        cache.get(key, lambda key=key: made.append(key))
    assert ("".join(made), cache.hits, cache.misses, len(cache)) == ("abcb", 2, 4, 2)

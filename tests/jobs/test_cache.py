"""Values are kept within bounds."""

from impasto.jobs.session import Cache


def test_cache_lets_go_of_what_is_old_and_of_what_is_too_large(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("impasto.jobs.cache.time.monotonic", lambda: now[0])
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

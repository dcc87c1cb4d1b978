from impasto.serving import seldom
from impasto.serving.seldom import SECONDS, Seldom


def test_about_one_thing_there_is_a_line_a_minute(monkeypatch):
    monkeypatch.setattr(seldom, "MOST", 2)
    now = 0.0
    lines = Seldom(lambda: now)
    assert [lines.is_due(what) for what in "aab"] == [True, False, True]
    now = SECONDS
    assert [lines.is_due(what) for what in "aba"] == [True, True, False]
    lines.is_due("c")
    assert lines.is_due("a"), "what is remembered is bounded"

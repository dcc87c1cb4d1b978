"""Pages and sheets: text is no HTML, a picture that is not there is grey, hidden is hidden, and rings are whole."""

import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image
from standalone import Page

from impasto.report.page import render
from impasto.report.sheets import grid, marked
from impasto.report.variants import PairRow, page, sheet


def picture(colour, size=(40, 30)):
    return Image.new("RGB", size, colour)


def pair(**painted):
    return PairRow(
        names=("<b>photo", "painting"), content=picture("red"), style=picture("blue"), painted=painted,
        numbers=[{"variant": name, "loss": "1 < 2"} for name in painted],
    )  # fmt: skip


def test_text_is_no_html_and_nothing_is_left_out():
    read = Page(page("A & <b>", ["<i>note"], [{"method": "x", "seconds": "3"}], [pair(one=picture("green")), pair()]))
    assert "<b>" not in read.text
    assert "<i>note" not in read.text
    for words in ("A &amp; &lt;b&gt;", "&lt;i&gt;note", "&lt;b&gt;photo in painting", "1 &lt; 2", "No method painted"):
        assert words in read.text, words
    assert len(read.images) == 3
    with pytest.raises(UndefinedError):
        render("variants.html", title="without what it needs")


def test_what_is_missing_is_grey_and_as_large_as_its_cell():
    drawn = np.asarray(sheet([pair(one=picture("green")), pair()], ["one"], titles=False))
    whole = drawn[-38:-8, -48:-8].reshape(-1, 3)
    assert np.unique(whole, axis=0).tolist() == [[217, 217, 217]]
    # Between pictures there is paper, and a row of nothing but gaps has a height all the same.
    assert grid([[picture("red"), None], [None, None]]).size == (8 * 3 + 40 + 1, 8 * 3 + 30 + 1)


@pytest.mark.parametrize("place", [(0.5, 0.5), (119.5, 30), (60, 89.5), (60, 45)])
def test_a_ring_is_whole_and_goes_around_its_place(place):
    black = picture("black", (120, 90))
    ring, whole = (np.asarray(marked(black, at, ring=True)).any(axis=2) for at in (place, (60, 45)))
    assert ring.sum() == pytest.approx(whole.sum(), rel=0.15)
    rows, columns = np.nonzero(ring)
    assert columns.min() <= place[0] <= columns.max() + 1
    assert rows.min() <= place[1] <= rows.max() + 1

"""Marks of places on pictures."""

import numpy as np
import pytest
from PIL import Image

from impasto.report.sheets import marked


@pytest.mark.parametrize("place", [(0.5, 0.5), (119.5, 30), (60, 89.5), (60, 45)])
def test_a_ring_is_whole_and_goes_around_its_place(place):
    black = Image.new("RGB", (120, 90))
    ring, whole = (np.asarray(marked(black, at, ring=True)).any(axis=2) for at in (place, (60, 45)))
    assert ring.sum() == pytest.approx(whole.sum(), rel=0.15)
    rows, columns = np.nonzero(ring)
    assert columns.min() <= place[0] <= columns.max() + 1
    assert rows.min() <= place[1] <= rows.max() + 1

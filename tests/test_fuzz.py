"""Damaged inputs end in errors for people: a little of what `make fuzz` does for longer."""

import pytest
from fuzz import TARGETS, apply, fuzz


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of libraries, about what is damaged
@pytest.mark.parametrize("name", TARGETS)
def test_damage_is_told(name):
    read, crash, said = fuzz(TARGETS[name], 1, examples=40)
    assert read
    assert crash is None, said


def test_what_is_damaged_differs_from_what_was():
    data = bytes(range(32))
    edits = {kind: apply(data, [(kind, 0.5, b"\x07")]) for kind in ("over", "insert", "delete", "cut", "double", "bit")}
    assert len({data, *edits.values()}) == 7

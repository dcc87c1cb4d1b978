"""Programs are made while other work is done, where it is known that they will be needed."""

import threading
from typing import Any

import numpy as np
import pytest

from impasto.engine.backend import one
from impasto.engine.openvino import OpenVINO
from impasto.engine.painter import Painter
from impasto.engine.raster import Held
from impasto.engine.styles import load_style
from impasto.gallery import styles_file
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.adain.stylizer import AdaIN

STYLE = load_style(styles_file(), "starry-night")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """(which program, whether that was beside the main thread) of those that are made."""
    programs: list[tuple[str, bool]] = []
    make = OpenVINO._compiled

    def made(self: OpenVINO, kind: str, shapes: Any) -> Any:
        programs.append((kind, threading.current_thread() is not threading.main_thread()))
        return make(self, kind, shapes)

    monkeypatch.setattr(OpenVINO, "_compiled", made)
    return programs


def photo(height: int, width: int) -> Any:
    return np.random.default_rng(height).random((1, 3, height, width), dtype=np.float32)


@pytest.mark.parametrize("size", [(40, 56), (200, 230)])
def test_all_that_paints_a_picture_at_once_is_made_while_it_is_prepared(made, size: tuple[int, int]) -> None:
    Painter(backend=OpenVINO(), style=STYLE, detail=0.85)(photo(*size))
    assert sorted(made) == [("draw", True), ("exchange and paint", True)]


@pytest.mark.parametrize("way", [{"style": STYLE, "strength": 0.5}, {"regions": [(STYLE, Held(photo(40, 56)[:, :1]))]}])
def test_strokes_are_made_ready_for_every_way_to_paint(made, way: dict[str, Any]) -> None:
    Painter(backend=OpenVINO(), detail=0.85, **way)(photo(40, 56))
    assert [program for program in made if program[0] == "draw"] == [("draw", True)]


def test_a_picture_is_encoded_once_for_the_statistics_of_all_regions(made) -> None:
    """And once more by the program that paints it."""
    mask = photo(40, 56)[:, :1]
    regions = [(STYLE, Held(mask)), (STYLE, Held(1 - mask))]
    encoded: list[tuple[int, ...]] = []

    class Counting(OpenVINO):
        def encode(self, picture: Any, shares: Any = None) -> Any:
            encoded.append(shares.shape)
            return super().encode(picture, shares)

    Painter(backend=Counting(), regions=regions)(photo(40, 56))
    assert encoded == [(3, 1, 40, 56)]
    assert sorted(kind for kind, _ in made) == ["paint", "shared moments"]


def test_nothing_is_expected_that_is_not_drawn(made) -> None:
    Painter(backend=OpenVINO(), style=STYLE)(photo(40, 56))
    assert made == [("exchange and paint", True)]


def test_a_style_is_looked_at_by_two_programs_that_are_made_beside_each_other(made) -> None:
    AdaIN().encode(photo(40, 56), AdaINOptions())
    assert sorted(made) == [("change", True), ("moments", False)]


def test_a_program_that_could_not_be_made_is_made_when_it_is_needed_again(monkeypatch) -> None:
    backend = OpenVINO()
    strokes = photo(20, 24), photo(20, 24), one(1.0), one(0.5), one(1.0)

    def fail(*_: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(OpenVINO, "_compiled", fail)
        backend.expect("draw", *strokes)
        with pytest.raises(MemoryError):
            backend.draw(*strokes)
    np.testing.assert_array_equal(backend.draw(*strokes), OpenVINO().draw(*strokes))

import pytest

from impasto.engine.raster import Window
from impasto.engine.tiles import tiles


@pytest.mark.parametrize(("height", "width"), [(9, 4000), (301, 403), (3000, 4000), (2999, 4007), (240, 241)])
@pytest.mark.parametrize(("halo", "side"), [(32, 80), (104, 240), (96, 1216)])
def test_every_pixel_is_in_one_core_with_its_halo(height, width, halo, side):
    cut = tiles(height, width, halo, side)
    assert sum(core.size[0] * core.size[1] for core, _ in cut) == height * width
    assert [(core.top, core.left) for core, _ in cut] == sorted({(core.top, core.left) for core, _ in cut})
    picture = Window(0, 0, height, width)
    for core, place in cut:
        assert (core.top % 8, core.left % 8, place.top % 8, place.left % 8) == (0, 0, 0, 0)
        wanted = core.grown(halo, height, width)
        assert (place.top <= wanted.top, place.left <= wanted.left) == (True, True)
        assert (place.bottom >= wanted.bottom, place.right >= wanted.right) == (True, True)
        assert place.grown(0, height, width) == place
        assert len(cut) == 1 or max(place.size) < side + 8
    assert len(cut) > 1 or cut == [(picture, picture)]
    # A program is made for each shape.
    assert len({place.size for _, place in cut}) <= (1 if height % 8 == width % 8 == 0 else 4)

import numpy as np
import pytest
import torch

from impasto import tensors
from impasto.engine import raster
from impasto.engine.raster import Held, Resized, Window, tiles


def noise(height, width, channels=3, kind=np.float32):
    values = np.random.default_rng(height * width).random((1, channels, height, width), dtype=np.float32)
    return values if kind == np.float32 else (values * (256 ** np.dtype(kind).itemsize - 1)).astype(kind)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_levels_become_fractions(kind):
    pixels = noise(5, 7, kind=kind)
    pixels[0, 0, 0, :2] = 0, np.iinfo(kind).max
    window = Held(pixels).window(Window(0, 0, 5, 7))
    assert (window.dtype, window.min(), window.max()) == (np.float32, 0, 1)


@pytest.mark.parametrize("size", [(20, 31), (100, 90), (53, 47), (200, 11), (1, 1)])
def test_resized_as_pytorch_does_it(size):
    pixels = noise(53, 47)
    wanted = tensors.resize(torch.from_numpy(pixels), *size).numpy()
    np.testing.assert_allclose(raster.resized(pixels, *size), wanted, atol=1e-5)


@pytest.mark.parametrize("size", [(40, 33), (301, 190)])
def test_a_window_of_a_resized_picture_is_that_part_of_it(size):
    pixels = noise(150, 120)
    place = Window(size[0] // 3, size[1] // 4, size[0] - 3, size[1] - 1)
    part = raster.resized(pixels, *size)[..., place.top : place.bottom, place.left : place.right]
    np.testing.assert_allclose(Resized(Held(pixels), size).window(place), part, atol=1e-6)


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

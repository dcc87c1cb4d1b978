import numpy as np
import pytest
import torch

from impasto import tensors
from impasto.engine import raster
from impasto.engine.raster import Held, Resized, Window
from impasto.engine.smoothing import smooth
from impasto.methods.adain import preparation


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


@pytest.mark.parametrize("radius", [0.3, 1, 1.5, 3.7, 9.2])
def test_smoothed_as_in_training(radius):
    pixels = noise(350, 60)
    found = smooth(Held(pixels), radius).window(Window(0, 0, 350, 60))
    wanted = preparation.smoothed(torch.from_numpy(pixels), radius).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_smoothed_at_a_smaller_size_is_nearly_the_same():
    small = raster.resized(noise(20, 15), 200, 150)
    large = raster.resized(small, 400, 300) + 0.02 * (noise(400, 300) - 0.5)
    direct = smooth(Held(large), 5.0).window(Window(0, 0, 400, 300))
    found = smooth(Held(raster.resized(large, 200, 150)), 2.5).enlarged(Held(large)).window(Window(0, 0, 400, 300))
    assert np.abs(found - direct).mean() < 0.2 * np.abs(large - direct).mean()

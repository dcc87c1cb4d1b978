import numpy as np
import pytest

from impasto.engine.statistics import EPSILON, Moments, blend, exchange, merged


def moments(x, shares):
    """Naively, of (N, C, P) and (N, P)."""
    total = shares.sum(1, keepdims=True)
    mean = (x * shares[:, None]).sum(2) / total
    return Moments(total, mean, ((x - mean[..., None]) ** 2 * shares[:, None]).sum(2) / total)


def test_parts_add_up_to_the_whole():
    rng = np.random.default_rng(0)
    x, shares = 1000 + rng.random((2, 3, 90)), rng.random((2, 90))
    whole = moments(x, shares)
    parts = [{"relu1_1": moments(x[..., a:b], shares[:, a:b])} for a, b in ((0, 7), (7, 60), (60, 90))]
    found = merged(parts)["relu1_1"]
    for kind in ("total", "mean", "variance"):
        np.testing.assert_allclose(getattr(found, kind), getattr(whole, kind), rtol=1e-12)


def test_parts_of_which_nothing_counts_change_nothing():
    nothing = Moments(np.zeros((1, 1)), np.full((1, 2), 5.0), np.full((1, 2), 7.0))
    known = Moments(np.ones((1, 1)), np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    for found in (nothing + known, known + nothing):
        assert found.total == 1
        np.testing.assert_array_equal(found.mean, known.mean)
        np.testing.assert_array_equal(found.variance, known.variance)
    assert not (nothing + nothing).total


def test_exchange_is_adain_and_bounded():
    own = Moments(np.ones((1, 1)), np.array([[2.0, 3.0]]), np.array([[4.0, 1e-12]])).statistics
    style = np.array([1.0, 1.0], np.float32).reshape(1, 2, 1, 1), np.array([6.0, 6.0], np.float32).reshape(1, 2, 1, 1)
    scale, shift = exchange(style, own)
    x = np.array([4.0, 3.0]).reshape(1, 2, 1, 1)
    wanted = [6 * (4 - 2) / np.sqrt(4 + EPSILON) + 1, 1]
    np.testing.assert_allclose((x * scale + shift).ravel(), wanted, rtol=1e-3)
    np.testing.assert_allclose(exchange(style, own, gain=4)[0].ravel(), [6 / np.sqrt(4 + EPSILON), 4], rtol=1e-6)


@pytest.mark.parametrize(("shares", "wanted"), [((0.25, 0.75), (2.5, 5.0)), ((2.0, -1.0), (-1.0, 0.0))])
def test_blend(shares, wanted):
    codes = [
        {"relu1_1": (np.full((1, 1, 1, 1), m, np.float32), np.full((1, 1, 1, 1), s, np.float32))}
        for m, s in ((1, 2), (3, 6))
    ]
    mean, std = blend(codes, shares)["relu1_1"]
    assert (mean.item(), std.item()) == wanted

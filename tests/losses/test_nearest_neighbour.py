"""The nearest-neighbour loss is its formula, and asks for every place to be like some place."""

import pytest
import torch
from random_tensors import normal
from torch import Tensor

from impasto.losses.nearest_neighbour import nearest_neighbour_loss


def places(picture: Tensor) -> Tensor:
    """The centred features of every position, at length 1: (positions, C)."""
    rows = picture.flatten(1)
    centred = (rows - rows.mean(1, keepdim=True)).T
    return centred / (centred**2).sum(1, keepdim=True).sqrt()


def expected(X: Tensor, Y: Tensor, stride: int = 1) -> float:
    """1 - the best cosine, as a mean over positions and pictures."""
    best = [(places(one) @ places(other)[::stride].T).amax(1) for one, other in zip(X, Y, strict=True)]
    return 1 - float(torch.cat(best).mean())


def test_is_the_mean_distance_to_the_closest_place() -> None:
    X, Y = normal(2, 3, 4, 5), 1 + normal(2, 3, 6, 2, seed=1)
    assert float(nearest_neighbour_loss(X, Y)) == pytest.approx(expected(X, Y), rel=1e-10)


def test_of_a_large_target_only_so_many_places_are_looked_at_evenly_spread() -> None:
    X, Y = normal(1, 3, 4, 4), normal(1, 3, 5, 5, seed=1)
    assert float(nearest_neighbour_loss(X, Y, keys=9)) == pytest.approx(expected(X, Y, stride=3), rel=1e-10)
    assert float(nearest_neighbour_loss(X, Y, keys=25)) == pytest.approx(expected(X, Y), rel=1e-10)


def test_gradient() -> None:
    X, Y = normal(1, 4, 2, 3).requires_grad_(), normal(1, 4, 3, 3, seed=1)
    assert torch.autograd.gradcheck(nearest_neighbour_loss, (X, Y))


def test_a_shifted_copy_is_found() -> None:
    Y = normal(1, 5, 6, 7)
    assert float(nearest_neighbour_loss(Y.roll((2, 3), (2, 3)), Y)) < 1e-12
    assert float(nearest_neighbour_loss(Y.flip(1), Y)) > 0.05


def test_a_plain_picture_gives_a_number() -> None:
    assert torch.isfinite(nearest_neighbour_loss(torch.ones(1, 3, 4, 4), normal(1, 3, 4, 4)))


def test_a_query_decides_which_place_is_closest() -> None:
    X, Y, query = normal(1, 3, 4, 5), normal(1, 3, 6, 2, seed=1), normal(1, 3, 4, 5, seed=2)
    chosen = places(Y[0])[(places(query[0]) @ places(Y[0]).T).argmax(1)]
    cosines = (places(X[0]) * chosen).sum(1)
    found = nearest_neighbour_loss(X, Y, query=query)
    assert float(found) == pytest.approx(1 - float(cosines.mean()), rel=1e-10)
    assert float(found) > float(nearest_neighbour_loss(X, Y))

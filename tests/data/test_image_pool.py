"""The pool shows earlier pictures as published, and is saved with everything in it."""

import pytest
import torch
from torch import Tensor

from impasto.data.image_pool import ImagePool


def numbered(*numbers: int) -> Tensor:
    """Pictures that are recognised by their value."""
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)


def numbers(pictures: Tensor) -> list[int]:
    assert pictures.shape[1:] == (3, 4, 4)
    return [int(picture.unique()) for picture in pictures]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_without_capacity_every_picture_comes_back() -> None:
    pool = ImagePool(0, 4)
    picture = numbered(1, 2).requires_grad_()
    assert torch.equal(pool(picture), picture)
    assert not pool(picture).requires_grad


def test_fills_first() -> None:
    pool = ImagePool(5, 4)
    assert numbers(pool(numbered(1, 2, 3))) == [1, 2, 3]
    assert numbers(pool(numbered(4, 5))) == [4, 5]
    assert numbers(pool.pictures) == [1, 2, 3, 4, 5]


def test_then_half_of_the_pictures_are_earlier_ones_and_take_their_place() -> None:
    pool = ImagePool(10, 4)
    shown = [number for step in range(1000) for number in numbers(pool(numbered(2 * step, 2 * step + 1)))]
    later = list(enumerate(shown))[10:]
    earlier = [(now, number) for now, number in later if number != now]
    assert 0.45 < len(earlier) / len(later) < 0.55
    assert all(number < now for now, number in earlier)
    # What was exchanged is gone, so that no picture is shown as an earlier one twice.
    assert len({number for _, number in earlier}) == len(earlier)
    # A place is drawn every second time among ten: pictures stay for 20 on average.
    assert 15 < sum(now - number for now, number in earlier) / len(earlier) < 25


def test_the_state_is_everything() -> None:
    pool, other = ImagePool(3, 4), ImagePool(3, 4)
    pool(numbered(1, 2, 3, 4, 5))
    pool(numbered(6, 7))
    other.load_state_dict(pool.state_dict())
    random = torch.get_rng_state()
    expected = [numbers(pool(numbered(step))) for step in range(8, 40)]
    torch.set_rng_state(random)
    assert [numbers(other(numbered(step))) for step in range(8, 40)] == expected
    assert torch.equal(pool.pictures, other.pictures)


def test_what_was_shown_does_not_change_later() -> None:
    pool = ImagePool(1, 4)
    shown = [pool(numbered(step)) for step in range(20)]
    before = [numbers(picture) for picture in shown]
    pool(numbered(99))
    pool(numbered(98))
    assert [numbers(picture) for picture in shown] == before

"""Crops of pictures that are held in memory."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.data.memory import PicturesInMemory
from impasto.errors import DataError

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def place_picture(path: Path, height: int, width: int, number: int) -> Path:
    """Whose pixels say where they are, and whose they are."""
    rows, columns = np.indices((height, width), dtype=np.uint8)
    Image.fromarray(np.stack([rows, columns, np.full_like(rows, number)], 2)).save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [
        place_picture(tmp_path / f"{number}.png", height, width, number)
        for number, (height, width) in enumerate([(24, 24), (24, 40), (50, 24)])
    ]


def owners(crops: Tensor) -> list[int]:
    return [int(crop[2, 0, 0]) for crop in crops]


def test_crops_are_the_pictures_own_pixels_mirrored_half_of_the_time(pictures: list[Path]) -> None:
    crops = PicturesInMemory(pictures, [24], CPU).crops(400, 16, seeded(0))
    assert (crops.shape, crops.dtype) == ((400, 3, 16, 16), torch.uint8)
    assert crops.is_contiguous(memory_format=torch.channels_last)
    steps, mirrored, tops, lefts = torch.arange(16), 0, set(), set()
    for rows, columns, owner in crops.int():
        number = int(owner[0, 0])
        assert bool((owner == number).all())
        top, left = int(rows[0, 0]), int(columns.min())
        assert torch.equal(rows, (top + steps)[:, None].expand(16, 16))
        forth = (left + steps).expand(16, 16)
        assert torch.equal(columns, forth) or torch.equal(columns, forth.flip(1))
        mirrored += int(columns[0, 0] > columns[0, 1])
        height, width = [(24, 24), (24, 40), (50, 24)][number]
        assert top <= height - 16
        assert left <= width - 16
        tops.add((number, top))
        lefts.add((number, left))
    assert 160 < mirrored < 240
    # Corners, too: the last place is as likely as any other.
    assert {(0, 0), (0, 8)} <= tops
    assert {(1, 0), (1, 24)} <= lefts


def test_crops_are_those_of_the_seed(pictures: list[Path]) -> None:
    memory = PicturesInMemory(pictures, [24, 30], CPU)
    one, same, other = (memory.crops(5, 16, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_picture_listed_twice_is_drawn_twice_as_often(pictures: list[Path]) -> None:
    drawn = owners(PicturesInMemory([*pictures, pictures[1]], [24], CPU).crops(4000, 8, seeded(0)))
    shares = [drawn.count(number) / 4000 for number in range(3)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_pictures_are_held_at_sizes_that_enlarge_them_little(tmp_path: Path) -> None:
    # 24 pixels are enlarged to 30, and not to 48 or more.
    small, large = (place_picture(tmp_path / f"{n}.png", side, side, n) for n, side in enumerate((24, 100)))
    memory = PicturesInMemory([small, large], [48, 20, 30], CPU)
    assert [tuple(place[1:].tolist()) for place in memory.places] == [(20, 20), (30, 30), (20, 20), (30, 30), (48, 48)]
    assert set(owners(memory.crops(200, 24, seeded(0)))) == {0, 1}
    assert set(owners(memory.crops(200, 40, seeded(0)))) == {1}
    # One that is too small for all sizes is enlarged to the smallest.
    assert PicturesInMemory([small], [48, 64], CPU).places[0, 1:].tolist() == [48, 48]


def test_what_cannot_be_drawn_is_said(pictures: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pictures to draw from"):
        PicturesInMemory([], [24], CPU)
    memory = PicturesInMemory(pictures, [20, 24, 70], CPU)
    with pytest.raises(DataError, match="no picture is large enough for crops of 60 pixels: there must be some whose"
                                        " shorter side has 50 or more"):  # fmt: skip
        memory.crops(2, 60, seeded(0))
    with pytest.raises(DataError, match=r"crops of 80 pixels$"):
        memory.crops(2, 80, seeded(0))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.png"):
        PicturesInMemory([*pictures, tmp_path / "bad.png"], [24], CPU)

"""Pictures held in memory, from which random crops are cut on the device that trains.

Decoding is done once. A training on a GPU takes thousands of crops a second, more than any number of cores decodes.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from impasto.data.folders import PictureFile, decoded
from impasto.errors import DataError

# A picture is enlarged by no more than this for a crop that is larger than it.
ENLARGED = 1.4


class PicturesInMemory:
    """Every picture at each of several sizes, as bytes on a device.

    sides: lengths of the shorter side that crops are cut at. A picture is held at those up to `ENLARGED` times its own;
    one that is too small for all of them, at the smallest.
    """

    def __init__(self, pictures: Sequence[PictureFile], sides: Sequence[int], device: torch.device) -> None:
        if not pictures:
            raise DataError("there are no pictures to draw from")
        self.device, self.sides = device, sorted(sides)
        different = list(dict.fromkeys(pictures))
        with ThreadPoolExecutor() as threads:
            sizes = list(threads.map(lambda path: _at_sides(path, self.sides), different))
        arrays = [array for group in sizes for array in group]
        self.pixels = torch.from_numpy(np.concatenate([array.reshape(-1) for array in arrays])).to(device)
        starts = np.cumsum([0, *(array.size for array in arrays)])
        table = np.array([(start, *array.shape[:2]) for start, array in zip(starts, arrays, strict=False)])
        self.places = torch.from_numpy(table).to(device)
        first = dict(zip(different, np.cumsum([0, *map(len, sizes)]), strict=False))
        count = dict(zip(different, map(len, sizes), strict=True))
        # A picture listed several times is drawn as often.
        self._listed = [(int(first[path]), count[path]) for path in pictures]
        self._shorter = [min(array.shape[:2]) for array in arrays]
        self._large_enough: dict[int, Tensor] = {}

    def crops(self, count: int, side: int, generator: torch.Generator) -> Tensor:
        """(count, 3, side, side) uint8, channels_last. The pictures, their sizes, places and reflections are random.

        Raises DataError if no picture is large enough.
        """
        drawn = self.drawn(side)
        draw = torch.rand(5, count, device=self.device, generator=generator, dtype=torch.float64)
        first, sizes = drawn[(draw[0] * len(drawn)).long()].unbind(1)
        start, height, width = self.places[first + (draw[1] * sizes).long()].unbind(1)
        top = (draw[2] * (height - side + 1)).long()
        left = (draw[3] * (width - side + 1)).long()
        steps = torch.arange(side, device=self.device)
        columns = torch.where((draw[4] < 0.5)[:, None], steps, steps.flip(0)) + left[:, None]
        rows = (steps + top[:, None]) * width[:, None] + start[:, None] // 3
        index = rows[:, :, None] + columns[:, None, :]
        return self.pixels.view(-1, 3)[index].permute(0, 3, 1, 2)

    def drawn(self, side: int) -> Tensor:
        """(pictures, 2): where those that hold a crop of this side begin in the table, and at how many sizes they do.

        Raises DataError if there are none.
        """
        if side not in self._large_enough:
            ranges = []
            for first, count in self._listed:
                fitting = [place for place in range(first, first + count) if self._shorter[place] >= side]
                if fitting:
                    ranges.append((fitting[0], len(fitting)))
            if not ranges:
                raise DataError(f"no picture is large enough for crops of {side} pixels{self._advice(side)}")
            self._large_enough[side] = torch.tensor(ranges, device=self.device)
        return self._large_enough[side]

    def _advice(self, side: int) -> str:
        enough = [math.ceil(round(held / ENLARGED, 6)) for held in self.sides if held >= side]
        return f": there must be some whose shorter side has {enough[0]} or more" if enough else ""


def _at_sides(path: PictureFile, sides: Sequence[int]) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    from PIL import Image

    picture = decoded(path)
    shorter = min(picture.size)
    chosen = [side for side in sides if side <= ENLARGED * shorter] or sides[:1]
    arrays = []
    for side in chosen:
        size = [max(side, round(length * side / shorter)) for length in picture.size]
        arrays.append(np.asarray(picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)))
    return arrays

"""A set of pictures, known by what is in its files and not by where they lie."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto import image, tensors
from impasto.data.folders import list_pictures
from impasto.errors import DataError
from impasto.record import opened
from impasto.weights import sha256_of

BATCH = 16


@dataclass(frozen=True)
class PictureSet:
    """paths: in their order, which pairs by order go by."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of every file."""
        return tuple(sha256_of(path) for path in self.paths)

    @cached_property
    def about(self) -> dict[str, Any]:
        """What a protocol says of the set. sha256: of all names and contents, in the order of the names."""
        lines = sorted(f"{path.name}\0{digest}\n" for path, digest in zip(self.paths, self.hashes, strict=True))
        sizes: Counter[str] = Counter()
        formats: Counter[str] = Counter()
        for path in self.paths:
            with opened(path) as file:
                sizes[f"{file.width} x {file.height}"] += 1
                formats[str(file.format)] += 1
        return {
            "count": len(self),
            "sha256": hashlib.sha256(os.fsencode("".join(lines))).hexdigest(),
            "sizes": dict(sizes.most_common(5)) | ({"others": len(self)} if len(sizes) > 5 else {}),
            "formats": dict(formats),
        }

    def halves(self) -> tuple["PictureSet", "PictureSet"]:
        """Every second picture, and the others."""
        return PictureSet(self.paths[::2]), PictureSet(self.paths[1::2])

    def batches(self, prepare: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
        """All pictures in their order, brought to one size by `prepare`: (up to BATCH, 3, h, w)."""
        for start in range(0, len(self), BATCH):
            yield torch.cat([prepare(pixels(path)) for path in self.paths[start : start + BATCH]])


def picture_set(where: Sequence[Path]) -> PictureSet:
    """The pictures that files and folders hold. Raises DataError for one that holds none."""
    if not where:
        raise DataError("there are no pictures to evaluate")
    return PictureSet(tuple(list_pictures(where)))


def pixels(path: Path) -> Tensor:
    """(1, 3, H, W) in [0, 1], on white where it is transparent. Raises PictureError."""
    return tensors.to_tensor(image.on_white(image.read(path)))


def resized_like(picture: Tensor, other: Tensor) -> Tensor | None:
    """The picture at the other's size; None if their proportions differ by more than rounding a size explains."""
    height, width = picture.shape[-2:]
    rows, columns = other.shape[-2:]
    wanted = width * rows / height, height * columns / width
    if abs(wanted[0] - columns) > 1 and abs(wanted[1] - rows) > 1:
        return None
    return tensors.resize(picture, rows, columns)


def of_area(picture: Tensor, area: int) -> Tensor:
    """The picture with its own proportions and about so many pixels."""
    height, width = picture.shape[-2:]
    factor = (area / (height * width)) ** 0.5
    return tensors.resize(picture, max(1, round(height * factor)), max(1, round(width * factor)))

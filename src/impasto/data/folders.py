"""Pictures from folders and tar shards, drawn endlessly in an order that depends only on a seed and a position.

A sample is a pure function of (seed, index): a run that stops after sample n continues with sample n + 1 without any
stored sampler state, in any number of worker processes, and split over any number of machines.
"""

import itertools
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, overload

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from impasto.data.shards import PackedPicture, is_shard, pictures_in
from impasto.decoding import read_shown
from impasto.device import threads
from impasto.errors import DataError, PictureError
from impasto.gallery import SUFFIXES, is_hidden, is_picture
from impasto.record import Named, explained

PictureFile = Path | PackedPicture
Folders = Sequence[str | os.PathLike[str] | PackedPicture]
AnyPicture = TypeVar("AnyPicture", bound=PictureFile)


@overload
def list_pictures(folders: Folders) -> list[Path]: ...


@overload
def list_pictures(folders: Folders, *, shards: Literal[True]) -> list[PictureFile]: ...


def list_pictures(folders: Folders, *, shards: bool = False) -> list[Path] | list[PictureFile]:
    """All pictures below the folders, each folder's in the order of their names; a folder given twice counts twice.

    folders: a picture may be given in the place of one.
    shards: also those inside tar files, which may lie in a folder or be given in the place of one. Without it, tars
        are as invisible as any other file.
    Raises DataError for a folder that is missing or holds no picture, and for a shard that cannot be used.
    """
    pictures: list[PictureFile] = []
    for given in folders:
        if isinstance(given, PackedPicture):
            pictures.append(given)
            continue
        folder = Path(given)
        files: list[PictureFile]
        if folder.suffix.lower() in SUFFIXES and folder.is_file():
            files = [folder]
        elif shards and folder.is_file():
            files = [*pictures_in(folder)]
        elif folder.is_dir():
            files = _below(folder, shards=shards)
        else:
            raise DataError(f"{folder}: there is no such folder")
        if not files:
            raise DataError(f"{folder}: holds no pictures ({', '.join(SUFFIXES)})")
        pictures += files
    return pictures


def _below(folder: Path, *, shards: bool) -> list[PictureFile]:
    pictures: list[PictureFile] = []
    for path in sorted(_files_below(folder)):
        if is_picture(path):
            pictures.append(path)
        elif shards and is_shard(path) and path.is_file():
            pictures += pictures_in(path)
    return pictures


def _files_below(folder: Path) -> Iterator[Path]:
    """Files in the folder and in those below it, but for what is hidden."""

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: it cannot be read: {(error.strerror or str(error)).lower()}") from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not is_hidden(name)]
        yield from (Path(place, name) for name in names if not is_hidden(name))


def hold_out(pictures: Sequence[AnyPicture], count: int, seed: int) -> tuple[list[AnyPicture], list[AnyPicture]]:
    """(for training, held out): `count` pictures set aside, the same ones for the same list and seed.

    A picture that is listed several times, because its folder is to count more, is held out altogether.
    """
    different = list(dict.fromkeys(pictures))
    if len(different) < 2 * count:
        raise DataError(f"{len(different)} pictures are too few to hold {count} of them out")
    order = np.random.default_rng(seed).permutation(len(different))
    chosen = {different[index] for index in order[:count]}
    return [path for path in pictures if path not in chosen], [path for path in different if path in chosen]


@dataclass(frozen=True, kw_only=True)
class Crops:
    """Random square crops.

    side: pixels of the crop that comes out.
    zoom: range, drawn log-uniformly, of output pixels per picture pixel. A picture that is too small for the drawn
        zoom is enlarged just enough, with its aspect ratio kept.
    shorter: instead of `zoom`, the range of the picture's shorter side in output pixels.
    flip: mirror half of the crops left to right.
    """

    side: int
    zoom: tuple[float, float] = (1.0, 1.0)
    shorter: tuple[int, int] | None = None
    flip: bool = True

    def cut(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        low, high = self.zoom if self.shorter is None else (s / min(picture.size) for s in self.shorter)
        zoom = float(np.exp(random.uniform(np.log(low), np.log(high))))
        window = min(self.side / zoom, *picture.size)
        left = random.uniform(0, picture.width - window)
        top = random.uniform(0, picture.height - window)
        box = (left, top, left + window, top + window)
        crop = picture.resize((self.side, self.side), Image.Resampling.BICUBIC, box=box)
        return ImageOps.mirror(crop) if self.flip and random.random() < 0.5 else crop


def is_elsewhere(picture: PictureFile) -> bool:
    """Whether reading it takes the time of a network and little of this machine's."""
    return isinstance(picture, PackedPicture) and isinstance(picture.shard, str)


def decoded(path: PictureFile, side: int | None = None) -> Image.Image:
    """As it is seen, RGB of 8 bits; a JPEG perhaps at a smaller size, of which no side is less than `side` because of
    that. Raises DataError for a picture that cannot be decoded."""
    try:
        with explained(str(path)):
            data = path.read_bytes()
        return read_shown(Named(data, str(path)), side=side)
    except PictureError as error:
        raise DataError(f"{error}; take it out of the training data") from error


class PictureStream(Dataset[Tensor]):
    """Sample i of an endless shuffled stream: every picture once before any comes again."""

    def __init__(self, pictures: Sequence[PictureFile], crops: Crops, seed: int) -> None:
        if not pictures:
            raise DataError("there are no pictures to draw from")
        self.pictures = list(pictures)
        self.crops = crops
        self.seed = seed
        self._epoch = -1
        self._order: np.ndarray[tuple[int], np.dtype[np.int64]] = np.empty(0, np.int64)

    def __getitem__(self, index: int) -> Tensor:
        """(3, side, side) uint8. Raises DataError for a picture that cannot be decoded."""
        return self._sample(self.pictures[self._position(index)], index)

    def __getitems__(self, indices: Sequence[int]) -> list[Tensor]:
        """The same of several; what is elsewhere is asked for at once."""
        pictures = [self.pictures[self._position(index)] for index in indices]
        if not any(is_elsewhere(picture) for picture in pictures):
            return list(map(self._sample, pictures, indices))
        with ThreadPoolExecutor(len(pictures)) as threads:
            return list(threads.map(self._sample, pictures, indices))

    def _sample(self, picture: PictureFile, index: int) -> Tensor:
        random = np.random.default_rng((self.seed, 1, index))
        shown = decoded(picture, self.crops.shorter[1] if self.crops.shorter else None)
        return torch.from_numpy(np.array(self.crops.cut(shown, random))).permute(2, 0, 1)

    def _position(self, index: int) -> int:
        epoch, position = divmod(index, len(self.pictures))
        if epoch != self._epoch:
            self._order = np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.pictures))
            self._epoch = epoch
        return int(self._order[position])


def batches(
    stream: PictureStream, *, size: int, start: int, rank: int = 0, world_size: int = 1, workers: int | None = None
) -> Iterator[Tensor]:
    """Batches of this process from step `start` on, without end: (size, 3, side, side) uint8.

    size: samples per process. The processes of one step share size * world_size consecutive samples. workers: processes
    that read, of which the batches do not depend; None for one for every four threads, and at most four.
    Raises DataError, when it comes to it, for a picture that cannot be decoded.
    """
    if workers is None:
        workers = min(4, max(1, threads() // 4))
    begin = (start * world_size + rank) * size
    loader = DataLoader(
        stream,
        batch_sampler=(list(range(first, first + size)) for first in itertools.count(begin, world_size * size)),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        # Its own: a loader draws a seed when it starts, and from the global one a resumed run would draw once more.
        generator=torch.Generator(),
        worker_init_fn=_end_with_parent,
    )
    try:
        yield from loader
    except DataError as error:
        # Out of a worker process comes its whole traceback as the message; the last part is the message itself.
        raise DataError(str(error).rpartition("DataError: ")[2].strip()) from error


def _end_with_parent(_: int) -> None:
    """In a worker: do not outlive a killed training. PyTorch's own watchdog only sees the process that forked it, which
    is a server, not the training, where processes come from one."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

"""Where an optimisation keeps what is as large as its picture: in memory, or in files that memory is lent to."""

import mmap
import weakref

import torch
from torch import Tensor

from impasto.engine.room import mapped


class Storage:
    """On the device where the values are. What is kept has the same bits wherever it is; sums over it, too."""

    def keep(self, values: Tensor) -> Tensor:
        """The same values there; `values` is not needed any more."""
        return values

    def release(self) -> None:
        """Nothing that is kept is looked at for a while."""


IN_MEMORY = Storage()


class FileStorage(Storage):
    """On the CPU, each in a mapped file without a name, of which what was looked at since `release` takes memory.

    Files begin at pages, so that values are aligned as in PyTorch's own memory, by which the last bits of sums go.
    """

    def __init__(self) -> None:
        self._files: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()

    def keep(self, values: Tensor) -> Tensor:
        """Raises PictureError where the disk has no room for them. values: dense, in any order of dimensions."""
        file = mapped(values.numel() * values.element_size())
        self._files.add(file)
        kept = torch.frombuffer(file, dtype=values.dtype).as_strided(values.shape, values.stride())
        kept.copy_(values)
        self.release()
        return kept

    def release(self) -> None:
        # What was written is the file's, whether it is on the disk by now or not.
        if hasattr(mmap, "MADV_DONTNEED"):
            for file in list(self._files):
                file.madvise(mmap.MADV_DONTNEED)

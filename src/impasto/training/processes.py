"""What the processes of one run tell each other."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch import Tensor, nn

from impasto.data.folders import PictureStream, batches


class Processes:
    """The processes of a run, of which the first evaluates, reports and saves; alone, nothing here costs anything.

    They talk through the CPU, so that no process waits for its GPU, and with all the patience that an evaluation takes.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.rank: int = accelerator.process_index
        self.count: int = accelerator.num_processes
        self.is_first: bool = accelerator.is_main_process
        self._group = dist.new_group(backend="gloo", timeout=timedelta(days=1)) if self.count > 1 else None

    def agree(self, said: bool) -> bool:
        """Whether any process says so. All of them wait for each other here."""
        return bool(self._sum(torch.tensor(said, dtype=torch.float64)) > 0)

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """Of each value over the processes, which all name the same ones; not finite if it is not so in one."""
        total = self._sum(torch.tensor(list(values.values()), dtype=torch.float64))
        return dict(zip(values, (total / self.count).tolist(), strict=True))

    def gather(self, mine: Mapping[str, Tensor]) -> list[Mapping[str, Tensor]]:
        """What every process has, in their order; nothing in any process but the first."""
        if self._group is None:
            return [mine]
        everyone: list[Any] | None = [None] * self.count if self.rank == 0 else None
        dist.gather_object(mine, everyone, dst=0, group=self._group)
        return everyone or []

    def wait(self) -> None:
        """Until every process is here."""
        self.agree(False)

    def close(self) -> None:
        """Nothing is said any more."""
        if self._group is not None:
            dist.destroy_process_group(self._group)
            self._group = None

    def _sum(self, values: Tensor) -> Tensor:
        if self._group is not None:
            dist.all_reduce(values, group=self._group)
        return values


def batches_of_process(
    accelerator: Accelerator, streams: Iterable[PictureStream], size: int, start: int
) -> Iterator[tuple[Tensor, ...]]:
    """A batch of every stream, (size, 3, side, side) uint8, for this process, from step `start` on."""
    rank, count = accelerator.process_index, accelerator.num_processes
    drawn = [batches(stream, size=size, start=start, rank=rank, world_size=count) for stream in streams]
    return zip(*drawn, strict=True)


def average_gradients(accelerator: Accelerator, networks: Iterable[nn.Module]) -> None:
    """Make the gradients of every process those of all their pictures together.

    By hand, because a generator works three times per step on graphs that DistributedDataParallel does not follow.
    """
    if accelerator.num_processes == 1:
        return
    gradients = [p.grad for network in networks for p in network.parameters() if p.grad is not None]
    # All at once, because it is the number of messages that takes time.
    mean: Tensor = accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean")
    for gradient, part in zip(gradients, mean.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def is_about_a_lost_process(error: RuntimeError) -> bool:
    """Whether PyTorch says so because another process of the run has ended; there is no class for it."""
    return any(sign in str(error) for sign in ("Connection closed by peer", "Connection reset by peer", "Broken pipe"))

"""A training in miniature, run in child processes that may be killed or be several.

The children are forked from a server that has imported all this and nothing else, so that they start at once.
"""

import multiprocessing
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch._dynamo  # the first optimiser imports it, which would take longer than a child's whole run
from accelerate import Accelerator
from torch import Tensor

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.data.folders import Crops, PictureStream, batches
from impasto.methods.cyclegan.network import GeneratorConfig
from impasto.methods.cyclegan.recipes import CycleGANRecipe
from impasto.training import figures, loop
from impasto.training.cycle import CycleTraining
from impasto.training.loop import Schedule
from impasto.training.optimisation import LinearDecay, NAdam

SIDE = 16

Trained = TypeVar("Trained", bound=CycleTraining)

SETTINGS = CycleGANRecipe(
    schedule=Schedule(steps=6, log_every=2, save_every=2),
    rates=LinearDecay(rate=1e-3, epochs=4, constant=2), optimizer=NAdam(), pool=3, average_decay=0.5,
    generator=GeneratorConfig(width=2, blocks=1), discriminator=PatchConfig(width=2, halvings=1),
)  # fmt: skip
"""With everything that has a state: NAdam's products, a rate that falls, pools, averages."""


class Toy(CycleTraining):
    """Also draws from every global random generator, which a method might do."""

    at_step: Callable[[int], None] = staticmethod(lambda step: None)

    def step(self, batch: tuple[Tensor, Tensor], step: int) -> dict[str, Tensor]:
        self.at_step(step)
        A, B = batch
        noise = torch.from_numpy(np.random.randint(0, 8, A.shape) + random.randrange(8))  # noqa: NPY002
        return super().step((A // 2 + noise.to(torch.uint8), B // 2 + torch.randint(0, 8, B.shape)), step)


def streams_of(pictures: Path) -> dict[str, PictureStream]:
    return {
        kind: PictureStream(sorted((pictures / kind).iterdir()), Crops(side=SIDE, shorter=(SIDE, SIDE)), ord(kind))
        for kind in ("A", "B")
    }


def make(pictures: Path, settings: CycleGANRecipe, kind: type[Trained]) -> Trained:
    """The training of small networks, as it is or with the toy's draws."""
    streams = streams_of(pictures)
    torch.manual_seed(settings.seed)
    networks = {direction: settings.networks() for direction in ("A2B", "B2A")}
    return kind(networks, Accelerator(cpu=True), streams, streams, settings)


def fit(
    folder: Path, pictures: Path, settings: CycleGANRecipe, at_step: Callable[[int], None] = lambda step: None
) -> None:
    """Train, or go on training, in this process."""
    begin()
    # What a new process begins with, whoever it was forked from.
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    folder.mkdir(exist_ok=True)
    toy = make(pictures, settings, Toy)
    toy.at_step = at_step
    # Figures and the page are drawn from what lies in the folder; here they would take most of the time.
    figures.draw_figures = lambda *_: None
    figures.write_page = lambda *_, **__: None
    loop.fit(toy, settings.schedule, folder, toy.accelerator, resume=True)


# --- children --------------------------------------------------------------------------------------------------------


def context() -> ForkServerContext:
    """Of children that need not import anything."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["__main__", "toy_run"])
    before = os.environ.get("PYTHONPATH")
    # Up to Python 3.12 it is the only way to let the server find what it shall import.
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return server


def kill_at_write(number: int) -> None:
    """SIGKILL to this process before its n-th act of writing from now on: half-way through the contents of a file,
    before it is flushed to the disk, before it takes its name, or before an old one is removed."""
    acts = [number]

    def counted(act: Callable[..., Any], last: Callable[..., Any] = lambda *_: None) -> Callable[..., Any]:
        def acting(*arguments: Any, **named: Any) -> Any:
            acts[0] -= 1
            if acts[0] == 0:
                last(*arguments)
                os.kill(os.getpid(), signal.SIGKILL)
            return act(*arguments, **named)

        return acting

    def write_half(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])

    Path.write_bytes = counted(Path.write_bytes, write_half)  # type: ignore[method-assign]
    Path.replace = counted(Path.replace)  # type: ignore[method-assign]
    Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
    os.fsync = counted(os.fsync)


@contextmanager
def together(target: Callable[..., None], count: int, *arguments: Any) -> Iterator[list[Any]]:
    """Run target(*arguments) in so many processes that know each other; yields them, to be joined or killed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = [
        context().Process(target=_as_rank, args=(rank, count, port, target, arguments)) for rank in range(count)
    ]
    for child in children:
        child.start()
    try:
        yield children
    finally:
        for child in children:
            child.kill()
            child.join()


def begin() -> None:
    """What every child does first."""
    torch.set_num_threads(1)
    # Nor would it end with a process of its own that reads pictures, which takes longer to begin than to read them.
    batches.__kwdefaults__["workers"] = 0
    # A child of a server would have its own workers from one as well, which import everything anew.
    multiprocessing.set_start_method("fork", force=True)


def _as_rank(rank: int, count: int, port: int, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    begin()
    world: Mapping[str, object] = {
        "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count,
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test",
        # Or accelerate gives several processes another number of threads than one has, and so other roundings.
        "OMP_NUM_THREADS": 1,
    }  # fmt: skip
    os.environ.update({name: str(value) for name, value in world.items()})
    target(*arguments)


def changed(settings: CycleGANRecipe, **schedule: int) -> CycleGANRecipe:
    return replace(settings, schedule=replace(settings.schedule, **schedule))

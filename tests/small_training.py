"""A training that takes no time, and what may happen to it."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto.data.folders import PictureStream, batches
from impasto.training.loop import Schedule, Trainable, fit

STEPS = 7


class KilledError(Exception):
    """Stands for a kill: nothing of the loop's own runs any more."""


def kill() -> None:
    raise KilledError


def send(*signals: int) -> Callable[[], None]:
    """What sends them to this process, one after the other."""

    def sending() -> None:
        for number in signals:
            os.kill(os.getpid(), number)

    return sending


class Tiny(Trainable):
    """A linear network with Muon for its matrix and Adam for its bias, which draws from torch's generator."""

    preview_columns = ("before", "now")

    def __init__(self, *, pictures: PictureStream | None = None) -> None:
        torch.manual_seed(0)
        self.pictures = pictures
        self.network = nn.Sequential(nn.Linear(12, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        matrices = [parameter for parameter in self.network.parameters() if parameter.ndim == 2]
        vectors = [parameter for parameter in self.network.parameters() if parameter.ndim == 1]
        self.modules: Mapping[str, nn.Module] = {"network": self.network}
        self.optimizers: Mapping[str, Optimizer] = {
            "muon": torch.optim.Muon(matrices, lr=0.01),
            "adam": torch.optim.AdamW(vectors, lr=0.01),
        }
        self.done: list[int] = []
        self.at: dict[int, Callable[[], Any]] = {}  # step: what happens before it
        self.events: list[str] = []

    def batches(self, start: int) -> Iterator[Tensor]:
        if self.pictures is not None:
            yield from (batch.float().flatten(1) / 255 for batch in batches(self.pictures, size=5, start=start))
        step = start
        while True:
            yield torch.rand(5, 12, generator=torch.Generator().manual_seed(step))
            step += 1

    def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
        self.at.get(step, lambda: None)()
        noisy = F.dropout(batch + 0.1 * torch.randn(batch.shape), 0.2)
        loss = self.network(noisy).square().mean()
        loss.backward()
        for optimizer in self.optimizers.values():
            optimizer.step()
            optimizer.zero_grad()
        self.done.append(step)
        return {"loss": loss.detach()}

    def preview(self) -> Tensor:
        self.events.append("preview")
        return torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def validate(self) -> dict[str, float]:
        self.events.append("validate")
        return {"measure": 1.0}

    def finish(self, folder: Path) -> None:
        self.events.append("finish")
        (folder / "result.txt").write_text("done")

    def weights(self) -> dict[str, Tensor]:
        return {key: value.clone() for key, value in self.network.state_dict().items()}


def train(trainable: Tiny, folder: Path, *, resume: bool = False, steps: int = STEPS, **schedule: int) -> Tiny:
    settings = {"log_every": 1, "save_every": 2} | schedule
    folder.mkdir(exist_ok=True)
    fit(trainable, Schedule(steps=steps, **settings), folder, Accelerator(cpu=True), resume=resume)
    return trainable


def assert_same(first: Tiny, second: Tiny) -> None:
    theirs = second.weights()
    for key, value in first.weights().items():
        assert torch.equal(value, theirs[key]), key


def kill_in(step: int, folder: Path, trainable: Tiny | None = None, **schedule: int) -> None:
    """Begin a run, and have it killed in a step."""
    killed = trainable or Tiny()
    killed.at = {step: kill}
    with pytest.raises(KilledError):
        train(killed, folder, **schedule)

"""What tests of trainings share: pictures, an accelerator as new, a kill that is survived, settings that matter."""

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from impasto.data import folders
from impasto.data.domains import Domains
from impasto.data.folders import Crops, PictureStream
from impasto.encoders.network import LAYERS
from impasto.training import figures
from impasto.training.loop import fit

State = Mapping[str, Tensor]


def forget() -> None:
    """Let the next accelerator be the first one of this process."""
    for state in (AcceleratorState, PartialState, GradientState):
        state._reset_state()


def begin(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a training finds: an accelerator that knows nothing of the one before, nor leaves anything to the next one;
    and pictures that are read in this process, for others take longer to begin than to read them all."""
    patch.setitem(folders.batches.__kwdefaults__, "workers", 0)
    forget()
    yield
    forget()


@pytest.fixture(autouse=True)
def fresh_accelerator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from begin(monkeypatch)


def draw(folder: Path, count: int, random: np.random.Generator, size: tuple[int, int] = (44, 40)) -> list[Path]:
    """Smooth pictures of (width, height) in a folder of their own, as the only one of a list."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        coarse = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return [folder]


def write_teacher(path: Path) -> Path:
    """A network as the recipe of `lite` expects it, with other numbers."""
    generator = torch.Generator().manual_seed(0)
    state, previous = {"conv0.weight": torch.eye(3).view(3, 3, 1, 1) * 4, "conv0.bias": torch.full((3,), -2.0)}, 3
    for layer in LAYERS:
        key, width = "conv" + layer[4] + layer[6], (16, 32, 64, 128, 128)[int(layer[4]) - 1]
        state[f"{key}.weight"] = (2 / (9 * previous)) ** 0.5 * torch.randn(width, previous, 3, 3, generator=generator)
        state[f"{key}.bias"] = 0.1 * torch.randn(width, generator=generator)
        previous = width
    save_file(state, path)
    return path


def run(folder: Path, training: Any, schedule: Any, *, resume: bool = False, stop_at: int | None = None) -> Any:
    """The training after its run into the folder, without the figure, which takes longer; TimeoutError in `stop_at`."""
    folder.mkdir(exist_ok=True)
    step = training.step

    def watched(batch: Any, number: int) -> Any:
        if number == stop_at:
            raise TimeoutError
        return step(batch, number)

    training.step = watched
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "draw_losses", lambda folder: None)
        fit(training, schedule, folder, training.accelerator, resume=resume)
    return training


def check_resuming(folder: Path, make: Callable[[], Any], schedule: Any, files: tuple[str, ...], stop_at: int) -> None:
    """A run that is killed in a step and resumed ends bit by bit as one that is not; its `network` learns."""
    new = {name: state_of(module) for name, module in make().modules.items()}
    whole = run(folder / "whole", make(), schedule)
    with pytest.raises(TimeoutError):
        run(folder / "killed", make(), schedule, stop_at=stop_at)
    torch.manual_seed(99)
    resumed = run(folder / "killed", make(), schedule, resume=True)
    for name, module in whole.modules.items():
        theirs = resumed.modules[name].state_dict()
        for key, value in module.state_dict().items():
            assert torch.equal(value, theirs[key]), f"{name} {key}"
            assert name != "network" or not torch.equal(value, new[name][key]), f"{key} learns nothing"
    for name, optimizer in whole.optimizers.items():
        states = resumed.optimizers[name].state_dict()["state"]
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                assert torch.equal(torch.as_tensor(value), torch.as_tensor(states[index][key])), f"{name} {index} {key}"
    for file in files:
        assert (folder / "killed" / file).read_bytes() == (folder / "whole" / file).read_bytes()


def state_of(module: torch.nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in module.state_dict().items()}


def after_steps(training: Any, steps: int) -> Any:
    """The training after its first steps."""
    stream = training.batches(0)
    for step in range(steps):
        training.step(next(stream), step)
    return training


def is_other(one: State, other: State) -> bool:
    """Whether two states differ at all."""
    return one.keys() != other.keys() or any(
        value.shape != other[key].shape or not torch.equal(value, other[key]) for key, value in one.items()
    )


def unpaired_streams(folder: Path) -> Domains:
    """Three pictures of each of two kinds, in crops of 32 pixels."""
    random = np.random.default_rng(0)
    made = {}
    for kind in ("A", "B"):
        (pictures,) = draw(folder / kind, 3, random, (40, 36))
        made[kind] = PictureStream(sorted(pictures.iterdir()), Crops(side=32, shorter=(34, 34)), ord(kind))
    return made


def batch(seed: int, count: int = 2, side: int = 32) -> tuple[Tensor, Tensor]:
    """Noise of both kinds."""
    generator = torch.Generator().manual_seed(seed)
    A, B = (torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8) for _ in range(2))
    return A, B


class Plain:
    """Copies of a training's networks in float64, and plain gradient descent: what its step is held against."""

    def __init__(self, training: Any, rate: float = 1e-3, judges_rate: float | None = None) -> None:
        both = [*training.generators.values(), *training.discriminators.values()]
        self.G, self.F, self.D_B, self.D_A = (copy.deepcopy(network).double() for network in both)
        self.of_generators = torch.optim.SGD([*self.G.parameters(), *self.F.parameters()], lr=rate)
        self.of_judges = [torch.optim.SGD(D.parameters(), lr=judges_rate or rate) for D in (self.D_B, self.D_A)]

    def learn(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def check(self, training: Any, *, atol: float, rtol: float = 0) -> None:
        """The training's networks have learned the same."""
        both = [*training.generators.values(), *training.discriminators.values()]
        for network, expected in zip(both, (self.G, self.F, self.D_B, self.D_A), strict=True):
            for (name, value), right in zip(network.named_parameters(), expected.parameters(), strict=True):
                torch.testing.assert_close(value.double(), right, atol=atol, rtol=rtol, msg=name)


def gradient_descent(parameters: Any) -> torch.optim.Optimizer:
    """In place of Adam, which makes steps of full length even of gradients that are nothing but rounding."""
    return torch.optim.SGD(parameters, lr=0.0)

"""`impasto train`: a recipe's networks, trained into a folder that holds everything about the run."""

import hashlib
import importlib
import inspect
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from impasto.cli.terminal import Screen, duration
from impasto.errors import Cancelled, ImpastoError, OptionError
from impasto.recipes import RECIPES

if TYPE_CHECKING:
    from accelerate import Accelerator

    from impasto.training.loop import Report


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a run is trained on."""

    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1, mps")] = "auto"
    precision: Annotated[Literal["fp32", "bf16"], Parameter(help="of the networks' arithmetic")] = "fp32"


def train(
    recipe: Annotated[str, Parameter(choices=tuple(RECIPES), help="which run to make")],
    /,
    *,
    data: Annotated[list[Path], Parameter(help="folder of pictures; may be given several times")],
    out: Annotated[Path, Parameter(help="folder of the run")],
    teacher: Annotated[
        Path | None, Parameter(help="file of the network to learn from, where the recipe needs it")
    ] = None,
    steps: Annotated[
        int | None, Parameter(metavar="N", help="length of the run; the recipe's own if not given")
    ] = None,
    seed: Annotated[int | None, Parameter(help="of everything random; the recipe's own if not given")] = None,
    resume: Annotated[bool, Parameter(help="go on with the run in the folder", show_default=False)] = False,
    machine: Annotated[Machine, Parameter(name="*")] = Machine(),
) -> int:
    """Train a network by one of impasto's recipes. Under torchrun, on all of its processes."""
    if steps is not None and steps < 1:
        raise OptionError(f"--steps is {steps}, but must be 1 or more")
    module = _with_extra(RECIPES[recipe])
    network = _teacher(module, recipe, teacher)
    config = _config(module, steps, seed)
    # The extra `train` is there by now.
    from impasto.training.checkpoint import prepare_run
    from impasto.training.loop import fit

    facts = {"recipe": recipe, **asdict(config), "precision": machine.precision, **_facts(data, network)}
    accelerator = _accelerator(machine)
    if accelerator.is_main_process:
        prepare_run(out, facts, resume=resume)
    accelerator.wait_for_everyone()
    screen = Screen(quiet=not accelerator.is_main_process)
    trainable = module.build(config, accelerator, data, **network)
    try:
        with _reported(screen, recipe) as report:
            fit(trainable, config.schedule, out, accelerator, resume=resume, report=report)
    except KeyboardInterrupt:
        raise Cancelled(f"stopped; the run's state is in {out}, and --resume goes on with it") from None
    screen.result(str(out))
    return 0


def _with_extra(name: str) -> ModuleType:
    """A recipe's module. Raises ImpastoError if what training needs is not installed."""
    try:
        import accelerate  # noqa: F401

        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "impasto":
            raise
        raise ImpastoError(
            f"training needs the extra 'train' ({error.name} is missing): pip install 'impasto[train]'"
        ) from error


def _teacher(module: ModuleType, recipe: str, teacher: Path | None) -> dict[str, Path]:
    """The argument `teacher` of the recipe's `build`, if it has one."""
    wanted = "teacher" in inspect.signature(module.build).parameters
    if wanted and teacher is None:
        raise OptionError(f"the recipe {recipe} needs --teacher FILE: the network to learn from")
    if teacher is not None and not wanted:
        raise OptionError(f"the recipe {recipe} learns from no --teacher")
    return {} if teacher is None else {"teacher": teacher}


def _config(module: ModuleType, steps: int | None, seed: int | None) -> Any:
    config = module.Config()
    if steps is not None:
        config = replace(config, schedule=replace(config.schedule, steps=steps))
    return config if seed is None else replace(config, seed=seed)


def _facts(data: Sequence[Path], network: Mapping[str, Path]) -> dict[str, Any]:
    """What a resumed run must find unchanged besides its config; where it lies may change."""
    from impasto.data.folders import list_pictures
    from impasto.errors import WeightsError
    from impasto.weights import sha256_of

    pictures = list_pictures(data)
    names = "\n".join(path.name for path in pictures)
    facts: dict[str, Any] = {"pictures": len(pictures), "picture_names": hashlib.sha256(names.encode()).hexdigest()}
    for name, path in network.items():
        if not path.is_file():
            raise WeightsError(f"{path}: there is no such file")
        facts[name] = sha256_of(path)
    return facts


def _accelerator(machine: Machine) -> "Accelerator":
    from accelerate import Accelerator

    from impasto.device import choose_device

    if machine.device not in ("auto", "cpu"):
        # The one way to tell accelerate of a device that is neither the CPU nor its own choice.
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(choose_device(machine.device))
    mixed = "no" if machine.precision == "fp32" else machine.precision
    return Accelerator(cpu=machine.device == "cpu", mixed_precision=mixed)


@contextmanager
def _reported(screen: Screen, title: str) -> "Iterator[Report]":
    """What `fit` is given to tell how it goes: a bar in a terminal, else a line for each report."""
    first: list[tuple[float, int]] = []
    with screen.counting(title) as show:

        def report(step: int, steps: int, values: Mapping[str, float]) -> None:
            now = time.monotonic()
            said = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
            if not first:
                first.append((now, step))
            elif step > first[0][1]:
                seconds = (now - first[0][0]) / (step - first[0][1]) * (steps - step)
                said = f"{said}  {duration(seconds)} left"
            if screen.has_bars:
                show(step, steps, said)
            else:
                screen.note(f"{title} {step}/{steps}  {said}")

        yield report

"""State of a training run on disk: complete, verified, and never half-written.

A run's folder holds `config.json` (the settings, compared on resume), `state-<step>.safetensors` (networks, optimisers
and random generators) and `state.json` (which of them are there, newest first, and the best one, each with its sha256).
There is no pickle anywhere.
"""

import json
import logging
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto import weights
from impasto.errors import CheckpointError, WeightsError
from impasto.files import read_json, replace_file
from impasto.training.runs import write_json

STATE, PREVIOUS = "state.json", "state.json.previous"

Value = TypeVar("Value")

logger = logging.getLogger(__name__)


# What an optimiser's groups say about the device that it computes on, and not about what it has learned.
_HOW = ("foreach", "fused", "capturable")


@dataclass(frozen=True, kw_only=True)
class Best:
    """The state of a run at which a held-out measure was best."""

    file: str
    sha256: str
    step: int
    measure: str
    value: float


def save_state(
    folder: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    processes: Sequence[Mapping[str, Tensor]],
    *,
    keep: int = 3,
    measured: tuple[str, float] | None = None,
) -> Path:
    """Write everything that step `step` left behind, and remove what is neither among the last `keep` nor the best.

    processes: what each process has for itself, as `process_state` gives it. measured: name and value of the held-out
        measure if this is the best state so far.
    Raises CheckpointError if it cannot be written; then the states of before are all there.
    """
    # Not what a run that had to go back to an earlier state left of the steps that it now repeats.
    known = [state for state in _listed(folder) if state["step"] < step]
    best = best_of(folder)
    path = folder / f"state-{step:07d}.safetensors"
    tensors, scalars = _contents(modules, optimizers, processes)
    try:
        weights.save(path, tensors, {"step": step, "scalars": scalars})
        current: dict[str, Any] = {"file": path.name, "sha256": weights.sha256_of(path), "step": step}
        if measured is not None:
            best = Best(**current, measure=measured[0], value=measured[1])
        elif best is not None and best.step >= step:
            best = None  # of a step that is repeated, too
        kept = known[: max(1, keep) - 1]
        if (folder / STATE).exists():
            replace_file(folder / PREVIOUS, (folder / STATE).read_bytes())
        write_json(folder / STATE, current | {"earlier": kept, "best": asdict(best) if best else None})
    except (OSError, WeightsError) as error:
        before = f"--resume goes on from step {known[0]['step']}" if known else "there is no earlier state"
        raise CheckpointError(f"the state of step {step} could not be saved: {error}; {before}") from error
    # Only now, when the new state is complete and named as the current one.
    prune(folder)
    return path


def prune(folder: Path) -> None:
    """Remove the states that `state.json` does not name. Without one that can be read, all of them stay."""
    if not isinstance(read_json(folder / STATE), dict):
        return
    names = {state["file"] for state in _listed(folder)}
    for old in folder.glob("state-*.safetensors"):
        if old.name not in names:
            old.unlink()


def process_state(
    modules: Mapping[str, nn.Module], per_process: Collection[str], rank: int, device: torch.device
) -> dict[str, Tensor]:
    """What no other process of the run has: its random generators and its own modules, such as pools of pictures.

    per_process: names of these modules. Those of the first process are among the run's modules already.
    """
    state = {f"generator/{name}": value for name, value in _random_state(device).items()}
    if rank:
        state |= {f"module/{name}/{k}": v.cpu() for name in per_process for k, v in modules[name].state_dict().items()}
    return state


def has_state(folder: Path) -> bool:
    """Whether the run in this folder came as far as saving a state."""
    return (folder / STATE).exists() or (folder / PREVIOUS).exists()


def best_of(folder: Path) -> Best | None:
    """The best state of a run by its held-out measure, if it has measured yet. Its file is never pruned."""
    for name in (STATE, PREVIOUS):
        listed = read_json(folder / name)
        if isinstance(listed, dict):
            try:
                return Best(**listed["best"]) if listed.get("best") else None
            except TypeError:
                return None
    return None


def load_state(
    folder: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    *,
    per_process: Collection[str] = (),
    rank: int = 0,
    device: torch.device = torch.device("cpu"),  # noqa: B008
) -> int:
    """Put modules, optimisers and this process's random generators back; returns the number of finished steps.

    Where the latest state is damaged, the newest whole one before it counts, and the log says so.
    per_process: names of the modules that each process has for itself. rank, device: of this process.
    Raises CheckpointError if no state is whole, or if it does not fit.
    """
    tensors, config = _newest_whole(folder)
    scalars = config["scalars"]
    mine = {k.removeprefix(f"process/{rank}/"): v for k, v in tensors.items() if k.startswith(f"process/{rank}/")}
    try:
        for name, module in modules.items():
            module.load_state_dict(_below(mine if rank and name in per_process else tensors, f"module/{name}/"))
        for name, optimizer in optimizers.items():
            _restore(optimizer, _optimizer_state(name, tensors, scalars))
        # A run from before states had other generators has PyTorch's alone, by this name.
        generators = _below(mine, "generator/") or {"torch": tensors[f"generator/{rank}"]}
        _restore_random_state(generators, device)
    except (KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{folder}: its state does not fit this run: {error}") from error
    return int(config["step"])


def _contents(
    modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer], processes: Sequence[Mapping[str, Tensor]]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Everything that a state holds: tensors, and what JSON can say."""
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, Any] = {}
    for name, module in modules.items():
        tensors |= {f"module/{name}/{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in optimizers.items():
        state = optimizer.state_dict()
        scalars[f"optimizer/{name}"] = [
            {key: float(value) if isinstance(value, Tensor) else value for key, value in group.items()}
            for group in state["param_groups"]
        ]
        for index, entries in state["state"].items():
            for key, value in entries.items():
                place = f"optimizer/{name}/{index}/{key}"
                if isinstance(value, Tensor):
                    tensors[place] = value
                else:
                    scalars[place] = value
    for rank, of_process in enumerate(processes):
        tensors |= {f"process/{rank}/{key}": value for key, value in of_process.items()}
    return {key: value.detach().cpu() for key, value in tensors.items()}, scalars


def _listed(folder: Path) -> list[dict[str, Any]]:
    """{file, sha256, step} of every state of a run that may be there, newest first."""
    for name in (STATE, PREVIOUS):
        listed = read_json(folder / name)
        try:
            states = [listed, *listed.get("earlier", []), *([listed["best"]] if listed.get("best") else [])]
            unique = {state["file"]: {key: state[key] for key in ("file", "sha256", "step")} for state in states}
            return sorted(unique.values(), key=lambda state: -int(state["step"]))
        except (AttributeError, KeyError, TypeError, ValueError):
            if (folder / name).exists():
                logger.warning("%s: is damaged", folder / name)
    return []


def _newest_whole(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    damaged: list[str] = []
    for state in _listed(folder):
        path = folder / state["file"]
        try:
            if weights.sha256_of(path) != state["sha256"]:
                raise WeightsError(f"{path}: is damaged (its sha256 is not the one in {STATE})")
            loaded = weights.load(path)
        except OSError as error:
            damaged.append(f"{path}: cannot be read ({error.strerror or error})")
            continue
        except WeightsError as error:
            damaged.append(str(error))
            continue
        for message in damaged:
            logger.warning("%s; going on from step %d instead", message, state["step"])
        return loaded
    reason = "; ".join(damaged) if damaged else f"its {STATE} cannot be read"
    raise CheckpointError(f"{folder}: no whole state is left to resume: {reason}")


def _below(values: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _restore(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Put an optimiser back, for the device and the memory that its parameters have now."""
    groups = zip(state["param_groups"], optimizer.param_groups, strict=True)
    state["param_groups"] = [saved | {key: now[key] for key in _HOW if key in now} for saved, now in groups]
    optimizer.load_state_dict(state)
    for parameter, entries in optimizer.state.items():
        for key, value in entries.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                # A file does not keep the order of a tensor in memory, in which fused optimisers go through all alike.
                entries[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _optimizer_state(name: str, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> dict[str, Any]:
    prefix = f"optimizer/{name}/"
    state: dict[int, dict[str, Any]] = {}
    for place, value in [*_below(tensors, prefix).items(), *_below(scalars, prefix).items()]:
        index, key = place.split("/")
        state.setdefault(int(index), {})[key] = value
    return {"state": state, "param_groups": scalars[f"optimizer/{name}"]}


# --- random generators ------------------------------------------------------------------------------------------------


def _random_state(device: torch.device) -> dict[str, Tensor]:
    """{generator: its state, uint8} of PyTorch (and of the device's own, if it is CUDA), NumPy and Python."""
    # Networks and data draw from seeds of their own; whoever draws from a global generator is resumed exactly, too.
    numpy: Any = np.random.get_state(legacy=True)  # noqa: NPY002
    state = {
        "torch": torch.get_rng_state(),
        "numpy": _packed([numpy[0], numpy[1].tolist(), *numpy[2:]]),
        "python": _packed(random.getstate()),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _restore_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """The way back. What the state does not know stays as it is."""
    torch.set_rng_state(state["torch"])
    if "numpy" in state:
        name, keys, *rest = _unpacked(state["numpy"])
        np.random.set_state((name, np.array(keys, np.uint32), *rest))  # noqa: NPY002
    if "python" in state:
        version, keys, gauss = _unpacked(state["python"])
        random.setstate((version, tuple(keys), gauss))
    if "cuda" in state and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


def _packed(value: Any) -> Tensor:
    return torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)


def _unpacked(packed: Tensor) -> Any:
    return json.loads(bytes(packed.tolist()))

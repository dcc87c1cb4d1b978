"""An unfinished painting on disk: everything that continues it bit by bit."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto import weights
from impasto.errors import CheckpointError, WeightsError
from impasto.methods.gatys.optimise import Optimisation

# A part of every fingerprint: what a state holds, and how steps follow from it.
FORMAT = 2


def save(path: Path, optimisation: Optimisation, fingerprint: str, *, scale: int, step: int, retreats: int) -> None:
    """After `step` steps at scale number `scale`. Atomic.

    fingerprint: of everything that the painting depends on; `read` refuses another one. retreats: of the guard at the
    scales before.
    """
    tensors, numbers = _pack(optimisation.optimizer.state_dict()["state"].get(0, {}))
    canvas, guard = optimisation.canvas, optimisation.guard
    tensors |= {"start": canvas.start, "change": canvas.change.detach(), "best": guard.best}
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    config = {
        "sha256": _digest(tensors), "fingerprint": fingerprint, "scale": scale, "step": step, "retreats": retreats,
        "guard": guard.numbers, "optimizer": numbers,
    }  # fmt: skip
    weights.save(path, tensors, config)


def read(path: Path, fingerprint: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors, and what `save` was told with them. Raises CheckpointError if the file is damaged, or belongs to other
    pictures or options."""
    try:
        tensors, config = weights.load(path)
    except WeightsError as error:
        raise CheckpointError(f"{path}: cannot be resumed from: {error}") from error
    if config.get("fingerprint") != fingerprint:
        raise CheckpointError(f"{path}: belongs to a painting of other pictures, options or weights")
    if config.get("sha256") != _digest(tensors):
        raise CheckpointError(f"{path}: is damaged; delete it to begin again")
    return tensors, config


def restore(optimisation: Optimisation, tensors: dict[str, Tensor], config: dict[str, Any]) -> None:
    """Put a read state into an optimisation that was made for the same scale."""
    canvas, guard, device = optimisation.canvas, optimisation.guard, optimisation.canvas.change.device
    canvas.restart(tensors["start"])
    with torch.no_grad():
        canvas.change.copy_(tensors["change"])
    guard.best.copy_(tensors["best"])
    for name, value in config["guard"].items():
        setattr(guard, name, value)
    optimisation.renew_optimizer()
    state = optimisation.optimizer.state_dict()
    state["state"] = {
        0: _unpack(tensors, config["optimizer"], lambda tensor: optimisation.storage.keep(tensor.to(device)))
    }
    optimisation.optimizer.load_state_dict(state)


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


def _pack(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Optimiser state as tensors, a list of tensors as one tensor per entry, and numbers."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for key, value in state.items():
        if isinstance(value, Tensor):
            tensors[f"optimizer/{key}"] = value
        elif isinstance(value, list):
            tensors |= {f"optimizer/{key}/{i:04d}": entry for i, entry in enumerate(value)}
            numbers[key] = {"entries": len(value)}
        else:
            numbers[key] = value
    return tensors, numbers


def _unpack(tensors: dict[str, Tensor], numbers: dict[str, Any], keep: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for key, value in numbers.items():
        if isinstance(value, dict):
            names = (f"optimizer/{key}/{i:04d}" for i in range(value["entries"]))
            # States of before this L-BFGS have a list of work space, of which nothing was kept.
            state[key] = [keep(tensors.pop(name)) for name in names if name in tensors]
        else:
            state[key] = value
    for name in [name for name in tensors if name.startswith("optimizer/") and name.count("/") == 1]:
        state[name.removeprefix("optimizer/")] = keep(tensors.pop(name))
    return state

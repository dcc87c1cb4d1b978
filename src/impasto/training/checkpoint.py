"""State of a training run on disk: complete, verified, and never half-written.

A run's folder holds `config.json` (the settings, compared on resume), `state-<step>.safetensors` (networks, optimisers
and random generators) and `state.json` (which of them is current, with its sha256). There is no pickle anywhere.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto import weights
from impasto.errors import CheckpointError, WeightsError


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Atomic: a reader sees the old file or the new one."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(values, indent=2) + "\n")
    temporary.replace(path)


def check_run(folder: Path, config: Mapping[str, Any], *, resume: bool) -> None:
    """Make sure that a new run finds no old one in its folder, and that a resumed one has the same settings.

    Raises CheckpointError otherwise, naming each setting that differs. Writes nothing.
    """
    stored = folder / "config.json"
    if not stored.exists():
        if resume:
            raise CheckpointError(f"{folder}: holds no run to resume")
        return
    if not resume:
        raise CheckpointError(f"{folder}: already holds a run; continue it with --resume or choose another folder")
    before, now = json.loads(stored.read_text()), json.loads(json.dumps(config))
    differences = [
        f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if differences:
        raise CheckpointError(f"{folder}: cannot be resumed with other settings: {'; '.join(differences)}")


def prepare_run(folder: Path, config: Mapping[str, Any], *, resume: bool) -> None:
    """Create the folder of a new run, or make sure that a resumed one has the same settings, as `check_run` does."""
    check_run(folder, config, resume=resume)
    if not resume:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "config.json", config)


def save_state(
    folder: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    generators: Sequence[Tensor],
) -> Path:
    """Write everything that step `step` left behind. generators: one random state per process (uint8)."""
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, Any] = {}
    for name, module in modules.items():
        tensors |= {f"module/{name}/{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in optimizers.items():
        state = optimizer.state_dict()
        scalars[f"optimizer/{name}"] = state["param_groups"]
        for index, entries in state["state"].items():
            for key, value in entries.items():
                place = f"optimizer/{name}/{index}/{key}"
                if isinstance(value, Tensor):
                    tensors[place] = value
                else:
                    scalars[place] = value
    tensors |= {f"generator/{rank}": generator for rank, generator in enumerate(generators)}
    path = folder / f"state-{step:07d}.safetensors"
    weights.save(
        path, {key: value.detach().cpu() for key, value in tensors.items()}, {"step": step, "scalars": scalars}
    )
    write_json(folder / "state.json", {"file": path.name, "sha256": weights.sha256_of(path), "step": step})
    # Only now, when the new state is complete and named as the current one.
    for old in folder.glob("state-*.safetensors"):
        if old != path:
            old.unlink()
    return path


def has_state(folder: Path) -> bool:
    """Whether the run in this folder came as far as saving a state."""
    return (folder / "state.json").exists()


def load_state(
    folder: Path, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer], *, rank: int = 0
) -> int:
    """Put modules, optimisers and this process's random generator back; returns the number of finished steps.

    Raises CheckpointError if the state is missing, damaged, or of another shape.
    """
    tensors, config = _read_current(folder)
    scalars = config["scalars"]
    try:
        for name, module in modules.items():
            prefix = f"module/{name}/"
            module.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(_optimizer_state(name, tensors, scalars))
        torch.set_rng_state(tensors[f"generator/{rank}"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{folder}: its state does not fit this run: {error}") from error
    return int(config["step"])


def _read_current(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        current = json.loads((folder / "state.json").read_text())
        path = folder / current["file"]
        if weights.sha256_of(path) != current["sha256"]:
            raise CheckpointError(f"{path}: is damaged (its sha256 is not the one in state.json)")
        return weights.load(path)
    except (OSError, KeyError, ValueError, WeightsError) as error:
        raise CheckpointError(f"{folder}: its saved state cannot be read: {error}") from error


def _optimizer_state(name: str, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> dict[str, Any]:
    prefix = f"optimizer/{name}/"
    state: dict[int, dict[str, Any]] = {}
    for place, value in [*tensors.items(), *scalars.items()]:
        if place.startswith(prefix):
            index, key = place.removeprefix(prefix).split("/")
            state.setdefault(int(index), {})[key] = value
    return {"state": state, "param_groups": scalars[f"optimizer/{name}"]}

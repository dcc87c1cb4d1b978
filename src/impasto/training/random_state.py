"""Every global random generator of a process as tensors, so that a resumed run draws on where it stopped."""

import json
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def random_state(device: torch.device) -> dict[str, Tensor]:
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


def restore_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
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

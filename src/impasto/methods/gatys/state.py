"""An unfinished painting on disk: everything that continues it bit by bit."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

from impasto import weights
from impasto.errors import CheckpointError, WeightsError
from impasto.methods.gatys.optimise import Optimisation

# A part of every fingerprint: what a state holds, and how steps follow from it.
FORMAT = 2


def fingerprint(pictures: Iterable[Tensor], *others: object) -> str:
    """Of the pictures, and of whatever else JSON can hold."""
    digest = hashlib.sha256(json.dumps([FORMAT, *others]).encode())
    for picture in pictures:
        digest.update(str(tuple(picture.shape)).encode())
        digest.update(picture.contiguous().numpy().tobytes())
    return digest.hexdigest()


def save(path: Path, optimisation: Optimisation, fingerprint: str, *, scale: int, step: int, retreats: int) -> None:
    """After `step` steps at scale number `scale`. Atomic.

    fingerprint: of everything that the painting depends on; `read` refuses another one. retreats: of the guard at the
    scales before.
    """
    tensors, numbers = optimisation.state()
    stopped = {"scale": scale, "step": step, "retreats": retreats}
    weights.save(path, tensors, {"sha256": _digest(tensors), "fingerprint": fingerprint, **stopped, **numbers})


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


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()

"""Workers as actors of a Ray cluster, which Ray Data feeds, scales, and starts again where a node dies."""

import logging
import os
import pickle
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
from ray.data import ActorPoolStrategy, DataContext

from impasto.batch.steps import PaintStep, Worker, read, write
from impasto.batch.task import Chunk, Outcome, Settings
from impasto.errors import ImpastoError

LOCAL, CLIENT = "local-ray", "ray://"
HEAD = "node:__internal_head__"
MOST_BLOCKS = 10_000
TOLD_SECONDS = 1.0
"""Between two times that a driver elsewhere tells of outcomes."""

Batch = dict[str, Any]
"""{"value": rows}, each pickled: Arrow, in whose tables Ray's rows travel, knows none of these kinds."""


@dataclass(frozen=True)
class Cluster:
    """address: LOCAL for one on this machine, or as `ray.init` takes it. workers: at most; None for as many as there is
    room for. gpus: of each worker, of which a part may be asked for; 0 for painting on CPUs."""

    address: str = LOCAL
    workers: int | None = None
    gpus: float = 0.0


def run(chunks: Sequence[Chunk], settings: Settings, cluster: Cluster) -> Iterator[Outcome]:
    """Every task's outcome, in the order in which they come, and of some perhaps twice.

    A chunk whose node died is done again. That leaves the same files, as a painting's name and its bytes depend on
    nothing but its task. Raises ImpastoError if the cluster cannot be reached or is lost.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    is_ours = not ray.is_initialized()
    try:
        if is_ours:
            address = None if cluster.address == LOCAL else cluster.address
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        if cluster.address.startswith(CLIENT):
            yield from _told(chunks, settings, cluster)
        else:
            yield from _outcomes(chunks, settings, cluster)
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise ImpastoError(f"--on {cluster.address}: {' '.join(str(error).split())[:400]}") from error
    finally:
        if is_ours:
            ray.shutdown()


def _told(chunks: Sequence[Chunk], settings: Settings, cluster: Cluster) -> Iterator[Outcome]:
    """Ray Data does not run through Ray's client, so what drives it does so in the cluster, beside its head."""
    # An actor's methods are remote ones, of which the class itself knows nothing.
    driver: Any = ray.remote(_Driver).options(num_cpus=0, resources={HEAD: 0.001}).remote(chunks, settings, cluster)
    while rows := ray.get(driver.take.remote()):
        yield from rows


class _Driver:
    def __init__(self, chunks: Sequence[Chunk], settings: Settings, cluster: Cluster) -> None:
        self._outcomes = _outcomes(chunks, settings, cluster)

    def take(self) -> list[Outcome]:
        """Those of about a second; none at the end."""
        began, rows = time.monotonic(), []
        for row in self._outcomes:
            rows.append(row)
            if time.monotonic() - began > TOLD_SECONDS:
                break
        return rows


def _outcomes(chunks: Sequence[Chunk], settings: Settings, cluster: Cluster) -> Iterator[Outcome]:
    for name in ("ray.data", "ray.data._internal.progress"):
        logging.getLogger(name).setLevel(logging.ERROR)
    DataContext.get_current().enable_progress_bars = False
    rows = [{"value": pickle.dumps(chunk)} for chunk in chunks]
    data = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS))
    for row in _painted(data, settings, cluster, is_packed=chunks[0][0].is_packed).iter_rows():
        yield pickle.loads(row["value"])  # noqa: S301  (what our own workers said)


def _painted(data: Any, settings: Settings, cluster: Cluster, *, is_packed: bool) -> Any:
    most = cluster.workers or max(1, int(ray.cluster_resources().get("GPU" if cluster.gpus else "CPU", 1)))
    pool = ActorPoolStrategy(min_size=1, max_size=most)
    each = {"batch_size": 1, "fn_constructor_args": (settings,)}
    # A shard is written by whoever painted it; and beside painting on a CPU, decoding is too little to travel for.
    if not cluster.gpus or is_packed:
        return data.map_batches(_Worker, compute=pool, num_cpus=settings.threads, num_gpus=cluster.gpus, **each)
    return (
        data.map_batches(_read, fn_args=(settings,), batch_size=1, num_cpus=1)
        .map_batches(_PaintStep, compute=pool, num_cpus=1, num_gpus=cluster.gpus, **each)
        .map_batches(_write, fn_args=(settings,), batch_size=1, num_cpus=1)
    )


class _Worker:
    def __init__(self, settings: Settings) -> None:
        self._work = Worker(settings)

    def __call__(self, batch: Batch) -> Batch:
        return _packed(self._work(_unpacked(batch)))


class _PaintStep:
    def __init__(self, settings: Settings) -> None:
        self._paint = PaintStep(settings)

    def __call__(self, batch: Batch) -> Batch:
        return _packed([list(self._paint(_unpacked(batch)))])


def _read(batch: Batch, settings: Settings) -> Batch:
    return _packed([list(read(_unpacked(batch), settings))])


def _write(batch: Batch, settings: Settings) -> Batch:
    return _packed(write(_unpacked(batch), settings))


def _packed(values: Iterable[Any]) -> Batch:
    return {"value": np.array([pickle.dumps(value) for value in values], dtype=object)}


def _unpacked(batch: Batch) -> Any:
    (value,) = batch["value"]
    return pickle.loads(value)  # noqa: S301

"""How a service is, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the server is."""

    # Whether jobs are taken and painted.
    ready: bool
    stopping: bool
    workers: int
    workers_ready: int
    waiting: int
    running: int
    # What the workers are kept within, of `confinement.PARTS`.
    confined: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServiceHealth(Health):
    """The same, with what only its operator may know. problems: of the devices that do not paint.

    upload_bytes: of what waits or is painted. results, result_bytes: of what is kept. video_bytes:
    on the disk, with what is reserved. cache: {"styles" or "looks":
    (hits, misses)} of the workers since they were started.
    """

    upload_bytes: int
    results: int
    result_bytes: int
    video_bytes: float = 0.0
    problems: tuple[str, ...] = ()
    cache: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def added(caches: Sequence[Mapping[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    """Of all workers together."""
    counts = {name: [cache.get(name, (0, 0)) for cache in caches] for name in ("styles", "looks")}
    return {name: (sum(hits for hits, _ in one), sum(misses for _, misses in one)) for name, one in counts.items()}

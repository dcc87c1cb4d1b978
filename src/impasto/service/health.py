"""How a service is, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ServiceHealth:
    """ready: whether jobs are taken and painted. problems: of the devices that do not paint.

    upload_bytes: of what waits or is painted. results, result_bytes: of what is kept. video_bytes:
    on the disk, with what is reserved. cache: {"styles" or "sights":
    (hits, misses)} of the workers since they were started. confined: what the workers are kept within, of
    `confinement.PARTS`.
    """

    ready: bool
    stopping: bool
    workers: int
    workers_ready: int
    waiting: int
    running: int
    upload_bytes: int
    results: int
    result_bytes: int
    video_bytes: float = 0.0
    confined: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    cache: Mapping[str, tuple[int, int]] = field(default_factory=dict)
